// A machine of the simulated network, with its addresses and sockets.

import { familyOf } from '../address.js';
import { requireObject } from '../codec/arguments.js';
import { argumentError } from '../errors.js';
import { checkAddress, checkPlace, checkPort } from './options.js';
import { transportOf } from './simulated-transport.js';
import { UdpSocket } from './udp-socket.js';

/** @typedef {import('../address.js').AddressFamily} AddressFamily */
/** @typedef {import('./nat-words.js').Place} Place */
/** @typedef {import('./packet-log.js').Because} Because */

/**
 * @typedef {object} UdpOptions
 * @property {number} [port] 0, or left out: one that is free
 * @property {string} [address] one of the host's; default its first
 * @property {{ address: string, port: number }} [remote] from whom alone it takes datagrams, as a connected socket
 */

/**
 * What the network is to a host.
 *
 * @typedef {object} HostNetwork
 * @property {(source: Place, destination: Place, bytes: Uint8Array) => void} send
 * @property {(name: string, family: AddressFamily | undefined) => string | undefined} lookUp
 * @property {import('../clock.js').Clock} clock
 */

/** RFC 6335 section 6. */
const FIRST_DYNAMIC_PORT = 49_152;
const DYNAMIC_PORTS = 16_384;

export class Host {
  /** By address and port. @type {Map<string, UdpSocket>} */ #sockets = new Map();
  #network;
  #nextPort = 0;

  /** @param {string} name @param {readonly string[]} addresses @param {HostNetwork} network @internal */
  constructor(name, addresses, network) {
    this.name = name;
    this.addresses = Object.freeze([...addresses]);
    this.#network = network;
    /**
     * What `options.transport` of getMappedAddress(), allocate() and others of postern takes: their packets leave from this
     * host, over UDP, and their timers go by the network's clock.
     */
    this.transport = transportOf(this, network.lookUp, network.clock);
  }

  /** The host's first address of a family. @param {AddressFamily} family @returns {string | undefined} */
  addressOf(family) {
    return this.addresses.find((one) => familyOf(one) === family);
  }

  /**
   * @param {UdpOptions} [options]
   * @returns {UdpSocket}
   * @throws {TypeError} ERR_INVALID_ARGUMENT, also for a port that is taken
   */
  openUdp(options = {}) {
    const { port = 0, address = this.addresses[0], remote } = requireObject(options, 'options');
    const own = checkAddress(address, 'options.address');
    if (!this.addresses.includes(own)) {
      throw argumentError('options.address', `one of ${this.name}'s: ${this.addresses.join(', ')}`);
    }
    const wanted = checkPort(port, 'options.port', 0);
    if (this.isTaken(own, wanted)) {
      throw argumentError('options.port', 'one that no other socket of the host has');
    }
    const from = remote === undefined ? undefined : checkPlace(remote, 'options.remote');
    const place = { address: own, port: wanted === 0 ? this.#freePort(own) : wanted };
    const key = `${own} ${place.port}`;
    const socket = new UdpSocket(
      { ...place, family: familyOf(own) ?? 'IPv4' },
      from,
      (bytes, to) => this.#network.send(place, to, bytes),
      () => this.#sockets.delete(key),
    );
    this.#sockets.set(key, socket);
    return socket;
  }

  /** Whether a socket has the port. @param {string} address @param {number} port */
  isTaken(address, port) {
    return this.#sockets.has(`${address} ${port}`);
  }

  /** One after the other, so that none is soon somebody else's. @param {string} address */
  #freePort(address) {
    for (let i = 0; i < DYNAMIC_PORTS; i += 1) {
      const port = FIRST_DYNAMIC_PORT + this.#nextPort;
      this.#nextPort = (this.#nextPort + 1) % DYNAMIC_PORTS;
      if (!this.isTaken(address, port)) return port;
    }
    throw argumentError('options.port', 'named, as all that are given by themselves are taken');
  }

  /**
   * Who takes what arrives.
   *
   * @param {Place} destination
   * @param {Place} source
   * @returns {{ because: Because | undefined, receive: (bytes: Uint8Array) => void }}
   * @internal
   */
  accept({ address, port }, source) {
    const socket = this.#sockets.get(`${address} ${port}`);
    const receive = (/** @type {Uint8Array} */ bytes) =>
      socket?.onmessage?.(bytes, { ...source, family: familyOf(source.address) ?? 'IPv4' });
    if (socket === undefined) return { because: 'no-socket', receive };
    const { remote } = socket;
    const isFrom =
      remote === undefined || (remote.address === source.address && remote.port === source.port);
    return { because: isFrom ? undefined : 'not-connected', receive };
  }

  /** Closes all of its sockets. Idempotent. */
  close() {
    for (const socket of [...this.#sockets.values()]) socket.close();
  }

  async [Symbol.asyncDispose]() {
    this.close();
  }
}
