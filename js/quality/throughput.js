// Bytes of the application per time.
import { argumentError } from '../errors.js';

const BIN_MS = 100;
/** Bins that are kept: two minutes of 100 ms. */
const MAX_BINS = 1200;
const BITS = 8;

/**
 * @typedef {object} ThroughputSummary
 * @property {number} bytes all
 * @property {number} binMs 100, or more after two minutes
 * @property {number} bins whole ones in the steady part
 * @property {number | null} kbps mean of the steady part, in 1,000 bits a second; null before there is a whole bin
 * @property {number | null} minKbps of its slowest bin
 * @property {number | null} maxKbps
 */

/**
 * Throughput: bytes of the application that arrived (its headers are not counted), in bins of 100 ms from the first
 * arrival on.
 *
 *     steady part = from the first bin that reaches the median of all bins, to the last whole bin
 *     throughput  = mean of the steady part
 *
 * So the start, in which senders feel their way up, does not count, nor does the bin in which it ended. After two minutes
 * neighbouring bins are put together, and a bin is 200 ms, then 400 ms …: 9.6 KB at most.
 */
export class Throughput {
  #bins = new Float64Array(MAX_BINS);
  #binMs = BIN_MS;
  /** @type {number | undefined} */ #start;
  #last = 0;
  #bytes = 0;

  /** @param {number} bytes @param {number} atMs not before the last one @throws {TypeError} ERR_INVALID_ARGUMENT */
  add(bytes, atMs) {
    if (!(bytes >= 0 && bytes < Number.POSITIVE_INFINITY)) {
      throw argumentError('bytes', 'a number of bytes');
    }
    const since = atMs - (this.#start ?? atMs);
    if (!(since >= this.#last)) {
      throw argumentError('atMs', 'a time that is not before the last one');
    }
    this.#start ??= atMs;
    while (since >= MAX_BINS * this.#binMs) this.#widen();
    this.#last = since;
    this.#bins[Math.floor(since / this.#binMs)] += bytes;
    this.#bytes += bytes;
  }

  #widen() {
    const narrow = this.#bins;
    this.#bins = new Float64Array(MAX_BINS);
    narrow.forEach((bytes, at) => {
      this.#bins[at >> 1] += bytes;
    });
    this.#binMs *= 2;
  }

  /** @returns {ThroughputSummary} */
  summary() {
    // The bin of the last arrival may have more to come.
    const whole = this.#bins.subarray(0, Math.floor(this.#last / this.#binMs));
    const known = { bytes: this.#bytes, binMs: this.#binMs };
    if (whole.length === 0) return { ...known, bins: 0, kbps: null, minKbps: null, maxKbps: null };
    const median = whole.toSorted()[(whole.length - 1) >> 1];
    const steady = whole.subarray(whole.findIndex((bytes) => bytes >= median));
    const kbps = (/** @type {number} */ bytes) => (bytes * BITS) / this.#binMs;
    return {
      ...known,
      bins: steady.length,
      kbps: kbps(steady.reduce((sum, bytes) => sum + bytes, 0) / steady.length),
      minKbps: kbps(Math.min(...steady)),
      maxKbps: kbps(Math.max(...steady)),
    };
  }
}
