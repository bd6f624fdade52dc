// A channel: a peer under a number, which costs 4 bytes a datagram instead of 36 or more (RFC 8656 section 12).
import { reportException } from './report-exception.js';

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */

/**
 * What a channel needs of its relay.
 *
 * @typedef {object} ChannelHost
 * @property {(bytes: Uint8Array, channel: RelayChannel) => boolean} send
 * @property {(channel: RelayChannel) => void} release
 */

/** @implements {Disposable} */
export class RelayChannel {
  /**
   * Gets the datagrams of this channel's peer that come by channel data, in place of the relay's `onmessage` and its
   * queue. What it throws is reported as what an event listener throws.
   *
   * @type {((data: Uint8Array) => void) | undefined}
   */
  onmessage = undefined;

  #host;
  #isOpen = true;

  /** @param {number} number @param {TransportAddress} peer @param {ChannelHost} host @internal */
  constructor(number, peer, host) {
    /** From 0x4000 to 0x4FFF. */
    this.number = number;
    /** The other end. */
    this.peer = peer;
    this.#host = host;
  }

  /** False once it was closed, by either side, or the relay has ended. */
  get isOpen() {
    return this.#isOpen;
  }

  /**
   * Sends a datagram to the peer. After the end it is dropped and counted.
   *
   * @param {Uint8Array} bytes are copied
   * @returns {boolean} false: wait for the relay's `ready` before sending more
   * @throws {TypeError} ERR_INVALID_ARGUMENT
   * @throws {import('../errors.js').PosternError} ERR_TURN_PAYLOAD_TOO_LONG
   */
  send(bytes) {
    return this.#host.send(bytes, this);
  }

  /** Lets the channel lapse: the server forgets it after 10 minutes, and only then its number comes free. Idempotent. */
  close() {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#host.release(this);
  }

  [Symbol.dispose]() {
    this.close();
  }

  /** It is no more. @internal */
  ended() {
    this.#isOpen = false;
  }

  /** @param {Uint8Array} data @returns {boolean} whether somebody wanted it @internal */
  deliver(data) {
    if (this.onmessage === undefined) return false;
    try {
      this.onmessage(data);
    } catch (error) {
      reportException(error);
    }
    return true;
  }
}
