// The SASLprep profile of stringprep (RFC 4013, RFC 3454), for peers of RFC 5389.
//
// Stringprep is frozen at Unicode 3.2; the platform knows its own, newer version, and that is what
// is used here. For text of Unicode 3.2 the result is the same, but for five rare ideographs whose
// decomposition was corrected since (U+2F868, U+2F874, U+2F91F, U+2F95F, U+2F9BF). Text with later
// code points is accepted and normalised, where a peer with tables of 3.2 refuses it, or leaves it
// alone if it allows unassigned code points. "Unassigned" means: not in the platform's version.

import { emptyError, isPlain, refusal } from './refusal.js';

// Table B.1.
const MAPPED_TO_NOTHING =
  '[\\u00AD\\u034F\\u1806\\u180B-\\u180D\\u200B-\\u200D\\u2060\\uFE00-\\uFE0F\\uFEFF]';

// Tables C.2 to C.9. All format characters (Cf) of Unicode 3.2 are in one of them. What is missing
// cannot be left after mapping and NFKC: C.1.2, and U+0340 and U+0341 of C.8.
const PROHIBITED =
  '[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}' + // C.2, C.8, C.9
  '\\p{Co}\\p{Noncharacter_Code_Point}\\p{Cs}' + // C.3, C.4, C.5
  '\\uFFFC\\uFFFD\\u2FF0-\\u2FFF]'; // C.6, C.7

// Bidirectional categories are no properties of regular expressions. These two give tables D.1 and
// D.2 for all that NFKC leaves of Unicode 3.2, and go on in later blocks by the same rule: letters
// in the blocks that are written from right to left, and letters elsewhere.
const RIGHT_TO_LEFT =
  '\\u0590-\\u08FF\\uFB1D-\\uFDFF\\uFE70-\\uFEFC\\u{10800}-\\u{10FFF}\\u{1E800}-\\u{1EFFF}';
const RAND_AL_CAT =
  `(?=[${RIGHT_TO_LEFT}])[\\p{L}\\u05BE\\u05C0\\u05C3\\u05F3\\u05F4\\u061B\\u061F\\u066D\\u06D4` +
  '\\u06FD\\u06FE\\u0700-\\u070D]';
const L_CAT =
  `(?![${RIGHT_TO_LEFT}0-9\\u02B9\\u02BA\\u02C6-\\u02CF\\u02EC\\u1734\\u2132\\u302E\\u302F])` +
  '(?:[\\p{L}\\p{Mc}\\p{Nl}\\p{Nd}]|(?=[\\u0900-\\u17FF])[\\p{Po}\\p{So}\\p{No}]|(?!\\p{Mn})' +
  '[\\u0482\\u055A-\\u055F\\u0589\\u2336-\\u237A\\u2395\\u3190\\u3191\\u327F' +
  '\\u{10320}-\\u{10323}\\u{1D000}-\\u{1D1DD}]|[\\u17B4\\u17B5\\u1885\\u1886])';

/** @param {string} text */
function map(text) {
  return text
    .replace(/(?! )[\p{Zs}\u200B]/gu, ' ') // C.1.2; U+200B is in B.1 too, but spaces come first
    .replace(new RegExp(MAPPED_TO_NOTHING, 'g'), '')
    .normalize('NFKC');
}

/**
 * RFC 3454 section 6: a text with a character of right-to-left writing begins and ends with one,
 * and has no character of left-to-right writing.
 *
 * @param {string} text prepared
 * @returns {number} index of a code point that breaks the rule, or -1
 */
function findBidiViolation(text) {
  const rightToLeft = new RegExp(RAND_AL_CAT, 'u');
  const first = text.search(rightToLeft);
  if (first < 0) return -1;
  const leftToRight = text.search(new RegExp(L_CAT, 'u'));
  if (leftToRight >= 0) return leftToRight;
  if (first > 0) return 0;
  const last = /** @type {string} */ (Array.from(text).pop());
  return rightToLeft.test(last) ? -1 : text.length - last.length;
}

/**
 * Prepares a user name, realm or password for a peer of RFC 5389: invisible characters go, spaces
 * become U+0020, compatibility forms become what they stand for (NFKC), and what is then left must
 * be text that reads in one direction. Letter case is left alone.
 *
 * RFC 4013 itself allows an empty result; here it is refused, for an empty key protects nothing.
 *
 * @param {string} text
 * @param {object} [options]
 * @param {boolean} [options.allowUnassigned] true for a "query" (RFC 3454 section 7), say a
 *   password to be compared with a stored one; the default is the rule for what is stored
 * @param {string} [options.name] what the text is, for the error's message
 * @returns {string}
 * @throws {import('../errors.js').PosternError} ERR_STRING_EMPTY; ERR_STRING_DISALLOWED or
 *   ERR_STRING_BIDI, with the UTF-16 `offset` of the code point in `text`
 */
export function saslprep(text, { allowUnassigned = false, name = 'text' } = {}) {
  if (isPlain(text, name)) return text;

  const prepared = map(text);
  if (prepared === '') throw emptyError(name);

  let refused = prepared.search(new RegExp(PROHIBITED, 'u'));
  if (refused < 0 && !allowUnassigned) refused = prepared.search(/\p{Cn}/u);
  if (refused >= 0) {
    const why = 'which SASLprep (RFC 4013) does not allow.';
    throw refusal('ERR_STRING_DISALLOWED', name, text, refused, map, why);
  }
  const violation = findBidiViolation(prepared);
  if (violation >= 0) {
    const why = 'where SASLprep does not allow it: see RFC 3454 section 6.';
    throw refusal('ERR_STRING_BIDI', name, text, violation, map, why);
  }
  return prepared;
}
