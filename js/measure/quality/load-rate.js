// How much to send to learn how much a path takes. Pure.

/** A step of the ramp is too much where less than this share of it has come. */
const ENOUGH = 0.9;
/** And where more than so many are missing: of few packets one is many percent. */
const FEW = 2;
/** What is sent while measuring, of what arrives: enough to keep the path busy, and little to be lost or queued. */
const OVERLOAD = 1.1;
/** While too much waits on the way, so that less will. */
const UNDERLOAD = 0.9;
/** Of that less than this share can come in time, if it was the path that took no more. */
const ALL = 0.97;
/** So many steps of which all has come, and it was something else: the ramp goes on. */
const ALL_STEPS = 2;
const LEAST_KBPS = 16;
/** What a path takes is what most arrived in one of so many steps: whatever disturbs makes it less, and never more. */
const REMEMBERED = 5;
/** However little comes for a while, such as while a stream repairs a loss: so much of the most that ever came is sent. */
const LEAST_SHARE = 0.25;

/**
 * What came of a step.
 *
 * @typedef {object} StepResult
 * @property {number} sent packets
 * @property {number} arrived of them, in the time that packets take without load
 * @property {number} arrivedKbps at the end of the step
 * @property {boolean} [isQueued] what came last has waited for too long
 * @property {boolean} [isDoubtful] this machine was halted: that little came says nothing of the path
 */

/**
 * First a ramp: each step sends twice as much, up to one of which more than a tenth has not come in time, lost or queued,
 * or to the most that is allowed. From then on it holds: it sends a tenth more than what the path takes, or a tenth less
 * while a queue has grown too long.
 */
export class LoadRate {
  isHolding = false;
  #maxKbps;
  #keptShare;
  #whole = 0;
  /** @type {number[]} */ #arrivedKbps = [];
  #most = 0;

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
  step({ sent, arrived, arrivedKbps, isQueued = false, isDoubtful = false }) {
    const expected = sent * this.#keptShare;
    const isMost = this.kbps >= this.#maxKbps;
    if (isDoubtful && arrived < ALL * expected) return;
    if (this.isHolding) {
      this.#whole = arrived >= ALL * expected ? this.#whole + 1 : 0;
      this.isHolding = this.#whole < ALL_STEPS || isMost;
    } else {
      const isTooMuch = arrived < ENOUGH * expected && expected - arrived > FEW;
      this.isHolding = isTooMuch || isMost;
      if (isMost && !isTooMuch) return;
    }
    // After a halt more may come in a moment than was sent in it.
    const came = Math.min(arrivedKbps, this.kbps);
    this.#arrivedKbps = [...this.#arrivedKbps, came].slice(-REMEMBERED);
    const most = Math.max(...this.#arrivedKbps);
    this.#most = Math.max(this.#most, came);
    const least = Math.max(LEAST_KBPS, LEAST_SHARE * this.#most);
    const share = isQueued ? UNDERLOAD : OVERLOAD;
    const next = this.isHolding ? (share * most) / this.#keptShare : 2 * this.kbps;
    if (!this.isHolding) this.#whole = 0;
    this.kbps = Math.min(this.#maxKbps, Math.max(least, next));
  }
}
