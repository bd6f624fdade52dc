// Live numbers, four times a second.
import { reportException } from '../../turn/report-exception.js';

/** @typedef {import('../../network-test/events.js').QualitySample} QualitySample */

const EVERY_MS = 250;
const BITS = 8;

export class Sampler {
  /** Of the newest packet. @type {number | null} */ roundTripMs = null;
  /** That have come since the last sample, while throughput is measured. */
  bytes = 0;
  isLoaded = false;
  #read;
  #tell;
  #begin = performance.now();
  #last = this.#begin;
  #timer = setInterval(() => this.#sample(), EVERY_MS);

  /**
   * @param {() => Omit<QualitySample, 'atMs' | 'roundTripMs' | 'kbps'>} read
   * @param {(sample: QualitySample) => void} tell what it throws is reported as what an event listener throws
   */
  constructor(read, tell) {
    this.#read = read;
    this.#tell = tell;
  }

  #sample() {
    const now = performance.now();
    const kbps = this.isLoaded ? (this.bytes * BITS) / (now - this.#last) : null;
    const { roundTripMs } = this;
    this.#last = now;
    this.bytes = 0;
    this.roundTripMs = null;
    try {
      this.#tell({ ...this.#read(), atMs: now - this.#begin, roundTripMs, kbps });
    } catch (error) {
      reportException(error);
    }
  }

  /** Idempotent. */
  stop() {
    clearInterval(this.#timer);
  }
}
