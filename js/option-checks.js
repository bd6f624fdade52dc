// Checks of options: what is left out passes.
import { argumentError } from './errors.js';

/**
 * @param {unknown} value
 * @param {string} name
 * @param {number} least
 * @param {number} most
 * @returns {number} 0 when left out
 */
export function checkInteger(value, name, least, most) {
  if (value === undefined) return 0;
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most)
    return value;
  throw argumentError(name, `an integer from ${least} to ${most}`);
}

/**
 * @param {unknown} value
 * @param {string} name
 * @returns {number} 0 when left out
 */
export function checkMilliseconds(value, name) {
  if (value === undefined) return 0;
  // The engine counts microseconds in 32 bits.
  if (typeof value === 'number' && value >= 1 && value <= 4_000_000) return value;
  throw argumentError(name, 'a number of milliseconds from 1 to 4,000,000');
}

/** @param {unknown} value @param {string} name @param {readonly unknown[]} allowed */
export function checkOneOf(value, name, allowed) {
  if (value === undefined || allowed.includes(value)) return;
  throw argumentError(name, allowed.map((one) => JSON.stringify(one)).join(' or '));
}

/** @param {unknown} signal @param {string} name */
export function checkSignal(signal, name) {
  if (signal === undefined) return;
  // By its form: one of another realm is no `instanceof AbortSignal` here.
  const { [Symbol.toStringTag]: tag } = /** @type {{ [Symbol.toStringTag]?: unknown }} */ (
    signal ?? {}
  );
  if (tag !== 'AbortSignal') throw argumentError(name, 'an AbortSignal');
}
