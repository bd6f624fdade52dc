// The transports of our clients on a simulated host.

import { canonicalAddress, familyOf } from '../address.js';
import { PosternError } from '../errors.js';
import { BaseTransport } from '../transports/base-transport.js';

/** @typedef {import('../transports/transport.js').OpenOptions} OpenOptions */
/** @typedef {import('../transports/transport.js').OpenTransport} OpenTransport */
/** @typedef {import('../transports/transport.js').Transport} Transport */
/** @typedef {import('../transports/transport.js').TransportTarget} TransportTarget */
/** @typedef {import('./host.js').Host} Host */

/** @implements {Transport} */
export class SimulatedTransport extends BaseTransport {
  kind = 'udp';
  reliable = false;
  framed = true;
  /** @type {Transport['onbytes']} */ onbytes = undefined;
  #socket;

  /** @param {import('./udp-socket.js').UdpSocket} socket @param {import('../codec/values.js').TransportAddress} remoteAddress */
  constructor(socket, remoteAddress) {
    super();
    this.#socket = socket;
    this.localAddress = socket.localAddress;
    this.remoteAddress = remoteAddress;
    socket.onmessage = (bytes, source) => this.onbytes?.(bytes, source);
    socket.onclose = () => queueMicrotask(() => this.ended(undefined));
  }

  /** @type {Transport['send']} */
  send(bytes, destination = this.remoteAddress) {
    return this.#socket.send(bytes, destination);
  }

  close() {
    this.#socket.close();
  }

  // Nothing here keeps a process alive.
  ref() {}

  unref() {}
}

/**
 * @param {Host} host
 * @param {(name: string, family: 'IPv4' | 'IPv6' | undefined) => string | undefined} lookUp
 * @param {import('../clock.js').Clock} clock
 * @returns {OpenTransport & ((target: TransportTarget, options: OpenOptions & { connected?: boolean }) => Promise<Transport>)}
 *   `connected: false`: it takes datagrams from anybody
 */
export function transportOf(host, lookUp, clock) {
  /** @param {TransportTarget & { transport?: string }} target @param {OpenOptions & { connected?: boolean }} [options] */
  const open = async (target, { signal, localAddress, localPort, connected = true } = {}) => {
    signal?.throwIfAborted();
    const { transport = 'udp', address: name, port } = target;
    if (transport !== 'udp') {
      throw new PosternError('ERR_TRANSPORT_UNSUPPORTED', 'A simulated network carries UDP only.');
    }
    const own = localAddress === undefined ? undefined : familyOf(localAddress);
    const address = canonicalAddress(name) ?? lookUp(name, own);
    if (address === undefined) {
      throw new PosternError('ERR_DNS', `No host of the simulated network is called ${name}.`);
    }
    const family = familyOf(address) ?? 'IPv4';
    const remote = { address, port, family };
    const from = localAddress ?? host.addressOf(family);
    if (from === undefined) {
      const sentence = `${host.name} has no address of the family ${family}.`;
      throw new PosternError('ERR_TRANSPORT_CONNECT', sentence);
    }
    const socket = host.openUdp({
      port: localPort,
      address: from,
      remote: connected ? remote : undefined,
    });
    return new SimulatedTransport(socket, remote);
  };
  return Object.assign(open, { clock });
}
