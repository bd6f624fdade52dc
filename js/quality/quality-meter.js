// All that a flow of numbered packets and their echoes tells of a path.
import { Arrivals, graceTimeMs } from './arrivals.js';
import { Jitter } from './jitter.js';
import { estimateMos } from './mos.js';
import { RoundTrips } from './round-trips.js';

/**
 * @typedef {object} QualitySummary
 * @property {import('./round-trips.js').RoundTripSummary} roundTrips
 * @property {import('./jitter.js').JitterSummary} jitter
 * @property {import('./arrivals.js').ArrivalSummary} arrivals
 * @property {import('./mos.js').MosEstimate | null} mos null where a number for it is missing
 */

/**
 * Packets with the numbers 0, 1, 2 … that are sent and come back, each once and never again: a round-trip time is that of
 * one packet, so none is ambiguous. What is lost may have been lost in either direction.
 */
export class QualityMeter {
  #arrivals;
  #roundTrips = new RoundTrips();
  #jitter = new Jitter();
  #lostBefore = 0;

  /** @param {{ graceMs?: number, intervalMs?: number }} [options] as of Arrivals */
  constructor(options) {
    this.#arrivals = new Arrivals(options);
  }

  /** @param {number} sequence @param {number} atMs */
  sent(sequence, atMs) {
    this.#arrivals.sent(sequence, atMs);
  }

  /** The echo of a packet. @param {number} sequence @param {number} sentMs when it was sent @param {number} atMs now */
  received(sequence, sentMs, atMs) {
    if (!this.#arrivals.received(sequence, atMs)) return;
    this.#roundTrips.add(atMs - sentMs);
    this.#jitter.add(sentMs, atMs);
  }

  /**
   * Decides what has waited long enough.
   *
   * @param {number} nowMs
   */
  settle(nowMs) {
    this.#arrivals.settle(nowMs);
    const { lost } = this.#arrivals.summary();
    for (; this.#lostBefore < lost; this.#lostBefore += 1) this.#roundTrips.addLost();
  }

  /** How long to wait for the last packets, by the round-trip times so far. @returns {number | undefined} undefined where there are none */
  get graceMs() {
    const { p95Ms } = this.#roundTrips.summary();
    return p95Ms === null ? undefined : graceTimeMs(p95Ms);
  }

  /** Sets that of Arrivals, for what is not decided yet. @param {number} value */
  waitFor(value) {
    this.#arrivals.graceMs = value;
  }

  /** @returns {QualitySummary} */
  summary() {
    const roundTrips = this.#roundTrips.summary();
    const jitter = this.#jitter.summary();
    const arrivals = this.#arrivals.summary();
    return { roundTrips, jitter, arrivals, mos: mosOf(roundTrips, jitter, arrivals) };
  }
}

/** @param {QualitySummary['roundTrips']} roundTrips @param {QualitySummary['jitter']} jitter @param {QualitySummary['arrivals']} arrivals */
function mosOf({ medianMs }, { jitterMs }, { lossRatio, bursts }) {
  if (medianMs === null || jitterMs === null || lossRatio === null) return null;
  const burstRatio = Math.max(1, bursts.burstRatio ?? 1);
  return estimateMos({ roundTripMs: medianMs, jitterMs, lossRatio, burstRatio });
}
