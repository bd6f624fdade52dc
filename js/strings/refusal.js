// What the string profiles share: the fast path, and the errors.

import { argumentError, PosternError } from '../errors.js';

/** @param {string} name what the text is, such as 'password' */
export function emptyError(name) {
  return new PosternError('ERR_STRING_EMPTY', `The ${name} is empty, or is once it is prepared.`);
}

/**
 * @param {string} text
 * @param {string} name what the text is, such as 'password'
 * @returns {boolean} whether the text is printable ASCII, which every profile leaves as it is
 * @throws {TypeError | PosternError} when the text is none, or empty
 */
export function isPlain(text, name) {
  if (typeof text !== 'string') throw argumentError(name, 'a string');
  if (text === '') throw emptyError(name);
  return /^[ -~]+$/.test(text);
}

/**
 * The index in `text` that `index` in `map(text)` comes from. Mapping and normalisation drop,
 * merge and reorder code points; but the shortest beginning of the text whose mapped form reaches
 * past the index ends with the code point that is sought.
 *
 * @param {string} text
 * @param {number} index
 * @param {(text: string) => string} map
 */
function originalIndex(text, index, map) {
  const points = Array.from(text);
  let low = 0;
  let high = points.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (map(points.slice(0, middle + 1).join('')).length > index) high = middle;
    else low = middle + 1;
  }
  return points.slice(0, low).join('').length;
}

/**
 * The error for a code point of a prepared text. It names that code point and its place, never
 * more of the text, which may be a password.
 *
 * @param {'ERR_STRING_DISALLOWED' | 'ERR_STRING_BIDI'} code
 * @param {string} name what the text is
 * @param {string} text as it was given
 * @param {number} index of the code point in `map(text)`
 * @param {(text: string) => string} map
 * @param {string} why the rest of the sentence
 */
export function refusal(code, name, text, index, map, why) {
  const point = /** @type {number} */ (map(text).codePointAt(index));
  const digits = point.toString(16).toUpperCase().padStart(4, '0');
  const offset = originalIndex(text, index, map);
  return new PosternError(code, `The ${name} has U+${digits} at index ${offset}, ${why}`, {
    offset,
  });
}
