// Credentials that run out, of a secret that the TURN server knows too.
import { argumentError } from '../errors.js';
import { checkInteger } from '../option-checks.js';
import { secretBytes, signBase64 } from './hmac.js';
import { readRules } from './options.js';

/** @typedef {import('./hmac.js').Secret} Secret */
/** @typedef {import('./options.js').CredentialRules} CredentialRules */

/**
 * @typedef {object} NewCredentials
 * @property {Secret} secret that the server has too: coturn's `static-auth-secret`
 * @property {string} [userId] stands in the user name after the time, for the server's logs and quotas. It can be read on
 *   the way, so take an opaque one (draft section 6)
 * @property {number} [ttlSeconds] default 86,400, a day, as the draft recommends (section 2.2): longer than nearly all
 *   calls, since an ICE restart needs credentials that are still good
 */

/** @typedef {NewCredentials & CredentialRules} CreateOptions */

/**
 * @typedef {object} TimedCredentials
 * @property {string} username
 * @property {string} credential the password
 * @property {number} ttlSeconds
 * @property {number} expiresAt milliseconds since 1970, a whole second
 */

const DAY_SECONDS = 86_400;
/** Beyond it times would get another digit. */
const MAX_TTL_SECONDS = 0xffffffff;
/** USERNAME is shorter than 509 bytes (RFC 8489 section 14.3). */
const MAX_USERNAME_BYTES = 508;
/**
 * Clients prepare user names (OpaqueString, RFC 8265 section 4.2), and a name that is changed by that, or refused, is
 * not the one that was signed.
 */
const NOT_KEPT = /\p{C}|(?! )\p{Z}/u;

/** @param {unknown} userId @param {number} room in bytes */
function checkUserId(userId, room) {
  if (userId === undefined) return;
  const name = 'options.userId';
  if (typeof userId !== 'string' || userId === '') {
    throw argumentError(name, 'a string that is not empty, or left out');
  }
  if (NOT_KEPT.test(userId) || userId.normalize() !== userId) {
    throw argumentError(
      name,
      'text in Unicode normal form C without control characters and special spaces, which clients change or refuse',
    );
  }
  if (new TextEncoder().encode(userId).length > room) {
    throw argumentError(name, `at most ${room} bytes long in UTF-8`);
  }
}

/**
 * Makes time-limited credentials (draft-uberti-behave-turn-rest-00 section 2.2): the user name is the UNIX time at which
 * they run out and the user ID, the password is its HMAC in base64.
 *
 * Relays that exist when they run out go on; new ones are refused (section 2).
 *
 * @param {CreateOptions} options
 * @returns {Promise<TimedCredentials>} as allocate() takes them from the function of its option `credentials`, also after
 *   JSON.stringify()
 * @throws {TypeError} ERR_INVALID_ARGUMENT with the argument's name
 * @throws {import('../errors.js').PosternError} ERR_CRYPTO_UNAVAILABLE in a page that did not come over HTTPS
 */
export async function createCredentials(options) {
  const { algorithm, separator, nowMs } = readRules(options);
  const { secret, userId, ttlSeconds = DAY_SECONDS } = options;
  const key = secretBytes(secret, 'options.secret');
  checkInteger(ttlSeconds, 'options.ttlSeconds', 1, MAX_TTL_SECONDS);
  const expiry = Math.floor(nowMs / 1000) + ttlSeconds;
  const prefix = `${expiry}${userId === undefined ? '' : separator}`;
  checkUserId(userId, MAX_USERNAME_BYTES - prefix.length);
  const username = `${prefix}${userId ?? ''}`;
  return {
    username,
    credential: await signBase64(key, algorithm, username),
    ttlSeconds,
    expiresAt: expiry * 1000,
  };
}
