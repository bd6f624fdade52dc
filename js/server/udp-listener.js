// A UDP socket where clients arrive.

import { MACHINE } from './platform.js';

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('./engine.js').Destination} Destination */
/** @typedef {import('./listen.js').Listen} Listen */
/** @typedef {import('./platform.js').BoundSocket} BoundSocket */

/** What waits for us while we work: as much as the system grants. */
const BUFFER_BYTES = 4 * 1024 * 1024;

export class UdpListener {
  #socket;
  #isOpen = true;
  /** Of the core. */
  link = 0;
  /** @type {((bytes: Uint8Array, source: { address: string, port: number }) => void) | undefined} */
  onmessage;

  /** @param {BoundSocket} socket */
  constructor(socket) {
    this.#socket = socket;
    /** @type {TransportAddress} */
    this.address = /** @type {TransportAddress} */ (socket.address());
    socket.on('message', (bytes, source) => this.onmessage?.(bytes, source));
    // What the system says of one datagram, such as that there is no route, is nothing against the others.
    socket.on('error', () => {});
  }

  /** @param {Uint8Array} bytes @param {Destination} to */
  send(bytes, to) {
    // Port 0, which nobody can have but RESPONSE-PORT can ask for: Node.js would throw.
    if (this.#isOpen && to.port !== 0) this.#socket.send(bytes, to.port, to.address);
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
 * @param {import('./platform.js').ServerPlatform['bindUdp']} [bind]
 * @returns {Promise<UdpListener>} rejects with the system's error
 */
export async function openUdpListener(listen, bind = MACHINE.bindUdp) {
  const buffers = { recvBufferSize: BUFFER_BYTES, sendBufferSize: BUFFER_BYTES };
  return new UdpListener(await bind(listen, buffers));
}
