// Whether credentials were made with one of our secrets, and are still good.
import { fromBase64, isSignature, secretList } from './hmac.js';
import { readRules, secondsOver } from './options.js';
import { parseRestUsername } from './rest-username.js';

/** @typedef {import('./hmac.js').Secret} Secret */
/** @typedef {import('./options.js').CredentialRules} CredentialRules */

/**
 * @typedef {object} GivenCredentials
 * @property {string} username
 * @property {string} credential the password
 */

/**
 * @typedef {object} VerifyRules
 * @property {Secret | readonly Secret[]} secrets those that count; while secrets are being changed, the new one and the
 *   one before (draft section 5.2)
 * @property {number} [clockSkewSeconds] credentials count so much longer; default 0, at most 86,400
 */

/** @typedef {GivenCredentials & VerifyRules & CredentialRules} VerifyOptions */

/**
 * @typedef {'no-timestamp' | 'wrong-secret' | 'expired'} InvalidReason 'no-timestamp': the user name does not begin with
 *   a time; 'wrong-secret': the credential is no HMAC of the user name with one of the secrets
 */

/**
 * @typedef {object} Verified
 * @property {true} valid
 * @property {string} [userId] none where the user name is a bare time
 * @property {number} expiresAt milliseconds since 1970
 * @property {number} secretIndex of the secret with which they were made
 */

/**
 * @typedef {object} NotVerified
 * @property {false} valid
 * @property {InvalidReason} reason
 * @property {string} [userId] as the user name has it: anybody can have written it, unless the reason is 'expired'
 * @property {number} [expiresAt] the same
 */

/**
 * Checks time-limited credentials, as the server does that has the secrets. The HMACs are compared in constant time.
 *
 * A TURN server itself is never sent the credential: this is for those who hold both, such as a gateway, a test, a web
 * service that is asked to extend some.
 *
 * @param {VerifyOptions} options whatever `username` and `credential` are, they are only found not to be valid
 * @returns {Promise<Verified | NotVerified>}
 * @throws {TypeError} ERR_INVALID_ARGUMENT for what is not of the credentials
 * @throws {import('../errors.js').PosternError} ERR_CRYPTO_UNAVAILABLE in a page that did not come over HTTPS
 */
export async function verifyCredentials(options) {
  const { algorithm, separator, nowMs, clockSkewSeconds } = readRules(options);
  const { username, credential, secrets } = options;
  const keys = secretList(secrets, 'options.secrets');
  const parsed = typeof username === 'string' ? parseRestUsername(username, separator) : undefined;
  if (parsed === undefined) return { valid: false, reason: 'no-timestamp' };

  const { expiry, userId } = parsed;
  const known = { ...(userId === '' ? undefined : { userId }), expiresAt: expiry * 1000 };
  const signature = typeof credential === 'string' ? fromBase64(credential) : undefined;
  if (signature === undefined) return { valid: false, reason: 'wrong-secret', ...known };
  const areRight = await Promise.all(
    keys.map((key) => isSignature(key, algorithm, signature, username)),
  );
  const secretIndex = areRight.indexOf(true);
  if (secretIndex < 0) return { valid: false, reason: 'wrong-secret', ...known };
  if (secondsOver(expiry, nowMs) > clockSkewSeconds) {
    return { valid: false, reason: 'expired', ...known };
  }
  return { valid: true, ...known, secretIndex };
}
