// A flow to a client that has shown that it is there: packets of one size, paced.

import { MAX_SEQUENCE } from './packets/marks.js';

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('./talk.js').FlowCounts} FlowCounts */

/** Timers are no finer: what falls due within leaves together. */
const TICK_MS = 4;
/** After a pause of the process the flow goes on, and does not catch up. */
const MOST_BEHIND_MS = 40;

export class SentFlow {
  #intervalMs;
  #bytes;
  #left;
  #nextAt;
  #endsAt;
  #sequence = 0;
  #packets = 0;
  #send;

  /**
   * @param {object} what
   * @param {number} what.kbps
   * @param {number} what.bytes of each packet
   * @param {number} what.ms
   * @param {number} what.most bytes of all
   * @param {number} now
   * @param {(sequence: number, bytes: number, now: number) => boolean} send false: a limit forbade it
   */
  constructor({ kbps, bytes, ms, most }, now, send) {
    this.#bytes = bytes;
    // Bits by bits in a millisecond.
    this.#intervalMs = (bytes * 8) / kbps;
    this.#left = Math.floor(most / bytes);
    this.#nextAt = now;
    this.#endsAt = now + ms;
    this.#send = send;
  }

  get isOver() {
    return this.#left <= 0 || this.#nextAt >= this.#endsAt || this.#sequence > MAX_SEQUENCE;
  }

  get nextAt() {
    return this.isOver ? Infinity : this.#nextAt;
  }

  /** Bytes that may still go out. */
  get bytesLeft() {
    return this.isOver ? 0 : this.#left * this.#bytes;
  }

  stop() {
    this.#left = 0;
  }

  /** @param {number} now */
  tick(now) {
    this.#nextAt = Math.max(this.#nextAt, now - MOST_BEHIND_MS);
    while (!this.isOver && this.#nextAt < now + TICK_MS / 2) {
      // What a limit has forbidden is not made up for: that would only press on it.
      if (this.#send(this.#sequence, this.#bytes, now)) {
        this.#sequence += 1;
        this.#packets += 1;
        this.#left -= 1;
      }
      this.#nextAt += this.#intervalMs;
    }
  }

  /** @returns {FlowCounts} */
  counts() {
    const packets = this.#packets;
    return {
      packets,
      bytes: packets * this.#bytes,
      duplicates: 0,
      reordered: 0,
      bins: [],
      isOver: this.isOver,
    };
  }
}
