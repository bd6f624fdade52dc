// What became of numbered packets: lost, late, twice, out of order.
import { argumentError } from '../errors.js';
import { Bursts } from './bursts.js';

/** What is known of a packet. */
const WAITED_FOR = 0;
const RECEIVED = 1;
const LOST = 2;
const LATE = 3;

/** Packets that are remembered: 72 KiB, and at 1,000 a second eight seconds. */
const WINDOW = 8192;
const GRACE_MS = 2000;

/**
 * How long to wait for a packet before it counts as lost: long enough for one that is only slow.
 *
 * @param {number} p95Ms of the round-trip times
 * @returns {number} 2 x p95 + 500
 */
export const graceTimeMs = (p95Ms) => 2 * p95Ms + 500;

/**
 * @typedef {object} ArrivalSummary
 * @property {number} sent
 * @property {number} decided packets whose time is over, or which are here
 * @property {number} received in time
 * @property {number} lost not received in time; the late ones too
 * @property {number} late of the lost ones, those that came afterwards
 * @property {number} duplicates arrivals of what was here before
 * @property {number} reordered
 * @property {number} unknown arrivals of numbers that were not sent, or are forgotten
 * @property {number | null} lossRatio null before anything is decided
 * @property {import('./bursts.js').BurstSummary} bursts
 */

/**
 * Packets with the numbers 0, 1, 2 …
 *
 *     loss        lost / decided = 1 - received / decided, where a packet is decided when its grace time has passed
 *     late        received after its grace time: lost, since nobody waits for it
 *     duplicate   received again (RFC 4737 section 3 does not count it as reordered)
 *     reordered   received with a number that is smaller than the next one that was expected, the largest number so far
 *                 plus 1 (RFC 4737 section 3.3)
 *
 * An echo that does not come may have been lost in either direction. The last 8,192 packets are remembered; whoever sends
 * so many within one grace time has the oldest decided earlier.
 */
export class Arrivals {
  #graceMs;
  #sentAt;
  #states;
  #sent = 0;
  #settled = 0;
  #received = 0;
  #lost = 0;
  #late = 0;
  #duplicates = 0;
  #reordered = 0;
  #unknown = 0;
  #nextExpected = 0;
  #bursts;

  /**
   * @param {{ graceMs?: number, intervalMs?: number }} [options] `graceMs`: see graceTimeMs(); default 2,000.
   *   `intervalMs`: the time between two packets, for the lengths of bursts
   * @throws {TypeError} ERR_INVALID_ARGUMENT
   */
  constructor({ graceMs = GRACE_MS, intervalMs } = {}) {
    this.#graceMs = checkTime(graceMs, 'options.graceMs');
    this.#bursts = new Bursts(intervalMs === undefined ? {} : { intervalMs });
    this.#sentAt = new Float64Array(WINDOW);
    this.#states = new Uint8Array(WINDOW);
  }

  get graceMs() {
    return this.#graceMs;
  }

  /** For what is not decided yet: it may be set as more is known of the round-trip times. */
  set graceMs(value) {
    this.#graceMs = checkTime(value, 'graceMs');
  }

  /** @param {number} sequence 0 at first, then always one more @param {number} atMs @throws {TypeError} ERR_INVALID_ARGUMENT */
  sent(sequence, atMs) {
    if (sequence !== this.#sent) throw argumentError('sequence', `the next number, ${this.#sent}`);
    if (this.#sent - this.#settled === WINDOW) this.#settleOne();
    const slot = sequence % WINDOW;
    this.#sentAt[slot] = checkTime(atMs, 'atMs');
    this.#states[slot] = WAITED_FOR;
    this.#sent += 1;
  }

  /**
   * @param {number} sequence
   * @param {number} atMs on the clock of sent()
   * @returns {boolean} whether it is here for the first time, and in time
   */
  received(sequence, atMs) {
    const isKnown =
      Number.isInteger(sequence) && sequence < this.#sent && sequence >= this.#sent - WINDOW;
    if (!isKnown || sequence < 0) {
      this.#unknown += 1;
      return false;
    }
    const slot = sequence % WINDOW;
    const state = this.#states[slot];
    if (state === RECEIVED || state === LATE) {
      this.#duplicates += 1;
      return false;
    }
    if (sequence < this.#nextExpected) this.#reordered += 1;
    else this.#nextExpected = sequence + 1;
    if (state === LOST || atMs - this.#sentAt[slot] > this.#graceMs) {
      this.#late += 1;
      this.#states[slot] = LATE;
      return false;
    }
    this.#states[slot] = RECEIVED;
    return true;
  }

  /** Decides what has waited for longer than its grace time. @param {number} nowMs */
  settle(nowMs) {
    while (this.#settled < this.#sent) {
      const slot = this.#settled % WINDOW;
      if (this.#states[slot] === WAITED_FOR && nowMs - this.#sentAt[slot] <= this.#graceMs) return;
      this.#settleOne();
    }
  }

  #settleOne() {
    const slot = this.#settled % WINDOW;
    const isReceived = this.#states[slot] === RECEIVED;
    if (isReceived) this.#received += 1;
    else this.#lost += 1;
    if (this.#states[slot] === WAITED_FOR) this.#states[slot] = LOST;
    this.#bursts.add(!isReceived);
    this.#settled += 1;
  }

  /** Of what was decided by settle(). @returns {ArrivalSummary} */
  summary() {
    const decided = this.#settled;
    return {
      sent: this.#sent,
      decided,
      received: this.#received,
      lost: this.#lost,
      late: this.#late,
      duplicates: this.#duplicates,
      reordered: this.#reordered,
      unknown: this.#unknown,
      lossRatio: decided === 0 ? null : this.#lost / decided,
      bursts: this.#bursts.summary(),
    };
  }
}

/** @param {number} value @param {string} name */
function checkTime(value, name) {
  if (typeof value === 'number' && value >= 0 && Number.isFinite(value)) return value;
  throw argumentError(name, 'a number of milliseconds');
}
