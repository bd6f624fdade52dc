// A UDP socket where clients arrive.

import { createSocket } from 'node:dgram';
import { literalLookup } from './literal-lookup.js';

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('./engine.js').Destination} Destination */
/** @typedef {import('./listen.js').Listen} Listen */

/** What waits for us while we work: as much as the system grants. */
const BUFFER_BYTES = 4 * 1024 * 1024;

export class UdpListener {
  #socket;
  #isOpen = true;
  /** Of the core. */
  link = 0;
  /** @type {((bytes: Uint8Array, source: { address: string, port: number }) => void) | undefined} */
  onmessage;
  /** Datagrams that the system did not take. */
  failed = 0;

  /** @param {import('node:dgram').Socket} socket bound */
  constructor(socket) {
    this.#socket = socket;
    /** @type {TransportAddress} */
    this.address = /** @type {TransportAddress} */ (socket.address());
    socket.on('message', (bytes, source) => this.onmessage?.(bytes, source));
    // What the system says of one datagram, such as that there is no route, is nothing against the others.
    socket.on('error', () => {
      this.failed += 1;
    });
  }

  /** @param {Uint8Array} bytes @param {Destination} to */
  send(bytes, to) {
    if (!this.#isOpen) return;
    // Which nobody can have, but RESPONSE-PORT can ask for: Node.js would throw.
    if (to.port === 0) this.failed += 1;
    else this.#socket.send(bytes, to.port, to.address);
  }

  /** @returns {Promise<void>} */
  close() {
    if (!this.#isOpen) return Promise.resolve();
    this.#isOpen = false;
    return new Promise((resolve) => {
      this.#socket.close(() => resolve());
    });
  }
}

/**
 * @param {Listen} listen
 * @returns {Promise<UdpListener>} rejects with the system's error
 */
export function openUdpListener({ address, port, family }) {
  const isIPv6 = family === 'IPv6';
  const socket = createSocket({
    type: isIPv6 ? 'udp6' : 'udp4',
    ipv6Only: isIPv6,
    lookup: literalLookup,
    recvBufferSize: BUFFER_BYTES,
    sendBufferSize: BUFFER_BYTES,
  });
  return new Promise((resolve, reject) => {
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    socket.bind({ address, port, exclusive: true }, () => {
      socket.removeAllListeners('error');
      resolve(new UdpListener(socket));
    });
  });
}
