// What a client owes its gateway in time: a first message, signs of life, and an end.

import { CLOSE } from './close-codes.js';

/** @typedef {import('./close-codes.js').CloseCode} CloseCode */

/** Pings that may go unanswered. */
const MAX_MISSED_PONGS = 2;

export class Watch {
  #limits;
  #openedAt;
  /** @type {number | undefined} */ #readyAt;
  #messages = 0;
  #activeAt;
  #pingedAt;
  #missedPongs = 0;

  /** @param {import('./options.js').CheckedLimits} limits @param {number} now */
  constructor(limits, now) {
    this.#limits = limits;
    this.#openedAt = now;
    this.#activeAt = now;
    this.#pingedAt = now;
  }

  /** The server is there: the client may speak. @param {number} now */
  ready(now) {
    this.#readyAt = now;
  }

  /**
   * @param {number} now
   * @param {number} messages so far
   * @param {boolean} holdsAllocation
   * @returns {[CloseCode, string] | undefined} what to close with
   */
  lateness(now, messages, holdsAllocation) {
    const { sessionMs, firstMessageMs, idleMs } = this.#limits;
    if (messages !== this.#messages) {
      this.#messages = messages;
      this.#activeAt = now;
    }
    if (now - this.#openedAt >= sessionMs) return [CLOSE.time, 'session'];
    if (this.#readyAt === undefined) return undefined;
    if (messages === 0) {
      const isLate = now - this.#readyAt >= firstMessageMs;
      return isLate ? [CLOSE.time, 'first-message'] : undefined;
    }
    const isIdle = !holdsAllocation && now - this.#activeAt >= idleMs;
    return isIdle ? [CLOSE.time, 'idle'] : undefined;
  }

  pong() {
    this.#missedPongs = 0;
  }

  /** @param {number} now @returns {'ping' | 'gone' | undefined} what is due */
  ping(now) {
    if (now - this.#pingedAt < this.#limits.pingMs) return undefined;
    this.#pingedAt = now;
    if (this.#missedPongs === MAX_MISSED_PONGS) return 'gone';
    this.#missedPongs++;
    return 'ping';
  }
}
