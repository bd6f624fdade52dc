// HMAC by WebCrypto, which Node.js, browsers, Workers, Deno and Bun have alike; and base64.
import { isBytes } from '../codec/arguments.js';
import { argumentError, PosternError } from '../errors.js';

/** @typedef {'SHA-1' | 'SHA-256'} HmacAlgorithm */
/** @typedef {string | Uint8Array} Secret text counts as UTF-8 */

/** @type {readonly HmacAlgorithm[]} */
export const ALGORITHMS = ['SHA-1', 'SHA-256'];

const encoder = new TextEncoder();

/** @returns {typeof globalThis.crypto.subtle} */
export function subtle() {
  const api = globalThis.crypto?.subtle;
  if (api === undefined) throw new PosternError('ERR_CRYPTO_UNAVAILABLE');
  return api;
}

/**
 * @param {unknown} secret
 * @param {string} name
 * @returns {Uint8Array}
 */
export function secretBytes(secret, name) {
  if (typeof secret === 'string' && secret !== '') {
    // Servers read theirs from a line of a file, so that there is none around it.
    if (secret.trim() === secret) return encoder.encode(secret);
    throw argumentError(
      name,
      'without white space around it (text of a file ends in a newline; a secret that really has some goes in as bytes)',
    );
  }
  if (isBytes(secret) && secret.length > 0) return secret;
  throw argumentError(name, 'a string or a Uint8Array that is not empty');
}

/**
 * One secret or several.
 *
 * @param {unknown} secrets
 * @param {string} name
 * @returns {Uint8Array[]}
 */
export function secretList(secrets, name) {
  if (!Array.isArray(secrets)) return [secretBytes(secrets, name)];
  if (secrets.length === 0) throw argumentError(name, 'an array of at least one secret');
  return secrets.map((secret, i) => secretBytes(secret, `${name}[${i}]`));
}

/** @param {Uint8Array} secret @param {string} hash */
const importKey = (secret, hash) =>
  // A copy: WebCrypto takes no views of shared memory, and its types tell them apart.
  subtle().importKey('raw', Uint8Array.from(secret), { name: 'HMAC', hash }, false, [
    'sign',
    'verify',
  ]);

/**
 * @param {Uint8Array} secret
 * @param {string} hash such as 'SHA-1'
 * @param {string} text
 * @returns {Promise<string>} in base64
 */
export async function signBase64(secret, hash, text) {
  const key = await importKey(secret, hash);
  return toBase64(new Uint8Array(await subtle().sign('HMAC', key, encoder.encode(text))));
}

/**
 * Compares in the platform's constant time.
 *
 * @param {Uint8Array} secret
 * @param {string} hash
 * @param {Uint8Array} signature
 * @param {string} text
 * @returns {Promise<boolean>}
 */
export async function isSignature(secret, hash, signature, text) {
  const key = await importKey(secret, hash);
  return subtle().verify('HMAC', key, Uint8Array.from(signature), encoder.encode(text));
}

/** @param {Uint8Array} bytes */
const toBase64 = (bytes) => btoa(String.fromCharCode(...bytes));

/**
 * The bytes of base64 (RFC 4648 section 4) as encoders write it, padding included: the text is the password, so that no
 * other spelling of the same bytes will do.
 *
 * @param {string} text
 * @returns {Uint8Array | undefined}
 */
export function fromBase64(text) {
  try {
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    return toBase64(bytes) === text ? bytes : undefined;
  } catch {
    return undefined;
  }
}
