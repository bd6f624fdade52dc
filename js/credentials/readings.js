// The ways to read a credential as an HMAC: as it should be written, and as it is when somebody wrote it otherwise.
import { fromBase64 } from './hmac.js';

/** @typedef {import('./findings.js').FindingId} FindingId */

/**
 * @typedef {object} Reading
 * @property {Uint8Array} bytes
 * @property {FindingId[]} deviations from base64 as it should be
 */

/** The hashes by the length of their HMAC: RFC 2104, FIPS 180-4. @type {ReadonlyMap<number, string>} */
export const HASH_OF_LENGTH = new Map([
  [20, 'SHA-1'],
  [32, 'SHA-256'],
  [48, 'SHA-384'],
  [64, 'SHA-512'],
]);

/** @param {string} digits */
const isHexOfHash = (digits) => /^[\da-f]+$/i.test(digits) && HASH_OF_LENGTH.has(digits.length / 2);

/** @param {string} digits an even number of hexadecimal ones @returns {Uint8Array} */
export const fromHex = (digits) =>
  Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

/** @param {string} text without white space @returns {Reading | undefined} */
function readText(text) {
  // Before base64, whose letters these are too.
  if (isHexOfHash(text)) return { bytes: fromHex(text), deviations: ['hex'] };
  const plain = text.replaceAll('-', '+').replaceAll('_', '/');
  const padded = plain.padEnd(Math.ceil(plain.length / 4) * 4, '=');
  const bytes = fromBase64(padded);
  if (bytes === undefined) return undefined;
  const digits = String.fromCharCode(...bytes);
  if (isHexOfHash(digits)) return { bytes: fromHex(digits), deviations: ['base64-of-hex'] };
  /** @type {FindingId[]} */
  const deviations = [];
  if (plain !== text) deviations.push('base64url');
  if (padded !== plain) deviations.push('unpadded');
  return { bytes, deviations };
}

/**
 * @param {string} credential
 * @returns {Reading | undefined} undefined when it is nothing that an HMAC is written as
 */
export function readCredential(credential) {
  const text = credential.replaceAll(/\s/g, '');
  const reading = readText(text);
  if (reading !== undefined && text !== credential) reading.deviations.unshift('white-space');
  return reading;
}
