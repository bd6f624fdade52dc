// The first words of `postern serve`: where it listens, and what clients are to be told.

/** @typedef {import('../server/index.js').Server} Server */
/** @typedef {import('./serve-log.js').ServeLog} ServeLog */
/** @typedef {import('./serve-plan.js').Plan} Plan */
/** @typedef {import('./serve.js').Running} Running */
/** @typedef {import('./terminal.js').Style} Style */

/** @param {{ address: string, port: number, family?: string }} place */
export const hostAndPort = ({ address, port }) =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;

/** A server that relays nothing is asked for addresses only. @param {string} url */
export const asStun = (url) => url.replace(/^turn(s?):([^?]*).*$/, 'stun$1:$2');

/**
 * What RTCPeerConnection and allocate() take. Passwords are told of a user that was made here, and of no other.
 *
 * @param {string[]} urls
 * @param {Plan} plan
 */
function iceServerOf(urls, { server, made }) {
  const ice = urls.filter((url) => /^(stun|turn)s?:/.test(url));
  if (server?.relay === false || server?.authentication === false) return { urls: ice };
  return {
    urls: ice,
    username: made?.username ?? 'USER',
    credential: made?.password ?? 'PASSWORD',
  };
}

/** @param {Running} running @param {Plan} plan */
function factsOf({ server, gateway, admin, page }, plan) {
  const place = admin?.address();
  const isStun = plan.server?.relay === false;
  const urls = [...new Set((server?.urls ?? []).map((url) => (isStun ? asStun(url) : url)))];
  return {
    addresses: (server?.addresses ?? []).map((one) => `${one.protocol}://${hostAndPort(one)}`),
    urls,
    ...(server && { iceServer: iceServerOf(urls, plan) }),
    ...(gateway && { gateway: gateway.url }),
    ...(page && { page: page.url, pageAddress: hostAndPort(page.address) }),
    ...(place && typeof place === 'object' && { metrics: `http://${hostAndPort(place)}/metrics` }),
  };
}

const DEVELOPMENT = [
  'A server for development: on loopback, with a user made for this run. It relays to peers on loopback too;',
  'everywhere else to public addresses only. For another one: postern serve --help.',
  '',
];

/**
 * @param {Running} running
 * @param {Plan} plan
 * @param {ServeLog} log
 * @param {Style} style
 */
export function announce(running, plan, log, style) {
  const facts = factsOf(running, plan);
  const { addresses, urls, iceServer, gateway, page, pageAddress = '', metrics } = facts;
  const { made } = plan;
  /** @type {[string, string | undefined][]} */
  const rows = [
    ...addresses.map(
      (address, i) => /** @type {[string, string]} */ ([i ? '' : 'listens at', address]),
    ),
    ...urls.map((url, i) => /** @type {[string, string]} */ ([i ? '' : 'clients take', url])),
    ['ICE server', iceServer && JSON.stringify(iceServer)],
    ['gateway', gateway],
    ['page', page && (page.includes(pageAddress) ? page : `${page} (at ${pageAddress})`)],
    ['metrics', metrics],
    [
      'try',
      made && `npx postern turn '${urls[0]}' -u ${made.username} -p ${made.password} --peer echo`,
    ],
  ];
  const shown = rows.filter(([, text]) => text !== undefined);
  const width = Math.max(...shown.map(([name]) => name.length));
  const lines = shown.map(([name, text]) => `${style.dim(name.padEnd(width))}  ${text}`);
  log.listening(
    { isDevelopment: made !== undefined, ...facts },
    [...(made === undefined ? [] : DEVELOPMENT), ...lines].join('\n'),
  );
}
