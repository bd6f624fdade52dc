// A STUN and TURN server on a simulated host: that of postern/server, on the network's clock.

import { startServer } from '#testing-server';
import { requireObject } from '../codec/arguments.js';
import { DEFAULT_PORT } from '../uri.js';
import { checkAddresses, checkPort } from './options.js';
import { requireNetwork } from './stun-server.js';

/** @typedef {import('../server/server.js').Server} Server */
/** @typedef {import('../server/server-options.js').ServerOptions} ServerOptions */
/** @typedef {import('./host.js').Host} Host */
/** @typedef {import('./network.js').Network} Network */

/**
 * @typedef {object} OwnTurnServerOptions
 * @property {string} [name] default made up; `turn:<name>` leads to it
 * @property {string | readonly string[]} [addresses] default one that is made up; with two, and two ports, it helps to discover
 *   NATs
 * @property {readonly number[]} [ports] at which it listens, at each address; default 3478
 * @property {import('./nat.js').Nat} [nat] behind which it is
 */

/**
 * Those of createServer() besides, of which `policy` opens everything when it is left out.
 *
 * @typedef {OwnTurnServerOptions & Omit<ServerOptions, 'listen' | 'tls' | 'origins' | 'mirror' | 'reflector'>} TurnServerOptions
 */

/**
 * Adds a host with a STUN and TURN server to a network: the one of `postern/server`, with all that it does over UDP. Its
 * lifetimes, nonces and time-limited credentials go by the network's clock, from the time of the day at which it was added.
 *
 * For Node.js.
 *
 * @param {Network} network
 * @param {TurnServerOptions} options `credentials` or `secret` at least
 * @returns {Promise<{ host: Host, server: Server, urls: string[] }>} `urls`: a `turn:` URI for each place; server.close() ends it
 * @throws {TypeError} ERR_INVALID_ARGUMENT with the argument's name
 * @throws {import('../errors.js').PosternError} ERR_TRANSPORT_UNSUPPORTED in browsers; what createServer() fails with
 */
export async function addTurnServer(network, options) {
  requireNetwork(network);
  const {
    name,
    nat,
    addresses,
    ports = [DEFAULT_PORT],
    ...others
  } = requireObject(options, 'options');
  const given =
    addresses === undefined ? undefined : checkAddresses(addresses, 'options.addresses');
  const own = ports.map((port, i) => checkPort(port, `options.ports[${i}]`, 1));
  const host = network.addHost({ name, nat, address: given });
  const server = await startServer(host, network.clock, own, others);
  return { host, server, urls: [...server.urls] };
}
