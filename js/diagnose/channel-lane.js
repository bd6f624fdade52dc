// Data channels as a lane: what the near end sends goes through the relays and comes to the far end, which is this page too.
import { PosternError } from '../errors.js';

/** @typedef {import('../measure/quality/lane.js').Lane} Lane */

/**
 * Ours: what waits in the browser is a delay that the network has no part in; so many bytes are some seven packets, 16 ms
 * of 4,000 kbit/s.
 */
const HIGH_WATER_MARK_BYTES = 8 * 1024;
/**
 * Ours: after losses SCTP waits for its timer, for seconds perhaps, and what it is given meanwhile would be taken for late or
 * lost. It is waiting where nothing has gone out for so long.
 */
const MOST_HELD_MS = 50;

/** @implements {Lane} */
export class ChannelLane {
  /** @type {Lane['onbytes']} */ onbytes = undefined;
  #channel;
  #ended = new AbortController();
  /** When the browser last had nothing that waits. */
  #emptyMs = performance.now();

  /**
   * @param {import('./relay-path.js').RelayPath} path connected
   * @param {boolean} isStream the relays are reached over one
   */
  constructor({ near, far }, isStream) {
    this.#channel = near.datagrams;
    this.isStream = isStream;
    this.#channel.bufferedAmountLowThreshold = 0;
    this.#channel.addEventListener('bufferedamountlow', () => {
      this.#emptyMs = performance.now();
    });
    far.datagrams.addEventListener('message', ({ data }) => {
      if (data instanceof ArrayBuffer) this.onbytes?.(new Uint8Array(data));
    });
    for (const channel of [near.datagrams, far.datagrams]) {
      channel.addEventListener('close', () =>
        this.#ended.abort(
          new PosternError('ERR_TRANSPORT_CLOSED', 'The connection through the relay has ended.'),
        ),
      );
    }
  }

  get ended() {
    return this.#ended.signal;
  }

  get isBlocked() {
    const { bufferedAmount } = this.#channel;
    if (bufferedAmount === 0) return false;
    const isHeld = performance.now() - this.#emptyMs > MOST_HELD_MS;
    return isHeld || bufferedAmount > HIGH_WATER_MARK_BYTES;
  }

  /** @param {Uint8Array} bytes */
  send(bytes) {
    if (this.#channel.readyState !== 'open') return;
    if (this.#channel.bufferedAmount === 0) this.#emptyMs = performance.now();
    this.#channel.send(/** @type {Uint8Array<ArrayBuffer>} */ (bytes));
  }
}
