// Access tokens of an authorization server (RFC 7635 section 6.2), sealed for one TURN server.
import { isBytes, requireObject } from '../codec/arguments.js';
import { argumentError } from '../errors.js';
import { checkInteger } from '../option-checks.js';
import { subtle } from './hmac.js';
import { readNow } from './options.js';

/**
 * @typedef {object} AccessTokenOptions
 * @property {string} kid the ID of `key`, by which the server finds it
 * @property {Uint8Array} key shared with the server: 32 bytes (A256GCM) or 16 (A128GCM)
 * @property {string} serverName whom the token is for, as the server calls itself in THIRD-PARTY-AUTHORIZATION
 * @property {number} [ttlSeconds] default 3600; no allocation outlives the token, so clients need another in time
 * @property {Uint8Array} [macKey] 16 to 64 bytes with which the client signs; default 20 random ones, which all servers take
 * @property {number} [nowMs] the time, in milliseconds since 1970; default Date.now()
 */

/**
 * @typedef {object} AccessToken
 * @property {string} kid
 * @property {Uint8Array} accessToken
 * @property {Uint8Array} macKey as secret as a password
 * @property {number} ttlSeconds
 * @property {number} expiresAt milliseconds since 1970
 */

const DEFAULT_TTL_SECONDS = 3600;
const MAX_TTL_SECONDS = 0xffffffff;
/** Section 6.2: what every server supports. */
const MAC_KEY_BYTES = 20;
/** Those of our server. */
const MIN_MAC_KEY_BYTES = 16;
const MAX_MAC_KEY_BYTES = 64;
/** RFC 5116 section 5. */
const NONCE_BYTES = 12;
/** USERNAME is shorter than 509 bytes (RFC 8489 section 14.3). */
const MAX_KID_BYTES = 508;
/** That of our server. */
const MAX_SERVER_NAME_BYTES = 255;

const encoder = new TextEncoder();

/** @param {unknown} value @param {string} name @param {number} most in UTF-8 */
function checkText(value, name, most) {
  const bytes = typeof value === 'string' ? encoder.encode(value) : undefined;
  if (bytes !== undefined && bytes.length > 0 && bytes.length <= most) return bytes;
  throw argumentError(name, `a string of 1 to ${most} bytes in UTF-8`);
}

/** @param {number} bytes */
const random = (bytes) => globalThis.crypto.getRandomValues(new Uint8Array(bytes));

/** What is sealed. @param {Uint8Array} macKey @param {number} nowMs @param {number} ttlSeconds */
function writeBlock(macKey, nowMs, ttlSeconds) {
  const block = new Uint8Array(2 + macKey.length + 12);
  const view = new DataView(block.buffer);
  view.setUint16(0, macKey.length);
  block.set(macKey, 2);
  // 48 bits of seconds and 16 of 1/64000 seconds.
  const times = 2 + macKey.length;
  const seconds = Math.floor(nowMs / 1000);
  view.setUint16(times, Math.floor(seconds / 2 ** 32));
  view.setUint32(times + 2, seconds % 2 ** 32);
  view.setUint16(times + 6, Math.floor((nowMs % 1000) * 64));
  view.setUint32(times + 8, ttlSeconds);
  return block;
}

/**
 * Makes an access token as an authorization server does (RFC 7635 section 6.2): a fresh key for the client, and the same
 * key with the time, sealed by AES-GCM for the TURN server. allocate() takes what comes out as its `credentials`.
 *
 * @param {AccessTokenOptions} options
 * @returns {Promise<AccessToken>}
 * @throws {TypeError} ERR_INVALID_ARGUMENT with the argument's name
 * @throws {import('../errors.js').PosternError} ERR_CRYPTO_UNAVAILABLE in a page that did not come over HTTPS
 */
export async function createAccessToken(options) {
  const {
    kid,
    key,
    serverName,
    ttlSeconds = DEFAULT_TTL_SECONDS,
  } = requireObject(options, 'options');
  checkText(kid, 'options.kid', MAX_KID_BYTES);
  if (!isBytes(key) || (key.length !== 16 && key.length !== 32)) {
    throw argumentError('options.key', 'a Uint8Array of 32 bytes (A256GCM) or 16 (A128GCM)');
  }
  const associated = checkText(serverName, 'options.serverName', MAX_SERVER_NAME_BYTES);
  checkInteger(ttlSeconds, 'options.ttlSeconds', 1, MAX_TTL_SECONDS);
  const nowMs = readNow(options.nowMs);
  const crypto = subtle();
  const { macKey = random(MAC_KEY_BYTES) } = options;
  if (!isBytes(macKey) || macKey.length < MIN_MAC_KEY_BYTES || macKey.length > MAX_MAC_KEY_BYTES) {
    throw argumentError(
      'options.macKey',
      `a Uint8Array of ${MIN_MAC_KEY_BYTES} to ${MAX_MAC_KEY_BYTES} bytes`,
    );
  }
  const iv = random(NONCE_BYTES);
  const sealing = await crypto.importKey('raw', Uint8Array.from(key), 'AES-GCM', false, [
    'encrypt',
  ]);
  const sealed = await crypto.encrypt(
    { name: 'AES-GCM', iv, additionalData: associated },
    sealing,
    writeBlock(macKey, nowMs, ttlSeconds),
  );
  return {
    kid,
    accessToken: Uint8Array.from([0, NONCE_BYTES, ...iv, ...new Uint8Array(sealed)]),
    macKey: Uint8Array.from(macKey),
    ttlSeconds,
    expiresAt: (Math.floor(nowMs / 1000) + ttlSeconds) * 1000,
  };
}
