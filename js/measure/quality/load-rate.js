// How much to send to learn how much a path takes. Pure.

/** A step of the ramp is too much where less than this share of it has come. */
const ENOUGH = 0.9;
/** And where more than so many are missing: of few packets one is many percent. */
const FEW = 2;
/** What is sent while measuring, of what arrives: enough to keep the path busy, and little to be lost or queued. */
const OVERLOAD = 1.1;
const LEAST_KBPS = 16;

/**
 * What came of a step.
 *
 * @typedef {object} StepResult
 * @property {number} sent packets
 * @property {number} arrived of them, in the time that packets take without load
 * @property {number} arrivedKbps at the end of the step
 */

/**
 * First a ramp: each step sends twice as much, up to one of which more than a tenth has not come in time, lost or queued,
 * or to the most that is allowed. From then on it sends a tenth more than what arrives.
 */
export class LoadRate {
  isHolding = false;
  #maxKbps;
  #keptShare;

  /**
   * @param {object} options
   * @param {number} options.maxKbps 16 if it is less
   * @param {number} options.steps of the ramp at most; 1 or more
   * @param {number} options.keptShare part that arrives without load
   */
  constructor({ maxKbps, steps, keptShare }) {
    this.#maxKbps = Math.max(LEAST_KBPS, maxKbps);
    this.kbps = Math.max(LEAST_KBPS, this.#maxKbps / 2 ** (steps - 1));
    this.#keptShare = keptShare;
  }

  /** @param {StepResult} result */
  step({ sent, arrived, arrivedKbps }) {
    if (!this.isHolding) {
      const expected = sent * this.#keptShare;
      const isTooMuch = arrived < ENOUGH * expected && expected - arrived > FEW;
      if (!isTooMuch && this.kbps < this.#maxKbps) {
        this.kbps = Math.min(this.#maxKbps, 2 * this.kbps);
        return;
      }
      this.isHolding = true;
      if (!isTooMuch) return;
    }
    const next = (OVERLOAD * arrivedKbps) / this.#keptShare;
    this.kbps = Math.min(this.#maxKbps, Math.max(LEAST_KBPS, next));
  }
}
