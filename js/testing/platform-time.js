// Time that passes of itself: the machine's, or that of a clock of the caller's.

import { simulationError, watch } from './virtual-time.js';

/** @typedef {import('./virtual-time.js').TimeKeeper} TimeKeeper */

/**
 * @template T
 * @typedef {import('./virtual-time.js').Condition<T>} Condition
 */

/** How often a condition is looked at. */
const LOOK_EVERY_MS = 5;

/** @implements {TimeKeeper} */
export class PlatformTime {
  #clock;
  #underWay;
  #explain;

  /**
   * @param {import('../clock.js').Clock} clock
   * @param {() => number} underWay how many packets are
   * @param {() => string} explain
   */
  constructor(clock, underWay, explain) {
    this.#clock = clock;
    this.#underWay = underWay;
    this.#explain = explain;
  }

  /** @type {TimeKeeper['advance']} */
  async advance(ms, signal) {
    signal?.throwIfAborted();
    await new Promise((/** @type {(value?: undefined) => void} */ resolve, reject) => {
      const abort = () => {
        this.#clock.clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = this.#clock.setTimeout(() => {
        signal?.removeEventListener('abort', abort);
        resolve();
      }, ms);
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** @type {TimeKeeper['run']} */
  async run(limitMs, signal) {
    await this.runUntil(() => this.#underWay() === 0, limitMs, signal);
  }

  /**
   * @template T
   * @param {Condition<T>} condition
   * @param {number} limitMs
   * @param {AbortSignal | undefined} signal
   * @returns {Promise<T>}
   */
  async runUntil(condition, limitMs, signal) {
    const end = this.#clock.now() + limitMs;
    const look = watch(condition);
    for (;;) {
      signal?.throwIfAborted();
      const found = look();
      if (found !== undefined) return found.value;
      if (this.#clock.now() > end) {
        const sentence = `After ${limitMs} ms it is not over.`;
        throw simulationError('ERR_SIMULATION_LIMIT', sentence, this.#explain());
      }
      await this.advance(LOOK_EVERY_MS, signal);
    }
  }
}
