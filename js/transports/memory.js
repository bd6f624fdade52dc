// Two transports that are each other's network: for tests, in Node and in browsers.

import { BaseTransport } from './base-transport.js';

/** @typedef {import('../address.js').TransportAddress} TransportAddress */
/** @typedef {import('./transport.js').Transport} Transport */

/**
 * One send() on its way through the network between the two.
 *
 * @typedef {object} Passage
 * @property {Uint8Array} bytes
 * @property {TransportAddress} source
 * @property {TransportAddress} destination
 * @property {number} index counts the sends of the pair, both ways, from 0
 * @property {(bytes?: Uint8Array, source?: TransportAddress) => void} deliver hands the bytes, or
 *   others, to the receiver at once. Never called, they are lost; called later, delayed; called
 *   again, repeated; called with parts, split; with another source, forged
 */

/** @typedef {(passage: Passage) => void} Network */

/** Delivers everything in order, but never inside send(). @type {Network} */
const idealNetwork = ({ deliver }) => queueMicrotask(deliver);

/** @implements {Transport} */
class MemoryTransport extends BaseTransport {
  kind = 'memory';
  /** @type {Transport['onbytes']} */ #onbytes;
  /** @type {MemoryTransport | undefined} */ #peer;
  #isOpen = true;
  /** What is reliable waits until somebody listens, and so does its end. @type {Uint8Array[]} */ #held =
    [];
  #willClose = false;
  #carry;

  /**
   * @param {boolean} reliable
   * @param {boolean} framed
   * @param {TransportAddress} localAddress
   * @param {TransportAddress} remoteAddress
   * @param {(passage: Omit<Passage, 'index'>) => void} carry
   */
  constructor(reliable, framed, localAddress, remoteAddress, carry) {
    super();
    this.reliable = reliable;
    this.framed = framed;
    this.localAddress = localAddress;
    this.remoteAddress = remoteAddress;
    this.#carry = carry;
  }

  /** @param {MemoryTransport} a @param {MemoryTransport} b */
  static join(a, b) {
    a.#peer = b;
    b.#peer = a;
  }

  get onbytes() {
    return this.#onbytes;
  }

  set onbytes(handler) {
    this.#onbytes = handler;
    if (handler !== undefined && this.#held.length > 0) queueMicrotask(() => this.#release());
  }

  #release() {
    while (this.#isOpen && this.#onbytes !== undefined) {
      const bytes = this.#held.shift();
      if (bytes !== undefined) this.#onbytes(bytes, undefined);
      else if (this.#willClose) this.close();
      else return;
    }
  }

  /** @param {Uint8Array} bytes @param {TransportAddress} source */
  #receive(bytes, source) {
    if (!this.#isOpen) return;
    if (!this.reliable) this.#onbytes?.(bytes, source);
    else if (this.#onbytes === undefined || this.#held.length > 0) this.#held.push(bytes);
    else this.#onbytes(bytes, undefined);
  }

  /** @type {Transport['send']} */
  send(bytes) {
    if (!this.#isOpen) return false;
    const source = this.localAddress;
    this.#carry({
      bytes,
      source,
      destination: this.remoteAddress,
      deliver: (other = bytes, from = source) => {
        const peer = this.#peer;
        if (peer !== undefined) peer.#receive(other, from);
      },
    });
    return true;
  }

  close() {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    queueMicrotask(() => {
      this.ended(undefined);
      // The end of what is reliable shows on both sides; datagrams just stay away.
      const peer = this.#peer;
      if (this.reliable && peer !== undefined) peer.#closeWhenRead();
    });
  }

  #closeWhenRead() {
    if (this.#held.length > 0) this.#willClose = true;
    else this.close();
  }

  // Nothing here keeps a process alive.
  ref() {}

  unref() {}
}

/** Documentation addresses (RFC 5737), so that nobody takes them for real. */
const ADDRESSES = /** @type {const} */ ([
  { address: '192.0.2.1', port: 50_000, family: 'IPv4' },
  { address: '198.51.100.1', port: 3478, family: 'IPv4' },
]);

/**
 * @param {object} [options]
 * @param {boolean} [options.reliable] nothing is lost; `network` must keep the order then
 * @param {boolean} [options.framed] whole messages, not a stream; when left out, what is not reliable
 *   is framed (as UDP) and what is reliable is not (as TCP); true with `reliable` is as a WebSocket
 * @param {readonly [TransportAddress, TransportAddress]} [options.addresses] of the two
 * @param {Network} [options.network] decides what becomes of each send(); it delivers all in order
 *   when left out
 * @returns {[MemoryTransport, MemoryTransport]}
 */
export function memoryTransportPair(options = {}) {
  const {
    reliable = false,
    framed = !reliable,
    addresses = ADDRESSES,
    network = idealNetwork,
  } = options;
  const [first, second] = addresses;
  let count = 0;
  /** @param {Omit<Passage, 'index'>} passage */
  const carry = (passage) => network({ ...passage, index: count++ });
  const a = new MemoryTransport(reliable, framed, first, second, carry);
  const b = new MemoryTransport(reliable, framed, second, first, carry);
  MemoryTransport.join(a, b);
  return [a, b];
}
