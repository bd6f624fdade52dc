// What TCP and TLS share.

import { BaseTransport } from './base-transport.js';
import { brokenError } from './open-errors.js';

/** @typedef {import('../address.js').AddressFamily} AddressFamily */
/** @typedef {import('../address.js').TransportAddress} TransportAddress */
/** @typedef {import('./transport.js').OpenPhases} OpenPhases */
/** @typedef {import('./transport.js').Transport} Transport */

export { OPEN_TIMEOUT_MS } from './open-timeout.js';

/** How long end() waits, once all is sent, for the other side to close. */
const END_TIMEOUT_MS = 2000;

/** @implements {Transport} */
export class StreamTransport extends BaseTransport {
  reliable = true;
  framed = false;

  #socket;
  #isOpen = true;
  #isEnding = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #endTimer;
  /** @type {Error | undefined} */ #error;
  /** @type {Transport['onbytes']} */ #onbytes;

  /**
   * @param {string} kind
   * @param {import('node:net').Socket} socket connected
   * @param {TransportAddress} remoteAddress of the server; the socket's own other end may be a proxy
   * @param {OpenPhases} phases
   */
  constructor(kind, socket, remoteAddress, phases) {
    super();
    this.kind = kind;
    this.#socket = socket;
    this.localAddress = transportAddress(socket.localAddress, socket.localPort, socket.localFamily);
    this.remoteAddress = remoteAddress;
    this.phases = phases;
    // Messages are short and each waits for an answer: Nagle's algorithm would only hold them up.
    socket.setNoDelay(true);
    socket.on('drain', () => {
      if (this.#isOpen) this.ondrain?.();
    });
    socket.on('error', (error) => {
      // Who has said good-bye already does not mind how the other side hangs up.
      if (this.#isOpen && !this.#isEnding) this.#error = brokenError(error);
    });
    socket.on('close', () => {
      clearTimeout(this.#endTimer);
      this.#isOpen = false;
      this.ended(this.#error);
    });
  }

  get onbytes() {
    return this.#onbytes;
  }

  // The socket is read while there is somebody to read for.
  set onbytes(handler) {
    this.#onbytes = handler;
    this.#socket.off('data', this.#received);
    if (handler === undefined) this.#socket.pause();
    else if (this.#isOpen) this.#socket.on('data', this.#received).resume();
  }

  #received = (/** @type {Buffer} */ bytes) => this.#onbytes?.(bytes, undefined);

  /** @type {Transport['send']} */
  send(bytes) {
    return this.#isOpen && !this.#isEnding && this.#socket.write(bytes);
  }

  end() {
    if (!this.#isOpen || this.#isEnding) return;
    this.#isEnding = true;
    this.#socket.end(() => {
      // The other side has everything, and need not say so.
      this.#endTimer = setTimeout(() => this.#socket.destroy(), END_TIMEOUT_MS);
    });
  }

  close() {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#socket.off('data', this.#received);
    // With all sent, say good-bye (FIN; in TLS close_notify first, RFC 8446 section 6.1). A peer
    // that takes no bytes would never let that end.
    if (this.#socket.writableLength === 0) this.#socket.destroySoon();
    else this.#socket.destroy();
  }

  ref() {
    this.#socket.ref();
  }

  unref() {
    this.#socket.unref();
  }
}

/**
 * @param {string | undefined} address
 * @param {number | undefined} port
 * @param {string | undefined} family
 * @returns {TransportAddress}
 */
function transportAddress(address = '', port = 0, family = 'IPv4') {
  return { address, port, family: /** @type {AddressFamily} */ (family) };
}
