// Whether the delay grows while the path is busy (bufferbloat).
import { RoundTrips } from './round-trips.js';

/**
 * @typedef {object} LoadedLatencySummary
 * @property {number | null} idleMs median; null where there is no sample
 * @property {number | null} loadedMs median
 * @property {number | null} ratio null where one of them is
 * @property {number | null} addedMs
 */

/**
 * Loaded latency: the round-trip time during a transfer against that before it.
 *
 *     ratio = median loaded / median idle
 *     added = median loaded - median idle
 */
export class LoadedLatency {
  /** Before the transfer. */
  idle = new RoundTrips();
  /** During it. */
  loaded = new RoundTrips();

  /** @returns {LoadedLatencySummary} */
  summary() {
    const { medianMs: idleMs } = this.idle.summary();
    const { medianMs: loadedMs } = this.loaded.summary();
    if (idleMs === null || loadedMs === null) {
      return { idleMs, loadedMs, ratio: null, addedMs: null };
    }
    return {
      idleMs,
      loadedMs,
      ratio: idleMs > 0 ? loadedMs / idleMs : null,
      addedMs: loadedMs - idleMs,
    };
  }
}
