// A clock that stands still until it is told to go on.

/** @typedef {import('../clock.js').Clock} Clock */

/** What was asked for with setTimeout() of a virtual clock. */
export class VirtualTimer {
  /** Whether it is worth going on for; see unref(). */
  isReferenced = true;
  /** @type {(() => void) | undefined} undefined: it is over */ callback;
  #onchange;

  /** @param {number} at @param {() => void} callback @param {(by: 1 | -1) => void} onchange a referenced one more, or less */
  constructor(at, callback, onchange) {
    this.at = at;
    this.callback = callback;
    this.#onchange = onchange;
  }

  ref() {
    if (this.callback !== undefined && !this.isReferenced) this.#onchange(1);
    this.isReferenced = true;
    return this;
  }

  /** As of timers in Node.js: who waits until everything is over, does not wait for this one. */
  unref() {
    if (this.callback !== undefined && this.isReferenced) this.#onchange(-1);
    this.isReferenced = false;
    return this;
  }
}

/** @implements {Clock} */
export class VirtualClock {
  #now = 0;
  /** The next one is the last. @type {VirtualTimer[]} */ #timers = [];
  #referenced = 0;
  #count = (/** @type {1 | -1} */ by) => {
    this.#referenced += by;
  };

  // Functions of their own, for those who hand them on.

  now = () => this.#now;

  /** @param {() => void} callback @param {number} ms @returns {VirtualTimer} */
  setTimeout = (callback, ms) => {
    const timer = new VirtualTimer(this.#now + Math.max(0, ms), callback, this.#count);
    this.#referenced += 1;
    // Behind those of the same time.
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#timers[middle].at > timer.at) low = middle + 1;
      else high = middle;
    }
    this.#timers.splice(low, 0, timer);
    return timer;
  };

  /** @param {VirtualTimer | undefined} timer */
  clearTimeout = (timer) => {
    if (timer?.callback === undefined) return;
    if (timer.isReferenced) this.#referenced -= 1;
    timer.callback = undefined;
  };

  /** When the next timer is due; Infinity where there is none. */
  get nextAt() {
    while (this.#timers.length > 0 && this.#timers[this.#timers.length - 1].callback === undefined)
      this.#timers.pop();
    return this.#timers[this.#timers.length - 1]?.at ?? Infinity;
  }

  /** Whether a timer is worth going on for. */
  get hasReferenced() {
    return this.#referenced > 0;
  }

  /** Goes on to the next timer, and runs it. */
  runNext() {
    const { nextAt } = this;
    const timer = this.#timers.pop();
    if (timer === undefined) return;
    this.#now = nextAt;
    const { callback } = timer;
    this.clearTimeout(timer);
    callback?.();
  }

  /** Goes on where no timer is due before. @param {number} at */
  goTo(at) {
    this.#now = Math.max(this.#now, Math.min(at, this.nextAt));
  }
}
