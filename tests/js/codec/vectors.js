// The files of tests/vectors, which the C++ tests read too; tests/vectors/README.md describes them.
import { readFileSync } from 'node:fs';
import { ATTRIBUTES } from '../../../js/generated/registry.js';
import { fromHex, toHex } from './support.js';

/** @param {string} name */
export const readVectors = (name) =>
  JSON.parse(readFileSync(new URL(`../../vectors/${name}.json`, import.meta.url), 'utf8'));

/** @param {{ hex: string, then?: { hex: string, times: number } }} vector */
export const bytesOf = ({ hex, then }) => fromHex(hex + (then ? then.hex.repeat(then.times) : ''));

/**
 * A value in the notation of the vectors: bytes as hexadecimal digits, a bigint as 0x and 16 digits.
 *
 * @param {unknown} value
 * @returns {unknown}
 */
export function toNotation(value) {
  if (value instanceof Uint8Array) return toHex(value);
  if (typeof value === 'bigint') return `0x${value.toString(16).padStart(16, '0')}`;
  if (Array.isArray(value)) return value.map(toNotation);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, toNotation(member)]),
  );
}

const BYTES = new Set(['Opaque', 'Token4', 'Token8', 'Sha1Mac', 'Sha256Mac', 'Sha256Digest']);
const kindByName = new Map(
  ATTRIBUTES.map(([, , name, kind]) => [/** @type {string} */ (name), kind]),
);

/**
 * The way back: what encode() takes.
 *
 * @param {string} name of the attribute
 * @param {any} value
 */
export function fromNotation(name, value) {
  const kind = kindByName.get(name) ?? 'Opaque';
  /** @param {any} item */
  const algorithm = (item) => ({ ...item, parameters: fromHex(item.parameters) });
  if (BYTES.has(kind)) return fromHex(value);
  if (kind === 'Uint64') return BigInt(value);
  if (kind === 'OneAlgorithm') return algorithm(value);
  if (kind === 'AlgorithmList') return value.map(algorithm);
  return value;
}
