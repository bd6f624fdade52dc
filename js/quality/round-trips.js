// Round-trip times of requests, or of echoes.
import { argumentError } from '../errors.js';
import { Distribution } from './distribution.js';

/**
 * @typedef {object} RoundTripSummary
 * @property {number} n samples: what was answered, and is not ambiguous
 * @property {number} lost not answered
 * @property {number} ambiguous answered after a retransmission, and left out
 * @property {number | null} minMs null where there is no sample; so are the others
 * @property {number | null} medianMs
 * @property {number | null} p95Ms
 * @property {number | null} maxMs
 */

/**
 * Round-trip time: from the sending of a request to the answer of the same transaction, on a clock that only goes
 * forward (`performance.now()`). An answer to a request that was sent more than once may be one to either, so it is no
 * sample (Karn's rule, RFC 8489 section 6.2.1).
 *
 *     median  the smallest sample that is not smaller than half of them
 *     p95     the smallest sample that is not smaller than 95 % of them
 */
export class RoundTrips {
  #times = new Distribution();
  #lost = 0;
  #ambiguous = 0;

  /**
   * @param {number | null} roundTripMs null where it is ambiguous
   * @throws {TypeError} ERR_INVALID_ARGUMENT
   */
  add(roundTripMs) {
    if (roundTripMs === null) this.#ambiguous += 1;
    else if (roundTripMs >= 0) this.#times.add(roundTripMs);
    else throw argumentError('roundTripMs', 'a number of milliseconds, or null');
  }

  addLost() {
    this.#lost += 1;
  }

  /** @returns {RoundTripSummary} */
  summary() {
    return {
      n: this.#times.count,
      lost: this.#lost,
      ambiguous: this.#ambiguous,
      minMs: this.#times.min,
      medianMs: this.#times.quantile(0.5),
      p95Ms: this.#times.quantile(0.95),
      maxMs: this.#times.max,
    };
  }
}
