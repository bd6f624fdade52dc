// What each host may ask for, and what each may be sent.

import { sourceOf } from '../address.js';
import { Shares } from '../gateway/shares.js';

/**
 * @typedef {object} HostLimits
 * @property {number} sessionsPerHost
 * @property {number} startsPerMinutePerHost
 * @property {number} packetsPerSecond sent in all
 * @property {number} packetsPerSecondPerHost
 * @property {number} bytesPerSecondPerHost
 */

const SECOND_MS = 1000;
const FORGET_EVERY_MS = 60_000;

export class SharesOfHosts {
  #limits;
  /** Clients, by the host that asks for sessions. */ #clients = new Shares(Infinity, Infinity);
  /** By the host that packets go to. */ #targets;
  #second = { since: 0, packets: 0 };
  #forgetAt = 0;

  /** @param {HostLimits} limits */
  constructor(limits) {
    this.#limits = limits;
    this.#targets = new Shares(limits.packetsPerSecondPerHost, limits.bytesPerSecondPerHost);
  }

  /** Hosts that are remembered. */
  get size() {
    return this.#clients.size + this.#targets.size;
  }

  /**
   * Counts an attempt to start a session.
   *
   * @param {string} host as sourceOf() has it
   * @param {number} now
   * @returns {'too-often' | 'too-many' | undefined} why it may have none
   */
  refuses(host, now) {
    const client = this.#clients.of(host, now);
    client.attempts += 1;
    if (client.attempts > this.#limits.startsPerMinutePerHost) return 'too-often';
    return client.connections >= this.#limits.sessionsPerHost ? 'too-many' : undefined;
  }

  /** @param {string} host whose sessions are so many more @param {1 | -1} by @param {number} now */
  count(host, by, now) {
    this.#clients.of(host, now).connections += by;
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
    this.#clients.forget(now);
    this.#targets.forget(now);
  }
}
