// The OpaqueString profile of PRECIS (RFC 8265 section 4.2, RFC 8264).
//
// Categories, scripts and normalisation are the platform's: a code point is assigned when the
// Unicode version that runs has it, and refused until then (RFC 8264 section 4.3.4).

import { findContextViolation } from './contextual-rules.js';
import { isPlain, refusal } from './refusal.js';

// What RFC 8264 section 8 makes DISALLOWED or UNASSIGNED for FreeformClass. BackwardCompatible is
// empty. Exceptions that are PVALID and HasCompat do not show: all that they hold is also in a
// category that is allowed.
const DISALLOWED =
  '(?![\\u200C\\u200D])[' + // JoinControl has contextual rules
  '\\u0640\\u07FA\\u302E\\u302F\\u3031-\\u3035\\u303B' + // Exceptions (RFC 5892 section 2.6)
  '\\u1100-\\u11FF\\uA960-\\uA97C\\uD7B0-\\uD7C6\\uD7CB-\\uD7FB' + // OldHangulJamo (2.9)
  '\\p{Default_Ignorable_Code_Point}' + // PrecisIgnorableProperties, with noncharacters in \p{C}
  '\\p{C}\\p{Zl}\\p{Zp}]'; // Unassigned, Controls, and what no category has: Cf, Co, Cs, Zl, Zp

/** @param {string} text */
function map(text) {
  return text.replace(/(?! )\p{Zs}/gu, ' ').normalize('NFC');
}

/**
 * Prepares a user name, realm or password for RFC 8489: spaces become U+0020, the text is
 * normalised to NFC and must then consist of what FreeformClass allows. Letter case, width and
 * writing direction are left alone. The result is stable: to prepare it again changes nothing.
 *
 * Code points are judged after normalisation, the order of RFC 8264 section 7, so Hangul that
 * comes as conjoining jamo (as macOS file names do) is accepted when it composes.
 *
 * @param {string} text
 * @param {string} [name] what the text is, for the error's message
 * @returns {string}
 * @throws {import('../errors.js').PosternError} ERR_STRING_EMPTY; ERR_STRING_DISALLOWED, with the
 *   UTF-16 `offset` of the code point in `text`
 */
export function opaqueString(text, name = 'text') {
  if (isPlain(text, name)) return text;

  const prepared = map(text);
  const disallowed = prepared.search(new RegExp(DISALLOWED, 'u'));
  if (disallowed >= 0) {
    const why = 'which OpaqueString (RFC 8265) does not allow.';
    throw refusal('ERR_STRING_DISALLOWED', name, text, disallowed, map, why);
  }
  const violation = findContextViolation(prepared);
  if (violation >= 0) {
    const why = 'where RFC 5892 appendix A does not allow it.';
    throw refusal('ERR_STRING_DISALLOWED', name, text, violation, map, why);
  }
  return prepared;
}
