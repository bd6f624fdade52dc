// Who uses how much of the gateway: connections, attempts and rates of each address and each user.

import { Meter } from './meter.js';

/** @typedef {import('./options.js').CheckedLimits} CheckedLimits */

/**
 * What one address or one user has.
 *
 * @typedef {object} Share
 * @property {number} connections
 * @property {number} attempts in the minute that began at `since`
 * @property {number} since
 * @property {Meter} meter
 */

const MINUTE_MS = 60_000;
/** Addresses that are remembered without a connection: beyond, the one that was seen longest ago is forgotten. */
const MAX_SHARES = 65_536;

export class Shares {
  /** In the order in which they were seen last. @type {Map<string, Share>} */ #shares = new Map();
  #messagesPerSecond;
  #bytesPerSecond;

  /** @param {number} messagesPerSecond @param {number} bytesPerSecond */
  constructor(messagesPerSecond, bytesPerSecond) {
    this.#messagesPerSecond = messagesPerSecond;
    this.#bytesPerSecond = bytesPerSecond;
  }

  get size() {
    return this.#shares.size;
  }

  /**
   * @param {string} key
   * @param {number} now
   * @returns {Share}
   */
  of(key, now) {
    let share = this.#shares.get(key);
    if (share === undefined) {
      if (this.#shares.size >= MAX_SHARES) this.#forgetOldest();
      const meter = new Meter(this.#messagesPerSecond, this.#bytesPerSecond, now);
      share = { connections: 0, attempts: 0, since: now, meter };
    } else {
      this.#shares.delete(key);
    }
    this.#shares.set(key, share);
    if (now - share.since >= MINUTE_MS) {
      share.since = now;
      share.attempts = 0;
    }
    return share;
  }

  #forgetOldest() {
    for (const [key, { connections }] of this.#shares) {
      if (connections > 0) continue;
      this.#shares.delete(key);
      return;
    }
  }

  /** Those who have done nothing for a minute. @param {number} now */
  forget(now) {
    for (const [key, { connections, since }] of this.#shares) {
      if (connections === 0 && now - since >= MINUTE_MS) this.#shares.delete(key);
    }
  }
}
