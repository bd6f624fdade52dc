// What becomes of one measuring: a measurement, also where it fails.
import { failureOf } from '../check/row-failure.js';

/** @typedef {import('../report/measurements/types.js').Measurement} Measurement */
/** @typedef {import('../report/measurements/types.js').MeasurementError} MeasurementError */
/** @template {import('../report/measurements/types.js').Kind} K @typedef {Extract<Measurement, { kind: K }>} Of */

/**
 * What a measurement tells of a failure.
 *
 * @param {unknown} error
 * @returns {MeasurementError}
 * @throws `error` itself where it is no failure of a server or of the way
 */
export function errorOf(error) {
  const { attempts: _, offset: __, ...told } = failureOf(error);
  return told;
}

/**
 * @template {import('../report/measurements/types.js').Kind} K
 * @param {{ id: string, kind: K } & object} what was measured, with what is known of it before
 * @param {AbortSignal} signal
 * @param {() => Promise<Partial<Of<K>>>} measure
 * @returns {Promise<Of<K>>} 'ok' with what it has found, unless that says otherwise; 'failed' where it fails
 * @throws `signal.reason`
 */
export async function measured(what, signal, measure) {
  signal.throwIfAborted();
  const start = performance.now();
  /** @type {object} */
  let found;
  try {
    found = { status: 'ok', ...(await measure()) };
  } catch (error) {
    signal.throwIfAborted();
    found = { status: 'failed', error: errorOf(error) };
  }
  const all = { ...what, whose: 'client', ...found, elapsedMs: performance.now() - start };
  const told = Object.entries(all).filter(([, value]) => value !== undefined);
  return /** @type {Of<K>} */ (/** @type {unknown} */ (Object.fromEntries(told)));
}
