// Something at even distances, by timers that are not even.

/** What was missed by more than this, such as while the process was halted, is left out: no path deserves the burst. */
const MOST_BEHIND_MS = 50;

/**
 * Calls a function at a rate. Timers fire late by a millisecond or more, and not at all for distances below one: each
 * call has its time on a grid, and whatever is due goes when a timer fires. So the rate is right in the long run.
 */
export class Pacer {
  #send;
  #intervalMs;
  #nextMs = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  #run = () => {
    const now = performance.now();
    this.#nextMs = Math.max(this.#nextMs, now - MOST_BEHIND_MS);
    while (this.#nextMs <= now) {
      this.#nextMs += this.#intervalMs;
      if (this.#send(now)) continue;
      this.#nextMs = Math.max(this.#nextMs, now);
      break;
    }
    this.#timer = setTimeout(this.#run, Math.max(1, Math.ceil(this.#nextMs - now)));
  };

  /**
   * @param {number} intervalMs
   * @param {(nowMs: number) => boolean} send false: what else is due is left out
   */
  constructor(intervalMs, send) {
    this.#intervalMs = intervalMs;
    this.#send = send;
  }

  /** From the next call on. @param {number} value */
  set intervalMs(value) {
    this.#intervalMs = value;
  }

  start() {
    this.#nextMs = performance.now();
    this.#run();
  }

  /** Idempotent. */
  stop() {
    clearTimeout(this.#timer);
  }
}
