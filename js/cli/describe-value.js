// Values of attributes, for people and for JSON.
import { formatTransportAddress } from '../address.js';
import { classify } from '../codec/index.js';
import { countOf, hexOf, printable } from './printable.js';

/** Of longer values the beginning is shown. */
const MAX_SHOWN_BYTES = 32;
const PROTOCOL_NAMES = new Map([
  [6, 'TCP'],
  [17, 'UDP'],
]);
const SECONDS = new Set(['LIFETIME', 'CACHE-TIMEOUT']);
const HEXADECIMAL = new Set(['FINGERPRINT', 'CHANNEL-NUMBER', 'CONNECTION-ID']);
const LISTS_OF_TYPES = new Set(['UNKNOWN-ATTRIBUTES']);

/** @param {number} number @param {number} [digits] */
const hexadecimal = (number, digits = 4) => `0x${number.toString(16).padStart(digits, '0')}`;

/** @param {Uint8Array} bytes */
export function describeBytes(bytes) {
  const shown = hexOf(bytes.subarray(0, MAX_SHOWN_BYTES));
  return bytes.length <= MAX_SHOWN_BYTES
    ? shown || '(empty)'
    : `${shown}... (${countOf(bytes.length, 'byte')})`;
}

/** What is relayed, by its first byte. @param {Uint8Array} data */
export function describeData(data) {
  const protocol = data.length === 0 ? 'unknown' : classify(data);
  const kind = protocol === 'unknown' ? '' : `, looks like ${protocol}`;
  return `${countOf(data.length, 'byte')}${kind}${data.length > 0 ? `: ${describeBytes(data)}` : ''}`;
}

/** @param {Record<string, unknown>} value */
function describeObject(value) {
  if (typeof value.address === 'string' && typeof value.port === 'number') {
    return formatTransportAddress({ address: value.address, port: value.port });
  }
  if (typeof value.reason === 'string') {
    const family = value.family === undefined ? '' : `${value.family} `;
    return `${family}${value.code} ${printable(value.reason)}`.trimEnd();
  }
  return Object.entries(value)
    .map(([name, part]) => `${name} ${describeValue(undefined, part)}`)
    .join(', ');
}

/**
 * @param {string | undefined} name of the attribute
 * @param {unknown} value
 * @returns {string} one line that a terminal may show
 */
export function describeValue(name = '', value) {
  if (value instanceof Uint8Array)
    return name === 'DATA' ? describeData(value) : describeBytes(value);
  if (typeof value === 'string') return printable(value);
  if (typeof value === 'bigint') return `0x${value.toString(16).padStart(16, '0')}`;
  if (Array.isArray(value)) {
    const parts = value.map((part) =>
      LISTS_OF_TYPES.has(name) ? hexadecimal(part) : describeValue(undefined, part),
    );
    return parts.join(', ');
  }
  if (typeof value === 'object' && value !== null) {
    return describeObject(/** @type {Record<string, unknown>} */ (value));
  }
  if (typeof value === 'number') {
    if (SECONDS.has(name)) return `${value} s`;
    if (HEXADECIMAL.has(name)) return hexadecimal(value, name === 'CHANNEL-NUMBER' ? 4 : 8);
    const protocol = name === 'REQUESTED-TRANSPORT' ? PROTOCOL_NAMES.get(value) : undefined;
    return protocol === undefined ? String(value) : `${value} (${protocol})`;
  }
  return value === true ? 'set' : String(value);
}

/** For JSON: bytes as hexadecimal digits, and a bigint as `0x` with 16 of them. @param {unknown} value @returns {unknown} */
export function toJsonValue(value) {
  if (value instanceof Uint8Array) return hexOf(value);
  if (typeof value === 'bigint') return `0x${value.toString(16).padStart(16, '0')}`;
  if (Array.isArray(value)) return value.map(toJsonValue);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, toJsonValue(part)]));
  }
  return value;
}
