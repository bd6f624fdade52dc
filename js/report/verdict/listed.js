// Lists in sentences, which must not grow with what was measured.

const MAX_LENGTH = 200;

/** @param {string} text */
const clipped = (text) => (text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text);

/**
 * @param {readonly string[]} words
 * @param {number} most that are named
 * @returns {string} such as 'a, b and 3 more'
 */
export function listed(words, most) {
  const unlike = [...new Set(words)];
  const named = unlike.slice(0, most).map(clipped).join(', ');
  const more = unlike.length - most;
  return more > 0 ? `${named} and ${more} more` : named;
}
