// Credentials as other programs make them: by node:crypto, which the code under test does not use.
import { createHmac } from 'node:crypto';

export const NOW_SECONDS = 1_800_000_000;
export const NOW_MS = NOW_SECONDS * 1000;
export const SECRET = 'north';

/**
 * @param {string} text
 * @param {{ secret?: string | Buffer, hash?: string }} [options]
 */
export const hmac = (text, { secret = SECRET, hash = 'sha1' } = {}) =>
  createHmac(hash, secret).update(text).digest();

/** @param {string} username @param {{ secret?: string | Buffer, hash?: string }} [options] */
export const signed = (username, options) => ({
  username,
  credential: hmac(username, options).toString('base64'),
});

/** What a promise rejects with. @param {Promise<unknown>} promise @returns {Promise<any>} */
export const rejection = (promise) =>
  promise.then(
    (value) => {
      throw new Error(`it was fulfilled with ${JSON.stringify(value)}`);
    },
    (error) => error,
  );
