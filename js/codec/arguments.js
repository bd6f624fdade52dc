// Checks of what callers pass.
import { argumentError } from '../errors.js';

/**
 * True for a Uint8Array, a Buffer too, of any realm.
 *
 * @param {unknown} value
 * @returns {value is Uint8Array}
 */
export const isBytes = (value) =>
  ArrayBuffer.isView(value) &&
  /** @type {Uint8Array} */ (value)[Symbol.toStringTag] === 'Uint8Array';

/**
 * @param {unknown} value
 * @param {string} name
 * @returns {Uint8Array}
 */
export function toBytes(value, name) {
  if (isBytes(value)) return value;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value))
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  throw argumentError(name, 'a Uint8Array, another view or an ArrayBuffer');
}

/**
 * @template {object} T
 * @param {T} value
 * @param {string} name
 * @returns {T}
 */
export function requireObject(value, name) {
  if (typeof value === 'object' && value !== null) return value;
  throw argumentError(name, 'an object');
}

/**
 * Checks an option that is true, false or left out.
 *
 * @param {unknown} value
 * @param {string} name
 */
export function isTrue(value, name) {
  if (value === undefined || typeof value === 'boolean') return value === true;
  throw argumentError(name, 'a boolean');
}
