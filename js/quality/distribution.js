// How samples are spread, in bounded memory: exactly while they are few, then in bins.
import { argumentError } from '../errors.js';

/** So many are kept as they are: 8 KiB. */
const EXACT = 1024;
/** Ours: how far a bin's value may be from the samples in it, as a part of their distance from the reference. */
const ACCURACY = 0.01;
const GROWTH = Math.log((1 + ACCURACY) / (1 - ACCURACY));
/** Less than this is one bin. Samples are milliseconds, and no clock of a page is finer than 5 us. */
const SMALLEST = 0.001;
/** Bins of each sign: the last one begins at an hour. */
const BINS = 1101;

/** @param {number} distance from the reference, not negative */
const binOf = (distance) =>
  distance < SMALLEST
    ? 0
    : Math.min(BINS - 1, 1 + Math.floor(Math.log(distance / SMALLEST) / GROWTH));

/** The value with the least relative error in the bin. @param {number} bin */
const middleOf = (bin) =>
  bin === 0 ? 0 : SMALLEST * Math.exp((bin - 1) * GROWTH) * (1 + ACCURACY);

/**
 * Quantiles of any number of samples. Up to 1,024 of them are exact. Of more, each is counted in one of 2,202 bins that
 * grow with the distance from the smallest of the first 1,024: an answer is wrong by 1 % of that distance at most (of
 * distances up to an hour). Some 17 KiB then, for good.
 */
export class Distribution {
  /** @type {number[]} */ #samples = [];
  /** @type {Float64Array | undefined} */ #bins;
  #reference = 0;
  #count = 0;
  #sum = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;

  get count() {
    return this.#count;
  }

  /** The smallest sample; null where there is none. */
  get min() {
    return this.#count === 0 ? null : this.#min;
  }

  get max() {
    return this.#count === 0 ? null : this.#max;
  }

  get mean() {
    return this.#count === 0 ? null : this.#sum / this.#count;
  }

  /** @param {number} sample finite @throws {TypeError} ERR_INVALID_ARGUMENT */
  add(sample) {
    if (!Number.isFinite(sample)) throw argumentError('sample', 'a finite number');
    this.#count += 1;
    this.#sum += sample;
    this.#min = Math.min(this.#min, sample);
    this.#max = Math.max(this.#max, sample);
    if (this.#bins) {
      this.#bins[this.#indexOf(sample)] += 1;
      return;
    }
    this.#samples.push(sample);
    if (this.#samples.length > EXACT) this.#moveToBins();
  }

  /**
   * The smallest sample that is not smaller than a part of all (nearest rank).
   *
   * @param {number} part 0 to 1
   * @returns {number | null} null where there are no samples
   */
  quantile(part) {
    if (this.#count === 0) return null;
    const rank = Math.max(1, Math.ceil(part * this.#count));
    if (!this.#bins) return this.#samples.toSorted((a, b) => a - b)[rank - 1];
    let seen = 0;
    const at = this.#bins.findIndex((count) => {
      seen += count;
      return seen >= rank;
    });
    return Math.min(this.#max, Math.max(this.#min, this.#valueAt(at)));
  }

  /**
   * @param {number} threshold
   * @returns {{ count: number, sum: number }} of the samples above it
   */
  above(threshold) {
    if (!this.#bins) {
      const above = this.#samples.filter((sample) => sample > threshold);
      return { count: above.length, sum: above.reduce((sum, sample) => sum + sample, 0) };
    }
    let count = 0;
    let sum = 0;
    this.#bins.forEach((inBin, at) => {
      const value = this.#valueAt(at);
      if (value <= threshold) return;
      count += inBin;
      sum += inBin * value;
    });
    return { count, sum };
  }

  #moveToBins() {
    this.#bins = new Float64Array(2 * BINS);
    this.#reference = this.#min;
    for (const sample of this.#samples) this.#bins[this.#indexOf(sample)] += 1;
    this.#samples = [];
  }

  /** What is below the reference counts down from the middle. @param {number} sample */
  #indexOf(sample) {
    const distance = sample - this.#reference;
    return distance < 0 ? BINS - 1 - binOf(-distance) : BINS + binOf(distance);
  }

  /** @param {number} at */
  #valueAt(at) {
    return at < BINS
      ? this.#reference - middleOf(BINS - 1 - at)
      : this.#reference + middleOf(at - BINS);
  }
}
