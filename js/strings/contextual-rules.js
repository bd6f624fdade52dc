// The contextual rules of RFC 5892 appendix A, which PRECIS uses as they are (RFC 8264 section 8).

import { JOINS_NEXT, JOINS_PREVIOUS, TRANSPARENT, VIRAMA } from './joining-types.js';

// ZERO WIDTH JOINER follows a virama (A.2). ZERO WIDTH NON-JOINER may too; or else it separates
// two letters that would join without it, marks apart (A.1).
const BAD_JOIN_CONTROL =
  `(?<!${VIRAMA})(?:\\u200D|(?<!${JOINS_NEXT}${TRANSPARENT}*)\\u200C|` +
  `\\u200C(?!${TRANSPARENT}*${JOINS_PREVIOUS}))`;

/**
 * @param {string} text
 * @returns {number} index of a code point whose rule is not met, or -1
 */
export function findContextViolation(text) {
  // The code points of CONTEXTO (RFC 5892 section 2.6) and CONTEXTJ (2.8).
  if (!/[\u200D\u200C\u00B7\u0375\u05F3\u05F4\u0660-\u0669\u06F0-\u06F9\u30FB]/.test(text)) {
    return -1;
  }

  if (/[\u200C\u200D]/.test(text)) {
    const joinControl = text.search(new RegExp(BAD_JOIN_CONTROL, 'u'));
    if (joinControl >= 0) return joinControl;
  }

  // Middle dot between two l (A.3), keraia before Greek (A.4), geresh and gershayim after Hebrew
  // (A.5, A.6).
  const neighbour = text.search(
    /(?<!l)\u00B7|\u00B7(?!l)|\u0375(?!\p{Script=Greek})|(?<!\p{Script=Hebrew})[\u05F3\u05F4]/u,
  );
  if (neighbour >= 0) return neighbour;

  // Katakana middle dot, anywhere in a text that has Japanese in it (A.7).
  const middleDot = text.indexOf('\u30FB');
  if (middleDot >= 0 && !/[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}]/u.test(text)) {
    return middleDot;
  }

  // Arabic-Indic digits and their extended form do not mix (A.8, A.9).
  const digit = text.search(/[\u0660-\u0669]/);
  const extendedDigit = text.search(/[\u06F0-\u06F9]/);
  return digit >= 0 && extendedDigit >= 0 ? Math.max(digit, extendedDigit) : -1;
}
