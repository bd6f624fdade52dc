// The nonce cookie: which security features a server announces (RFC 8489 section 9.2).
import { argumentError } from '../errors.js';
import { SECURITY_FEATURES } from '../generated/registry.js';
import { requireObject } from './arguments.js';
import { getCore } from './core.js';
import { writeText } from './text.js';

/**
 * @typedef {object} NonceFeatures
 * @property {number} bits the 24 feature bits as they stand in the cookie
 * @property {boolean} passwordAlgorithms
 * @property {boolean} usernameAnonymity
 */

const FEATURE_BITS = 24;

/**
 * Reads the feature bits of a nonce.
 *
 * The text of RFC 8489 counts the bits from the left, erratum 6290 (Verified) from the right, and servers of
 * both kinds exist; `bits` lets you judge for yourself.
 *
 * @param {string} nonce
 * @param {object} [options]
 * @param {'right' | 'left'} [options.bitOrder] where bit 0 is; default 'right'
 * @returns {NonceFeatures | undefined} undefined where the nonce has no cookie: a server of RFC 5389
 * @throws {TypeError} ERR_INVALID_ARGUMENT
 */
export function nonceFeatures(nonce, options = {}) {
  const { bitOrder = 'right' } = requireObject(options, 'options');
  if (typeof nonce !== 'string') throw argumentError('nonce', 'a string');
  if (bitOrder !== 'right' && bitOrder !== 'left')
    throw argumentError('options.bitOrder', "'right' or 'left'");
  const core = getCore();
  core.generation += 1;
  const length = writeText(core.bytes, core.input, core.input + core.inputBytes, nonce);
  const bits = length < 0 ? -1 : core.call.nonceFeatures(length);
  if (bits < 0) return undefined;
  const features = { bits, passwordAlgorithms: false, usernameAnonymity: false };
  for (const [name, bit] of SECURITY_FEATURES) {
    features[name] = ((bits >> (bitOrder === 'right' ? bit : FEATURE_BITS - 1 - bit)) & 1) === 1;
  }
  return features;
}
