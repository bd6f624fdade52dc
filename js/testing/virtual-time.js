// Lets virtual time pass: from one timer to the next, and between two of them everybody has had a turn.

import { PosternError } from '../errors.js';
import { patience, settled } from './settled.js';

/** @typedef {import('./virtual-clock.js').VirtualClock} VirtualClock */

/**
 * @typedef {object} RunOptions
 * @property {number} [limitMs] of the network's time; default 600,000
 * @property {AbortSignal} [signal]
 */

/**
 * How a network lets time pass.
 *
 * @typedef {object} TimeKeeper
 * @property {(ms: number, signal: AbortSignal | undefined) => Promise<void>} advance
 * @property {(limitMs: number, signal: AbortSignal | undefined) => Promise<void>} run
 * @property {<T>(condition: Condition<T>, limitMs: number, signal: AbortSignal | undefined) => Promise<T>} runUntil
 */

/**
 * @template T
 * @typedef {PromiseLike<T> | (() => T)} Condition a promise, or a function that gives something true when it is met
 */

/** More than any test has a use for: something is due again and again at once. */
const MAX_STEPS = 5_000_000;
/** Of the machine's time, while nothing at all is due. */
const STALLED_AFTER_MS = 2000;
/** ... and while only that is due which nobody waits for. */
const BACKGROUND_AFTER_MS = 500;

/**
 * Asks a condition again and again.
 *
 * @template T
 * @param {Condition<T>} condition
 * @returns {() => { value: T } | undefined} throws what the promise was rejected with
 */
export function watch(condition) {
  if (typeof condition === 'function') {
    return () => {
      const value = condition();
      return value ? { value } : undefined;
    };
  }
  /** @type {{ value: T } | undefined} */
  let met;
  /** @type {{ error: unknown } | undefined} */
  let failed;
  condition.then(
    (value) => {
      met = { value };
    },
    (error) => {
      failed = { error };
    },
  );
  return () => {
    if (failed !== undefined) throw failed.error;
    return met;
  };
}

/** @implements {TimeKeeper} */
export class VirtualTime {
  #clock;
  #underWay;
  #explain;

  /**
   * @param {VirtualClock} clock
   * @param {() => number} underWay how many packets are
   * @param {() => string} explain the last packets, as text
   */
  constructor(clock, underWay, explain) {
    this.#clock = clock;
    this.#underWay = underWay;
    this.#explain = explain;
  }

  /** @type {TimeKeeper['advance']} */
  async advance(ms, signal) {
    const end = this.#clock.now() + ms;
    await this.#go(signal, () => this.#clock.nextAt > end);
    this.#clock.goTo(end);
  }

  /** @type {TimeKeeper['run']} */
  async run(limitMs, signal) {
    const end = this.#clock.now() + limitMs;
    await this.#go(signal, () => {
      if (this.#underWay() === 0) return true;
      this.#checkLimit(end, limitMs);
      return false;
    });
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
    let found = look();
    let wasPatient = false;
    await this.#go(signal, async () => {
      found = look();
      if (found !== undefined) return true;
      if (this.#clock.hasReferenced) wasPatient = false;
      else if (!wasPatient) {
        wasPatient = true;
        await this.#bePatient(() => {
          found = look();
          return found !== undefined || signal?.aborted === true;
        });
        return found !== undefined;
      }
      if (this.#clock.nextAt === Infinity) throw this.#error('ERR_SIMULATION_STALLED', '');
      this.#checkLimit(end, limitMs);
      return false;
    });
    return /** @type {{ value: any }} */ (found).value;
  }

  /** @param {() => boolean} isOver */
  async #bePatient(isOver) {
    const ms = this.#clock.nextAt === Infinity ? STALLED_AFTER_MS : BACKGROUND_AFTER_MS;
    await patience(() => isOver() || this.#clock.hasReferenced, ms);
  }

  /** @param {AbortSignal | undefined} signal @param {() => boolean | Promise<boolean>} isOver */
  async #go(signal, isOver) {
    for (let steps = 0; ; steps += 1) {
      await settled();
      signal?.throwIfAborted();
      if (await isOver()) return;
      if (steps === MAX_STEPS) {
        throw this.#error('ERR_SIMULATION_LIMIT', `After ${MAX_STEPS} steps it is not over.`);
      }
      if (this.#clock.nextAt < Infinity) this.#clock.runNext();
    }
  }

  /** @param {number} end @param {number} limitMs */
  #checkLimit(end, limitMs) {
    if (this.#clock.nextAt <= end) return;
    const sentence = `After ${limitMs} ms of the network's time it is not over.`;
    throw this.#error('ERR_SIMULATION_LIMIT', sentence);
  }

  /** @param {'ERR_SIMULATION_LIMIT' | 'ERR_SIMULATION_STALLED'} code @param {string} sentence */
  #error(code, sentence) {
    return simulationError(code, sentence, this.#explain());
  }
}

/**
 * @param {'ERR_SIMULATION_LIMIT' | 'ERR_SIMULATION_STALLED'} code
 * @param {string} sentence the code's own where it is ''
 * @param {string} packets the last ones
 */
export function simulationError(code, sentence, packets) {
  const own = sentence || new PosternError(code).message;
  const last = packets === '' ? ' No packet was sent.' : ` The last packets:\n${packets}`;
  return new PosternError(code, `${own}${last}`);
}
