// Brings the value of an attribute out of the core, by its kind: one half of the mirror of
// bindings/cross_value.h.
import { PASSWORD_ALGORITHMS } from '../generated/registry.js';
import { NUMBERS, VALUE_LENGTH, VALUE_OFFSET } from './layout.js';
import { readText } from './text.js';

/** @typedef {import('./core.js').Core} Core */
/** @typedef {import('./values.js').TransportAddress} TransportAddress */
/** @typedef {import('./values.js').PasswordAlgorithm} PasswordAlgorithm */
/** @typedef {import('./values.js').PasswordAlgorithmName} PasswordAlgorithmName */

/** @typedef {(core: Core, bytes: Uint8Array) => unknown} Reader reads what Core.call.read() left, of the message `bytes` */

/** "0" to "255", and with a dot behind: the text of an IPv4 address is four look-ups and three joins. */
const OCTETS = Array.from({ length: 256 }, (_, octet) => String(octet));
const DOTTED = OCTETS.map((octet) => `${octet}.`);

/** @param {Core} core @param {number} index */
const number = (core, index) => core.words[core.wordsWord + NUMBERS + index];

/** @param {Core} core @param {Uint8Array} bytes */
function span(core, bytes) {
  const offset = core.words[core.wordsWord + VALUE_OFFSET];
  return bytes.subarray(offset, offset + core.words[core.wordsWord + VALUE_LENGTH]);
}

/** @param {Core} core @param {Uint8Array} bytes */
function text(core, bytes) {
  const offset = core.words[core.wordsWord + VALUE_OFFSET];
  return readText(bytes, offset, offset + core.words[core.wordsWord + VALUE_LENGTH]);
}

/** @param {number} number */
const familyName = (number) => (number === 6 ? 'IPv6' : 'IPv4');

/** @param {Core} core @returns {TransportAddress} */
function address(core) {
  const port = number(core, 0);
  if (number(core, 1) === 6) {
    const length = core.words[core.wordsWord + VALUE_LENGTH];
    return { address: readText(core.bytes, core.text, core.text + length), port, family: 'IPv6' };
  }
  const ip = number(core, 2);
  return {
    // Sums of two are quicker than one template of seven.
    address:
      DOTTED[ip >>> 24] +
      DOTTED[(ip >>> 16) & 0xff] +
      DOTTED[(ip >>> 8) & 0xff] +
      OCTETS[ip & 0xff],
    port,
    family: 'IPv4',
  };
}

/** @param {2 | 4} size of each number, in bytes @returns {Reader} */
const listOf = (size) => (core, bytes) => {
  const value = span(core, bytes);
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  return Array.from({ length: value.length / size }, (_, i) =>
    size === 2 ? view.getUint16(i * size) : view.getUint32(i * size),
  );
};

/** @type {ReadonlyMap<number, PasswordAlgorithmName>} */
const algorithmNames = new Map(PASSWORD_ALGORITHMS);

/** @param {number} value @param {Uint8Array} parameters @returns {PasswordAlgorithm} */
const algorithm = (value, parameters) => ({
  algorithm: algorithmNames.get(value) ?? value,
  parameters,
});

/** Readers by kind of value (src/stun/registry/kinds.def). @type {Record<string, Reader>} */
export const READERS = {
  Opaque: span,
  Text: text,
  Label: text,
  Username: text,
  DomainName: text,
  Token4: span,
  Token8: span,
  Sha1Mac: span,
  Sha256Mac: span,
  Sha256Digest: span,
  Uint16List: listOf(2),
  Uint32List: listOf(4),
  Flag: () => true,
  Uint32: (core) => number(core, 0),
  Uint64: (core) => (BigInt(number(core, 0)) << 32n) | BigInt(number(core, 1)),
  Channel: (core) => number(core, 0),
  Port: (core) => number(core, 0),
  Protocol: (core) => number(core, 0),
  ReserveFlag: (core) => number(core, 0) !== 0,
  Address: address,
  XorAddress: address,
  AddressFamily: (core) => familyName(number(core, 0)),
  ChangeFlags: (core) => ({ changeIp: number(core, 0) !== 0, changePort: number(core, 1) !== 0 }),
  ErrorReason: (core, bytes) => ({ code: number(core, 0), reason: text(core, bytes) }),
  FamilyErrorReason: (core, bytes) => ({
    family: familyName(number(core, 1)),
    code: number(core, 0),
    reason: text(core, bytes),
  }),
  OneAlgorithm: (core, bytes) => algorithm(number(core, 0), span(core, bytes)),
  AlgorithmList: (core, bytes) => {
    const value = span(core, bytes);
    const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
    const algorithms = [];
    // The core has seen that lengths stay within the value; the last one's padding may be the attribute's.
    for (let at = 0; at < value.length; ) {
      const start = at + 4;
      const end = start + view.getUint16(at + 2);
      algorithms.push(algorithm(view.getUint16(at), value.subarray(start, end)));
      at = (end + 3) & ~3;
    }
    return algorithms;
  },
  IcmpError: (core) => ({ type: number(core, 0), code: number(core, 1), data: number(core, 2) }),
  TransmitCounter: (core) => ({ request: number(core, 0), response: number(core, 1) }),
  EcnCheck: (core) => ({ ecn: number(core, 0), valid: number(core, 1) !== 0 }),
  NetworkInfo: (core) => ({ id: number(core, 0), cost: number(core, 1) }),
};
