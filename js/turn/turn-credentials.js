// What a relay authenticates with, as callers write it and as the engine takes it.
import { isBytes, requireObject } from '../codec/arguments.js';
import { argumentError } from '../errors.js';
import { checkOneOf } from '../option-checks.js';
import { prepareCredential } from '../strings/prepare-credential.js';

/** @typedef {import('../engine/turn-types.js').TurnCredentials} TurnCredentials */
/** @typedef {import('../strings/prepare-credential.js').StringProfile} StringProfile */

/**
 * The long-term mechanism (RFC 8489 section 9.2).
 *
 * @typedef {object} PasswordCredentials
 * @property {string} username
 * @property {string} [password] or `credential`
 * @property {string} [credential] as RTCIceServer calls it
 * @property {string} [realm] the only realm that may have them; default: whichever the server names
 * @property {StringProfile} [preparation] see prepareKey(); default 'opaque-string'
 */

/**
 * A token of an authorization server (RFC 7635).
 *
 * @typedef {object} TokenCredentials
 * @property {string} kid the key's ID, which goes into USERNAME
 * @property {Uint8Array} accessToken
 * @property {Uint8Array} macKey
 */

/** @typedef {PasswordCredentials | TokenCredentials} Credentials */

/**
 * Credentials that run out.
 *
 * @typedef {Credentials & { expiresAt?: Date | number }} LimitedCredentials `expiresAt`: a Date, or milliseconds since
 *   1970 as Date.now() counts them
 */

/**
 * Asked before the first request, and again in time before `expiresAt`.
 *
 * @typedef {(context: { signal: AbortSignal }) => LimitedCredentials | Promise<LimitedCredentials>} CredentialSource
 */

const encoder = new TextEncoder();
const NOTHING = new Uint8Array();
/** @type {readonly StringProfile[]} */
const PROFILES = ['opaque-string', 'saslprep', 'none'];

/** No credentials: for servers that ask for none. @type {TurnCredentials} */
export const NO_CREDENTIALS = {
  mechanism: 'none',
  username: NOTHING,
  password: NOTHING,
  realm: NOTHING,
};

/** @param {unknown} value @param {string} name */
function checkBytes(value, name) {
  if (isBytes(value) && value.length > 0) return value;
  throw argumentError(name, 'a Uint8Array that is not empty');
}

/** @param {TokenCredentials} token @param {string} name @returns {TurnCredentials} */
function readToken({ kid, accessToken, macKey }, name) {
  if (typeof kid !== 'string' || kid === '') throw argumentError(`${name}.kid`, 'a string');
  return {
    mechanism: 'third-party',
    username: encoder.encode(kid),
    password: checkBytes(macKey, `${name}.macKey`),
    realm: NOTHING,
    accessToken: checkBytes(accessToken, `${name}.accessToken`),
  };
}

/**
 * @param {unknown} value
 * @param {'username' | 'password' | 'realm'} kind
 * @param {string} name
 * @param {StringProfile | undefined} profile
 */
function prepare(value, kind, name, profile) {
  if (typeof value !== 'string') throw argumentError(name, 'a string');
  return encoder.encode(prepareCredential(value, kind, { profile }));
}

/**
 * @param {Credentials} given
 * @param {string} [name] the argument's
 * @returns {TurnCredentials}
 * @throws {TypeError} ERR_INVALID_ARGUMENT
 * @throws {import('../errors.js').PosternError} ERR_STRING_EMPTY, ERR_STRING_DISALLOWED
 */
export function readTurnCredentials(given, name = 'credentials') {
  requireObject(given, name);
  if ('kid' in given || 'accessToken' in given) {
    return readToken(/** @type {TokenCredentials} */ (given), name);
  }
  const { preparation, realm, username, password, credential } = given;
  checkOneOf(preparation, `${name}.preparation`, PROFILES);
  if (password !== undefined && credential !== undefined) {
    throw argumentError(`${name}.credential`, 'left out where there is a password');
  }
  const secret = password ?? credential;
  const secretName = `${name}.${credential === undefined ? 'password' : 'credential'}`;
  return {
    mechanism: 'long-term',
    username: prepare(username, 'username', `${name}.username`, preparation),
    password: prepare(secret, 'password', secretName, preparation),
    realm: realm === undefined ? NOTHING : prepare(realm, 'realm', `${name}.realm`, preparation),
  };
}

/**
 * @param {LimitedCredentials} given
 * @param {string} name
 * @returns {number} milliseconds as of Date.now(); Infinity where they do not run out
 */
export function readExpiry({ expiresAt }, name) {
  if (expiresAt === undefined) return Infinity;
  const at = Number(expiresAt);
  if (Number.isFinite(at)) return at;
  throw argumentError(`${name}.expiresAt`, 'a Date, or milliseconds since 1970');
}
