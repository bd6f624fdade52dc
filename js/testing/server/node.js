// Our server's own code on a simulated host.

import { EventEmitter } from 'node:events';
import { formatTransportAddress } from '../../address.js';
import { argumentError } from '../../errors.js';
import { Server } from '../../server/server.js';
import { checkServerOptions } from '../../server/server-options.js';
import { checkPlace } from '../options.js';

/** @typedef {import('../../codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('../../server/platform.js').BoundSocket} BoundSocket */
/** @typedef {import('../host.js').Host} Host */
/** @typedef {import('../turn-server.js').TurnServerOptions} TurnServerOptions */
/** @typedef {import('../udp-socket.js').UdpSocket} UdpSocket */

/** What servers use of a socket of node:dgram. */
class SimulatedDgram extends EventEmitter {
  #socket;

  /** @param {UdpSocket} socket */
  constructor(socket) {
    super();
    this.#socket = socket;
    socket.onmessage = (bytes, from) => void this.emit('message', Buffer.from(bytes.buffer), from);
  }

  address() {
    return this.#socket.localAddress;
  }

  /**
   * send(bytes, port, address), or with an offset and a length after the bytes.
   *
   * @param {Uint8Array} bytes
   * @param {...any} rest
   */
  send(bytes, ...rest) {
    const [port, address] = rest.slice(-2);
    const [offset, length] = rest.length > 2 ? rest : [0, bytes.length];
    this.#socket.send(bytes.subarray(offset, offset + length), { address, port });
  }

  /** @param {() => void} [callback] */
  close(callback) {
    this.#socket.close();
    if (callback !== undefined) queueMicrotask(callback);
  }
}

/** @param {Host} host @returns {import('../../server/platform.js').ServerPlatform['bindUdp']} */
const binderOf =
  (host) =>
  async ({ address, port }) => {
    if (host.isTaken(address, port)) {
      const sentence = `bind EADDRINUSE ${formatTransportAddress({ address, port })}`;
      throw Object.assign(new Error(sentence), { code: 'EADDRINUSE' });
    }
    const socket = new SimulatedDgram(host.openUdp({ address, port }));
    return /** @type {BoundSocket} */ (/** @type {unknown} */ (socket));
  };

/** Everything in a simulated network may be relayed to, unless the options say otherwise. */
const EVERYWHERE = { allow: ['0.0.0.0/0', '::/0'] };

/**
 * The Node.js side of addTurnServer().
 *
 * @param {Host} host
 * @param {import('../../clock.js').Clock} clock
 * @param {readonly number[]} ports
 * @param {Omit<TurnServerOptions, 'name' | 'nat' | 'addresses' | 'ports'>} options
 */
export async function startServer(host, clock, ports, options) {
  for (const name of /** @type {const} */ (['listen', 'tls', 'mirror', 'reflector'])) {
    if (/** @type {Record<string, unknown>} */ (options)[name] !== undefined) {
      throw argumentError(`options.${name}`, 'left out: a simulated network carries UDP only');
    }
  }
  const places = host.addresses.flatMap((address) => ports.map((port) => ({ address, port })));
  const settings = checkServerOptions({
    policy: EVERYWHERE,
    ...options,
    listen: places.map((place) => ({ protocol: 'udp', ...checkPlace(place, 'place') })),
  });
  const [begin, beginOfDay] = [clock.now(), Date.now()];
  const timeOfDay = () => beginOfDay + clock.now() - begin;
  return new Server(settings, { clock, timeOfDay, bindUdp: binderOf(host) }).open();
}
