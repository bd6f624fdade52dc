// What the functions of this entry are given: who knows the secret, and what time it is.
import { requireObject } from '../codec/arguments.js';
import { argumentError } from '../errors.js';
import { checkInteger, checkOneOf } from '../option-checks.js';
import { ALGORITHMS } from './hmac.js';
import { SEPARATOR } from './rest-username.js';

/** @typedef {import('./hmac.js').HmacAlgorithm} HmacAlgorithm */

/**
 * @typedef {object} CredentialRules
 * @property {HmacAlgorithm} [algorithm] default 'SHA-1', which is all that coturn, Pion and postern's server take;
 *   'SHA-256' is for servers of your own (the draft leaves the algorithm open)
 * @property {string} [separator] the character between time and user ID, default ':'; another one where coturn has
 *   another `rest-api-separator`
 * @property {number} [nowMs] the time, in milliseconds since 1970; default Date.now()
 */

/** Ours: longer than any two clocks that are kept should differ. */
const MAX_CLOCK_SKEW_SECONDS = 86_400;

/** @param {unknown} nowMs @param {string} [name] @returns {number} */
export function readNow(nowMs, name = 'options.nowMs') {
  if (nowMs === undefined) return Date.now();
  // What a Date can hold.
  if (typeof nowMs === 'number' && nowMs >= 0 && nowMs <= 8.64e15) return nowMs;
  throw argumentError(name, 'a number of milliseconds since 1970');
}

/**
 * @param {CredentialRules & { clockSkewSeconds?: number }} options
 * @returns {{ algorithm: HmacAlgorithm, separator: string, nowMs: number, clockSkewSeconds: number }}
 */
export function readRules(options) {
  const { algorithm = 'SHA-1', separator = SEPARATOR } = requireObject(options, 'options');
  checkOneOf(algorithm, 'options.algorithm', ALGORITHMS);
  if (typeof separator !== 'string' || !/^[!-/:-~]$/.test(separator)) {
    throw argumentError('options.separator', 'one character of ASCII that is no digit');
  }
  const clockSkewSeconds = checkInteger(
    options.clockSkewSeconds,
    'options.clockSkewSeconds',
    0,
    MAX_CLOCK_SKEW_SECONDS,
  );
  return { algorithm, separator, nowMs: readNow(options.nowMs), clockSkewSeconds };
}

/**
 * Servers count in seconds: the one that the name tells is the last in which it is good.
 *
 * @param {number} expiry seconds since 1970
 * @param {number} nowMs
 * @returns {number} above 0 when it is over
 */
export const secondsOver = (expiry, nowMs) => Math.floor(nowMs / 1000) - expiry;
