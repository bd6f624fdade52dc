// The preparation of user name, realm and password, which the editions of STUN do differently.
//
//     RFC 3489                                    none
//     RFC 5389 sections 15.3, 15.4, 15.7          SASLprep
//     RFC 8489 sections 9.1.1, 9.2.2, 14.3, 14.9  OpaqueString (default)
//
// All three leave printable ASCII as it is. They differ in what they refuse, and SASLprep replaces
// compatibility forms (fullwidth letters, ligatures, Roman numerals) where OpaqueString keeps them.
// So another profile than the default is for a server that is known to prepare what it stores in
// that way, and for user names or passwords that are not ASCII.
//
// A realm or user name that a peer sent was prepared by the peer: use it as it came.

import { argumentError } from '../errors.js';
import { opaqueString } from './opaque-string.js';
import { isPlain, refusal } from './refusal.js';
import { saslprep } from './saslprep.js';

/** @typedef {'opaque-string' | 'saslprep' | 'none'} StringProfile */

/**
 * The form of a user name, realm or password that goes into a message or a key. With the profile
 * 'none' that is the text itself, which must have a UTF-8 form. None of them may be empty.
 *
 * @param {string} text
 * @param {'username' | 'realm' | 'password'} name which of them it is, for the error's message
 * @param {object} [options]
 * @param {StringProfile} [options.profile]
 * @returns {string}
 * @throws {import('../errors.js').PosternError} ERR_STRING_EMPTY, ERR_STRING_DISALLOWED,
 *   ERR_STRING_BIDI: see opaqueString and saslprep
 */
export function prepareCredential(text, name, { profile = 'opaque-string' } = {}) {
  switch (profile) {
    case 'opaque-string':
      return opaqueString(text, name);
    case 'saslprep':
      return saslprep(text, { name });
    case 'none':
      return wellFormed(text, name);
    default:
      throw argumentError('options.profile', "'opaque-string', 'saslprep' or 'none'");
  }
}

/**
 * @param {string} text
 * @param {string} name
 */
function wellFormed(text, name) {
  if (isPlain(text, name)) return text;
  const surrogate = text.search(/\p{Cs}/u);
  if (surrogate >= 0) {
    const why = 'a surrogate without its other half, which has no UTF-8 form.';
    throw refusal('ERR_STRING_DISALLOWED', name, text, surrogate, String, why);
  }
  return text;
}
