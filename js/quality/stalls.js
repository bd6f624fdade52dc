// Pauses of a stream, where loss cannot be seen: TCP repairs it, and that takes time.
import { argumentError } from '../errors.js';
import { Distribution } from './distribution.js';

/** Ours: a gap of more than three times the usual one. */
const TIMES_MEDIAN = 3;

/**
 * @typedef {object} StallSummary
 * @property {number} n gaps between arrivals
 * @property {number | null} medianGapMs null before there are two arrivals
 * @property {number} stalls
 * @property {number} stalledMs all of them together
 * @property {number} longestMs 0 where there is none
 */

/** Stalls: gaps between two arrivals that are longer than 3 x the median of all gaps. */
export class Stalls {
  #gaps = new Distribution();
  /** @type {number | undefined} */ #last;

  /** @param {number} atMs not before the last one @throws {TypeError} ERR_INVALID_ARGUMENT */
  add(atMs) {
    const gap = this.#last === undefined ? 0 : atMs - this.#last;
    if (!(gap >= 0)) throw argumentError('atMs', 'a time that is not before the last one');
    if (this.#last !== undefined) this.#gaps.add(gap);
    this.#last = atMs;
  }

  /** @returns {StallSummary} */
  summary() {
    const medianGapMs = this.#gaps.quantile(0.5);
    const { count, sum } =
      medianGapMs === null ? { count: 0, sum: 0 } : this.#gaps.above(TIMES_MEDIAN * medianGapMs);
    return {
      n: this.#gaps.count,
      medianGapMs,
      stalls: count,
      stalledMs: sum,
      longestMs: count === 0 ? 0 : /** @type {number} */ (this.#gaps.max),
    };
  }
}
