// Helpers of the string tests.
import { PosternError } from '../../../js/errors.js';

/**
 * @param {string} table hexadecimal code points and ranges, apart by white space
 * @returns {Set<number>}
 */
export function pointsOf(table) {
  const points = new Set();
  for (const range of table.trim().split(/\s+/)) {
    const [first, last = first] = range.split('-').map((digits) => parseInt(digits, 16));
    for (let point = first; point <= last; point++) points.add(point);
  }
  return points;
}

/**
 * @param {() => string} prepare
 * @returns {string} '=' and the prepared text, or the code of the error
 */
export function outcome(prepare) {
  try {
    return `=${prepare()}`;
  } catch (error) {
    if (!(error instanceof PosternError)) throw error;
    return /** @type {PosternError} */ (error).code;
  }
}

/** @param {number} point */
export function nameOf(point) {
  return `U+${point.toString(16).toUpperCase().padStart(4, '0')}`;
}
