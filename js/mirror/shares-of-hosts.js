// What each host may ask for, and what each may be sent.

import { sourceOf } from '../address.js';
import { Shares } from '../gateway/shares.js';

/** @typedef {import('./options.js').MirrorLimits} MirrorLimits */

const SECOND_MS = 1000;
const FORGET_EVERY_MS = 60_000;

export class SharesOfHosts {
  #limits;
  /** Pages, by the host that asks for sessions. */ #pages = new Shares(Infinity, Infinity);
  /** Browsers, by the host that packets go to. */ #targets;
  #second = { since: 0, packets: 0 };
  #forgetAt = 0;

  /** @param {MirrorLimits} limits */
  constructor(limits) {
    this.#limits = limits;
    this.#targets = new Shares(limits.packetsPerSecondPerHost, limits.bytesPerSecondPerHost);
  }

  /** Hosts that are remembered. */
  get size() {
    return this.#pages.size + this.#targets.size;
  }

  /**
   * Counts an attempt to start a session.
   *
   * @param {string} host as sourceOf() has it
   * @param {number} now
   * @returns {'too-often' | 'too-many' | undefined} why it may have none
   */
  refuses(host, now) {
    const page = this.#pages.of(host, now);
    page.attempts += 1;
    if (page.attempts > this.#limits.startsPerMinutePerHost) return 'too-often';
    return page.connections >= this.#limits.sessionsPerHost ? 'too-many' : undefined;
  }

  /** @param {string} host whose sessions are so many more @param {1 | -1} by @param {number} now */
  count(host, by, now) {
    this.#pages.of(host, now).connections += by;
  }

  /**
   * Counts a packet that is to be sent.
   *
   * @param {string} address to which
   * @param {number} bytes
   * @param {number} now
   * @returns {boolean} whether it may be
   */
  maySend(address, bytes, now) {
    const { meter } = this.#targets.of(sourceOf(address), now);
    meter.fill(now);
    if (now - this.#second.since >= SECOND_MS) this.#second = { since: now, packets: 0 };
    if (!meter.hasLeft || this.#second.packets >= this.#limits.packetsPerSecond) return false;
    meter.take(1, bytes);
    this.#second.packets += 1;
    return true;
  }

  /** @param {number} now */
  forget(now) {
    if (now < this.#forgetAt) return;
    this.#forgetAt = now + FORGET_EVERY_MS;
    this.#pages.forget(now);
    this.#targets.forget(now);
  }
}
