// How long a NAT keeps a binding that nobody uses: the browser falls silent, the mirror waits, and then knocks.

import { Knocks } from './knocks.js';

/** @typedef {import('./session.js').Check} Check */
/** @typedef {import('./session.js').Session} Session */
/** @typedef {import('../far-end/refusals.js').Reply} Reply */

/** Close together: the first that gets in renews the binding. */
const KNOCKS = { offsets: [0, 100, 250, 450, 700], lastsMs: 1200, stopsWhenAnswered: true };
/** Until the first check. */
const NO_CHECK_MS = 4000;
/** Firefox pauses for up to 3.3 s before its last packet; less would be no silence. */
export const LEAST_WAIT_SECONDS = 5;

export class LifetimeTest {
  #session;
  #mostSeconds;
  #knocks;
  /** @type {Check | undefined} */ #last;
  #lastAt = 0;
  #waitMs = 0;
  /** @type {import('./knocks.js').Knocking | undefined} */ #knocking;
  /** @type {Reply | undefined} */ #reply;

  /** @param {Session} session @param {number} mostSeconds */
  constructor(session, mostSeconds) {
    this.#session = session;
    this.#mostSeconds = mostSeconds;
    this.#knocks = new Knocks(session, KNOCKS);
  }

  /** @param {Check} check @param {number} now */
  check(check, now) {
    // What comes once we have knocked is the browser's answer to that.
    if (this.#knocking !== undefined) return;
    this.#last = check;
    this.#lastAt = now;
  }

  /** @param {string} id @param {number} now */
  answer(id, now) {
    if (this.#knocks.answered(id)) this.tick(now);
  }

  /** @param {string} name @param {Record<string, unknown>} body @param {number} now @param {Reply} reply */
  step(name, { seconds }, now, reply) {
    const isGood =
      name === 'wait' &&
      this.#reply === undefined &&
      typeof seconds === 'number' &&
      seconds >= LEAST_WAIT_SECONDS &&
      seconds <= this.#mostSeconds;
    if (!isGood) return false;
    this.#waitMs = seconds * 1000;
    this.#lastAt = Math.max(this.#lastAt, now);
    this.#reply = reply;
    return true;
  }

  get nextAt() {
    if (this.#reply === undefined) return Infinity;
    if (this.#knocking !== undefined) return this.#knocks.nextAt;
    return this.#lastAt + (this.#last === undefined ? NO_CHECK_MS : this.#waitMs);
  }

  /** @param {number} now */
  tick(now) {
    if (this.#reply === undefined || now < this.nextAt) {
      if (this.#knocking?.isAnswered) this.#end(true);
      return;
    }
    if (this.#last === undefined) {
      this.#end(undefined);
      return;
    }
    this.#knocking ??= this.#knocks.add(this.#last.place, this.#last.source, now);
    this.#knocks.tick(now);
    if (this.#knocks.isOver(this.#knocking)) this.#end(this.#knocking.isAnswered);
  }

  /** @param {boolean | undefined} isAlive undefined: nothing ever came */
  #end(isAlive) {
    this.#reply?.(200, { isAlive: isAlive ?? null });
    this.#reply = undefined;
    this.#session.isOver = true;
  }
}
