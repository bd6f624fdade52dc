// "What is my public address?": asked once, or by a client that stays open.
import { planServers } from './ice-server.js';
import { reachServer } from './reach-server.js';
import { StunClient } from './stun-client.js';
import { checkStunOptions, clientSettings } from './stun-options.js';

/** @typedef {import('./errors.js').AttemptReport} AttemptReport */
/** @typedef {import('./ice-server.js').ServerInput} ServerInput */
/** @typedef {import('./stun-client.js').BindingResult} BindingResult */
/** @typedef {import('./search.js').Way} Way */
/** @typedef {import('./stun-options.js').Settings} Settings */
/** @typedef {import('./stun-options.js').StunOptions} StunOptions */

/**
 * How long each step took, in milliseconds.
 *
 * @typedef {object} PhaseTimes
 * @property {number} dns
 * @property {number} connect with the TLS handshake
 * @property {number} request with retransmissions and answers to challenges
 */

/**
 * @typedef {BindingResult & { url: string, phases: PhaseTimes, attempts: AttemptReport[] }} MappedAddressResult
 *   `url` is the server's that answered, as the caller wrote it, but of ws:// and wss:// without the query; `attempts`
 *   are the ways that failed before
 */

/**
 * @template Result
 * @param {ServerInput} server
 * @param {StunOptions} options
 * @param {(client: StunClient, way: Way, signal: AbortSignal) => Promise<Result>} use
 * @param {(result: Result) => void} [discard]
 */
async function withClient(server, options, use, discard) {
  const servers = planServers(server);
  checkStunOptions(options);
  const settings = new Map(servers.map((planned) => [planned, clientSettings(options, planned)]));
  return reachServer(servers, options, {
    use: async (way, signal) => {
      const own = /** @type {Settings} */ (settings.get(way.server));
      return use(await StunClient.over(way.transport, own, way.clock), way, signal);
    },
    discard,
  });
}

/** @param {StunClient} client @param {Way} way @param {AbortSignal} signal @returns {Promise<MappedAddressResult>} */
async function ask(client, { server: { url }, clock, dnsMs, connectMs, attempts }, signal) {
  const start = clock.now();
  try {
    const result = await client.bind({ signal });
    const phases = { dns: dnsMs, connect: connectMs, request: clock.now() - start };
    return { ...result, url, phases, attempts: [...attempts] };
  } finally {
    await client.close();
  }
}

/**
 * Asks a STUN server for this client's mapped address: how the other side of all NATs sees it (RFC 8489).
 *
 * Where the server has several addresses, they are tried with a head start of 250 ms each, IPv6 first. A server
 * that sends its clients on (300 Try Alternate) is followed, as by allocate(). Of several servers, the first that answers
 * counts.
 *
 * @param {ServerInput} server a `stun:` or `stuns:` URI (RFC 7064), an RTCIceServer, or an array of them; `turn:` and
 *   `turns:` servers answer Binding requests as well. Over WebSocket (`wss://` or `ws://`) it is how the server sees
 *   whoever the WebSocket ends at: behind a gateway, the gateway
 * @param {StunOptions} [options]
 * @returns {Promise<MappedAddressResult>} `address`, `port`, `family`, `roundTripMs` and how they were learned
 * @throws {TypeError} ERR_INVALID_ARGUMENT with the argument's name
 * @throws {PosternError} ERR_INVALID_URI, ERR_DNS, ERR_TRANSPORT_CONNECT, ERR_TRANSPORT_TLS, ERR_STUN_TIMEOUT,
 *   ERR_STUN_RESPONSE with the server's `errorCode`, and others of docs/errors.md; `attempts` tells what was tried.
 *   Or `signal.reason`
 */
export async function getMappedAddress(server, options = {}) {
  return withClient(server, options, ask);
}

/**
 * A STUN client that stays open: for measuring again and again, and for keeping a NAT's binding alive.
 *
 * @param {ServerInput} server as for getMappedAddress(); the first one that can be connected to
 * @param {StunOptions} [options] `timeoutMs` bounds the opening
 * @returns {Promise<StunClient>} close it, or hold it with `await using`
 * @throws as getMappedAddress() does
 */
export async function openStunClient(server, options = {}) {
  return withClient(
    server,
    options,
    async (client) => client,
    (client) => void client.close(),
  );
}
