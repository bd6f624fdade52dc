// A UDP socket of a simulated host.

import { toBytes } from '../codec/arguments.js';
import { argumentError } from '../errors.js';
import { checkPlace } from './options.js';

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('./nat-words.js').Place} Place */

/** The most that IPv4 and UDP take, less their headers. */
export const MAX_BYTES = 65_507;

export class UdpSocket {
  /** @type {((bytes: Uint8Array, from: TransportAddress) => void) | undefined} */ onmessage;
  /** Called once when it is closed, by whomever. @type {(() => void) | undefined} */ onclose;
  #send;
  #forget;
  #isOpen = true;

  /**
   * @param {TransportAddress} localAddress
   * @param {Place | undefined} remote from whom alone it takes datagrams
   * @param {(bytes: Uint8Array, to: Place) => void} send
   * @param {() => void} forget
   * @internal
   */
  constructor(localAddress, remote, send, forget) {
    this.localAddress = localAddress;
    this.remote = remote;
    this.#send = send;
    this.#forget = forget;
  }

  /**
   * @param {Uint8Array} bytes up to 65,507; they are copied
   * @param {{ address: string, port: number }} to
   * @returns {boolean} false: it is closed, and nothing was sent
   * @throws {TypeError} ERR_INVALID_ARGUMENT
   */
  send(bytes, to) {
    const data = toBytes(bytes, 'bytes');
    if (data.length > MAX_BYTES) throw argumentError('bytes', `of at most ${MAX_BYTES} bytes`);
    const place = checkPlace(to, 'to');
    if (!this.#isOpen) return false;
    this.#send(new Uint8Array(data), place);
    return true;
  }

  /** Nothing comes or goes any more. Idempotent. */
  close() {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#forget();
    this.onclose?.();
  }

  async [Symbol.asyncDispose]() {
    this.close();
  }
}
