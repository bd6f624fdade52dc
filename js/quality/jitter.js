// How much the delay varies, in two definitions.
import { argumentError } from '../errors.js';
import { Distribution } from './distribution.js';

/** RFC 3550 section 6.4.1: a gain of 1/16. */
const GAIN = 1 / 16;

/**
 * @typedef {object} JitterSummary
 * @property {number} n packets
 * @property {number | null} jitterMs null before there are two packets
 * @property {number | null} maxJitterMs the largest value on the way there
 * @property {number | null} pdvP95Ms null before there is one packet
 */

/**
 * Interarrival jitter (RFC 3550 section 6.4.1, appendix A.8), over packets in their order of arrival, which need not be
 * that of sending:
 *
 *     D = (R(i) - R(i-1)) - (S(i) - S(i-1))        S: sent, R: received
 *     J = J + (|D| - J) / 16                       J begins with 0
 *
 * and packet delay variation (RFC 5481 section 4.2): the 95th percentile of delay minus the smallest delay.
 *
 * Neither needs the two clocks to agree, only to run at one speed. With one clock, and what comes back from an echo, S is
 * when a packet was sent and R when its echo came: that mixes both directions.
 */
export class Jitter {
  #delays = new Distribution();
  #last = 0;
  #jitter = 0;
  #max = 0;

  /**
   * @param {number} sentMs
   * @param {number} receivedMs of this packet; the next one that is added came later
   * @throws {TypeError} ERR_INVALID_ARGUMENT
   */
  add(sentMs, receivedMs) {
    const delay = receivedMs - sentMs;
    if (!Number.isFinite(delay)) throw argumentError('sentMs and receivedMs', 'finite numbers');
    if (this.#delays.count > 0) {
      this.#jitter += (Math.abs(delay - this.#last) - this.#jitter) * GAIN;
      this.#max = Math.max(this.#max, this.#jitter);
    }
    this.#last = delay;
    this.#delays.add(delay);
  }

  /** @returns {JitterSummary} */
  summary() {
    const n = this.#delays.count;
    const p95 = this.#delays.quantile(0.95);
    return {
      n,
      jitterMs: n < 2 ? null : this.#jitter,
      maxJitterMs: n < 2 ? null : this.#max,
      pdvP95Ms: p95 === null ? null : p95 - /** @type {number} */ (this.#delays.min),
    };
  }
}
