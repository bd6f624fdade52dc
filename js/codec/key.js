// Integrity keys: prepared once, used for many messages (RFC 8489 sections 9.1.1, 9.2.2).
import { argumentError, PosternError } from '../errors.js';
import { PASSWORD_ALGORITHMS } from '../generated/registry.js';
import { prepareCredential } from '../strings/prepare-credential.js';
import { isBytes, requireObject } from './arguments.js';
import { getCore } from './core.js';

/** @typedef {import('./core.js').Core} Core */
/** @typedef {import('./values.js').PasswordAlgorithmName} PasswordAlgorithmName */

/**
 * @typedef {object} KeyInput
 * @property {string | Uint8Array} password
 * @property {string | Uint8Array} [username] with `realm`, for long-term credentials
 * @property {string | Uint8Array} [realm]
 * @property {PasswordAlgorithmName} [algorithm] of a long-term key: 'MD5' unless the server asks for 'SHA-256'
 * @property {'opaque-string' | 'saslprep' | 'none'} [preparation] how strings are made ready (RFC 8265,
 *   RFC 4013); bytes are taken as they are. Default 'opaque-string', as RFC 8489 says
 */

const encoder = new TextEncoder();
/** @type {ReadonlyMap<string, number>} */
const algorithmNumbers = new Map(PASSWORD_ALGORITHMS.map(([number, name]) => [name, number]));

/** A key with the HMAC work done that does not depend on the message. Shows nothing of itself. */
export class PreparedKey {
  /** @type {Uint8Array} */
  #state;

  /**
   * @param {Uint8Array} state
   * @param {PasswordAlgorithmName | undefined} algorithm
   * @internal
   */
  constructor(state, algorithm) {
    this.#state = state;
    /** Of a long-term key; undefined for a short-term one. @readonly */
    this.algorithm = algorithm;
  }

  /**
   * Puts the key of verify() and encode() where the core looks for it.
   *
   * @param {Core} core
   * @param {PreparedKey} key
   * @internal
   */
  static use(core, key) {
    if (core.residentKey === key) return;
    core.bytes.set(key.#state, core.key);
    core.residentKey = key;
  }
}

/** @param {unknown} value @param {string} name @returns {PreparedKey} */
export function requireKey(value, name) {
  if (value instanceof PreparedKey) return value;
  throw argumentError(name, 'a key made by prepareKey()');
}

/**
 * @param {unknown} value
 * @param {'username' | 'realm' | 'password'} name
 * @param {KeyInput['preparation']} preparation
 */
function toBytes(value, name, preparation) {
  if (isBytes(value)) return value;
  if (typeof value !== 'string')
    throw argumentError(`credentials.${name}`, 'a string, or its UTF-8 bytes');
  return encoder.encode(prepareCredential(value, name, { profile: preparation }));
}

/** @param {Pick<KeyInput, 'preparation'>} credentials */
function preparationOf({ preparation = 'opaque-string' }) {
  if (preparation === 'opaque-string' || preparation === 'saslprep' || preparation === 'none')
    return preparation;
  throw argumentError('credentials.preparation', "'opaque-string', 'saslprep' or 'none'");
}

/** @param {Core} core @param {Uint8Array[]} parts */
function copyIn(core, parts) {
  const total = parts.reduce((sum, part) => sum + part.length, 0);
  if (total > core.inputBytes) throw new PosternError('ERR_STUN_CREDENTIALS');
  core.generation += 1;
  let at = core.input;
  for (const part of parts) {
    core.bytes.set(part, at);
    at += part.length;
  }
  return () => core.bytes.fill(0, core.input, at);
}

/**
 * Makes a key for verify() and encode(): short-term from a password alone, long-term from user name,
 * realm and password (RFC 8489 section 9.2.2).
 *
 * @param {KeyInput} credentials
 * @returns {PreparedKey}
 * @throws {TypeError} ERR_INVALID_ARGUMENT
 * @throws {PosternError} ERR_STRING_* where a string cannot be prepared; ERR_STUN_CREDENTIALS where they are
 *   longer than a message could be
 */
export function prepareKey(credentials) {
  const { username, realm, algorithm = 'MD5' } = requireObject(credentials, 'credentials');
  const preparation = preparationOf(credentials);
  const password = toBytes(credentials.password, 'password', preparation);
  const isLongTerm = username !== undefined || realm !== undefined;
  const number = algorithmNumbers.get(algorithm);
  if (number === undefined) throw argumentError('credentials.algorithm', "'MD5' or 'SHA-256'");
  const core = getCore();
  if (isLongTerm) {
    const parts = [
      toBytes(username, 'username', preparation),
      toBytes(realm, 'realm', preparation),
      password,
    ];
    const wipe = copyIn(core, parts);
    const [u, r, p] = /** @type {[Uint8Array, Uint8Array, Uint8Array]} */ (parts);
    core.call.prepareLongTermKey(number, u.length, r.length, p.length);
    wipe();
  } else {
    const wipe = copyIn(core, [password]);
    core.call.prepareShortTermKey(password.length);
    wipe();
  }
  const key = new PreparedKey(
    core.bytes.slice(core.key, core.key + core.keyBytes),
    isLongTerm ? algorithm : undefined,
  );
  core.residentKey = key;
  return key;
}

/**
 * The value of USERHASH: SHA-256 of user name, colon and realm (RFC 8489 section 14.4).
 *
 * @param {{ username: string | Uint8Array, realm: string | Uint8Array, preparation?: KeyInput['preparation'] }}
 *   credentials
 * @returns {Uint8Array} 32 bytes
 * @throws as prepareKey() does
 */
export function userhash(credentials) {
  const { username, realm } = requireObject(credentials, 'credentials');
  const preparation = preparationOf(credentials);
  const core = getCore();
  const parts = [toBytes(username, 'username', preparation), toBytes(realm, 'realm', preparation)];
  copyIn(core, parts);
  const [u, r] = /** @type {[Uint8Array, Uint8Array]} */ (parts);
  core.call.userhash(u.length, r.length);
  return core.bytes.slice(core.output, core.output + 32);
}
