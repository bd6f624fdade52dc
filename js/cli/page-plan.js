// What the page of `postern serve --page` is to test.
import { createCredentials } from '../credentials/create.js';
import { asStun, hostAndPort } from './serve-announce.js';

/** @typedef {import('../network-test/plan.js').NetworkPlan} NetworkPlan */
/** @typedef {import('../server/index.js').Server} Server */
/** @typedef {import('../server/index.js').ServerOptions} ServerOptions */

/** A test takes a minute; calls are not made with these. */
const CREDENTIALS_TTL_SECONDS = 600;
/** In the user names of pages, for logs and quotas. */
const USER = 'page';

/** Where a gateway finds the server of this process: its URL, or nothing. @param {Server} server */
export function upstreamOf({ addresses }) {
  const place = ['udp', 'tcp']
    .map((protocol) => addresses.find((one) => one.protocol === protocol))
    .find((one) => one !== undefined);
  if (place === undefined) return undefined;
  // Who listens everywhere listens on loopback.
  const address = { '0.0.0.0': '127.0.0.1', '::': '::1' }[place.address] ?? place.address;
  const where = hostAndPort({ address, port: place.port });
  return {
    url: `turn:${where}?transport=${place.protocol}`,
    allowPrivate: /** @type {const} */ (true),
  };
}

/** Two addresses with the same two ports each (RFC 5780). @param {Server} server */
function hasNatDiscovery({ addresses }) {
  const udp = addresses.filter(({ protocol }) => protocol === 'udp');
  return (
    new Set(udp.map(({ address }) => address)).size === 2 &&
    new Set(udp.map(({ port }) => port)).size === 2 &&
    udp.length === 4
  );
}

/**
 * The URLs of the first address: others are for the test of the NAT.
 *
 * @param {Server} server
 * @param {boolean} isStunOnly
 */
function urlsOf(server, isStunOnly) {
  const [first] = server.urls;
  const host = /^\w+:([^?]*)/.exec(first ?? '')?.[1];
  const urls = hasNatDiscovery(server)
    ? server.urls.filter((url) => url.replace(/^\w+:/, '').split('?', 1)[0] === host)
    : server.urls;
  const ice = urls.filter((url) => /^(stun|turn)s?:/.test(url));
  const stun = ice.filter((url) => /^turn:.*transport=udp$/.test(url)).map(asStun);
  return { stun, turn: isStunOnly ? [] : ice };
}

/**
 * @param {object} site
 * @param {Server} site.server
 * @param {ServerOptions} site.options of it, as they are now
 * @param {string} site.origin that the page came from
 * @param {{ gateway?: string, mirror?: string, reflector?: string }} site.paths of what there is
 * @returns {Promise<{ plan: NetworkPlan, expiresAt?: string }>} with credentials made for it
 */
export async function planOfPage({ server, options, origin, paths }) {
  const { secret = [], relay, authentication } = options;
  const { stun, turn } = urlsOf(server, relay === false);
  const webSocket = origin.replace(/^http/, 'ws');
  const urls = [...turn, ...(paths.gateway === undefined ? [] : [webSocket + paths.gateway])];
  const needsCredentials = urls.length > 0 && authentication !== false;
  const [newest] = [secret].flat();
  const made = needsCredentials
    ? await createCredentials({
        secret: newest,
        userId: USER,
        ttlSeconds: CREDENTIALS_TTL_SECONDS,
      })
    : undefined;
  const credentials = made && { username: made.username, credential: made.credential };
  return {
    plan: {
      iceServers: [
        ...(stun.length === 0 ? [] : [{ urls: stun }]),
        ...(urls.length === 0 ? [] : [{ urls, ...credentials }]),
      ],
      signalling: [`${webSocket}/signal`],
      https: [`${origin}/ping`],
      ...(paths.mirror && { mirror: origin + paths.mirror }),
      ...(paths.reflector && { reflector: origin + paths.reflector }),
      // Programs have to say it, as the gateway asks for it.
      origin,
      ...(hasNatDiscovery(server) && { natServer: stun[0] }),
    },
    ...(made && { expiresAt: new Date(made.expiresAt).toISOString() }),
  };
}
