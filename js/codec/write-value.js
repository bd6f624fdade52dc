// Takes the value of an attribute to the core, by its kind: the other half of the mirror of
// bindings/cross_value.h.
import { argumentError as badArgument } from '../errors.js';
import { PASSWORD_ALGORITHMS } from '../generated/registry.js';
import { isBytes } from './arguments.js';

/** @typedef {import('./record-writer.js').RecordWriter} RecordWriter */
/** @typedef {(writer: RecordWriter, type: number, value: any, name: string) => void} Writer */

/** @type {ReadonlyMap<string, number>} */
const algorithmNumbers = new Map(PASSWORD_ALGORITHMS.map(([value, name]) => [name, value]));

/**
 * @param {string} name of the attribute, and the way to the value within
 * @param {string} expected
 */
const argumentError = (name, expected) => badArgument(`message.attributes.${name}`, expected);

/**
 * @param {unknown} value
 * @param {number} max
 * @param {string} name
 * @param {string} [member] of the attribute's value, such as '.port'
 * @returns {number}
 */
function integer(value, max, name, member = '') {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max)
    return value;
  throw argumentError(name + member, `an integer from 0 to ${max}`);
}

/** @param {RecordWriter} writer @param {number} word @param {unknown} value @param {string} name */
function writeBytes(writer, word, value, name) {
  if (!isBytes(value)) throw argumentError(name, 'a Uint8Array');
  writer.bytes(word, value);
}

/** @type {Writer} */
const opaque = (writer, type, value, name) => writeBytes(writer, writer.numbers(type), value, name);

/** @type {Writer} */
const string = (writer, type, value, name) => {
  const word = writer.numbers(type);
  if (typeof value === 'string') writer.text(word, value);
  else if (isBytes(value)) writer.bytes(word, value);
  else throw argumentError(name, 'a string, or its UTF-8 bytes');
};

/** The reason phrase of an error, which may be left out. @param {any} value @param {string} name */
function reasonOf({ reason = '' }, name) {
  if (typeof reason !== 'string') throw argumentError(`${name}.reason`, 'a string');
  return reason;
}

/** @param {number} max @returns {Writer} */
const integerUpTo = (max) => (writer, type, value, name) => {
  writer.numbers(type, integer(value, max, name));
};

/** @type {Writer} */
const addressWriter = (writer, type, value, name) => {
  if (typeof value?.address !== 'string') throw argumentError(name, 'an object { address, port }');
  writer.text(writer.numbers(type, integer(value.port, 0xffff, name, '.port')), value.address);
};

/** @param {unknown} value @param {string} name */
function familyNumber(value, name) {
  if (value === 'IPv4' || value === 4) return 4;
  if (value === 'IPv6' || value === 6) return 6;
  throw argumentError(name, "'IPv4' or 'IPv6'");
}

/** @param {unknown} value @param {string} name */
function algorithmNumber(value, name) {
  const known = algorithmNumbers.get(/** @type {string} */ (value));
  return known ?? integer(value, 0xffff, name);
}

/** @param {any} value @param {string} name */
function algorithmParts(value, name) {
  const isObject = typeof value === 'object' && value !== null;
  const parameters = isObject ? (value.parameters ?? new Uint8Array()) : new Uint8Array();
  if (!isBytes(parameters)) throw argumentError(`${name}.parameters`, 'a Uint8Array');
  return { number: algorithmNumber(isObject ? value.algorithm : value, name), parameters };
}

/** @param {number} bytesEach @returns {Writer} */
const listWriter = (bytesEach) => (writer, type, value, name) => {
  if (!Array.isArray(value)) throw argumentError(name, 'an array of numbers');
  const bytes = new Uint8Array(value.length * bytesEach);
  const view = new DataView(bytes.buffer);
  for (const [i, item] of value.entries()) {
    if (bytesEach === 2) view.setUint16(i * 2, integer(item, 0xffff, name, `[${i}]`));
    else view.setUint32(i * 4, integer(item, 0xffffffff, name, `[${i}]`));
  }
  writer.bytes(writer.numbers(type), bytes);
};

/** Writers by kind of value. @type {Record<string, Writer>} */
export const WRITERS = {
  Opaque: opaque,
  Text: string,
  Label: string,
  Username: string,
  DomainName: string,
  Token4: opaque,
  Token8: opaque,
  Sha1Mac: opaque,
  Sha256Mac: opaque,
  Sha256Digest: opaque,
  Uint16List: listWriter(2),
  Uint32List: listWriter(4),
  Flag: (writer, type, value, name) => {
    if (value === true) writer.numbers(type);
    else if (value !== false) throw argumentError(name, 'true, or false to leave it out');
  },
  Uint32: integerUpTo(0xffffffff),
  Uint64: (writer, type, value, name) => {
    if (typeof value !== 'bigint' || value < 0n || value >= 1n << 64n) {
      throw argumentError(name, 'a bigint of at most 64 bits');
    }
    writer.numbers(type, Number(value >> 32n), Number(value & 0xffffffffn));
  },
  Channel: integerUpTo(0xffff),
  Port: integerUpTo(0xffff),
  Protocol: integerUpTo(0xff),
  ReserveFlag: (writer, type, value, name) => {
    if (typeof value !== 'boolean')
      throw argumentError(name, 'a boolean: true reserves the next port too');
    writer.numbers(type, value ? 1 : 0);
  },
  Address: addressWriter,
  XorAddress: addressWriter,
  AddressFamily: (writer, type, value, name) => {
    writer.numbers(type, familyNumber(value, name));
  },
  ChangeFlags: (writer, type, value, name) => {
    if (typeof value !== 'object' || value === null)
      throw argumentError(name, 'an object { changeIp, changePort }');
    writer.numbers(type, value.changeIp ? 1 : 0, value.changePort ? 1 : 0);
  },
  ErrorReason: (writer, type, value, name) => {
    writer.text(
      writer.numbers(type, integer(value?.code, 699, name, '.code')),
      reasonOf(value, name),
    );
  },
  FamilyErrorReason: (writer, type, value, name) => {
    const code = integer(value?.code, 699, name, '.code');
    const family = familyNumber(value.family, `${name}.family`);
    writer.text(writer.numbers(type, code, family), reasonOf(value, name));
  },
  OneAlgorithm: (writer, type, value, name) => {
    const { number: chosen, parameters } = algorithmParts(value, name);
    writer.bytes(writer.numbers(type, chosen), parameters);
  },
  AlgorithmList: (writer, type, value, name) => {
    if (!Array.isArray(value)) throw argumentError(name, 'an array of algorithms');
    const parts = value.map((item, i) => algorithmParts(item, `${name}[${i}]`));
    const padded = (/** @type {number} */ length) => (length + 3) & ~3;
    const total = parts.reduce((sum, part) => sum + 4 + padded(part.parameters.length), 0);
    const bytes = new Uint8Array(total);
    const view = new DataView(bytes.buffer);
    let at = 0;
    for (const part of parts) {
      view.setUint16(at, part.number);
      view.setUint16(at + 2, part.parameters.length);
      bytes.set(part.parameters, at + 4);
      at += 4 + padded(part.parameters.length);
    }
    writer.bytes(writer.numbers(type), bytes);
  },
  IcmpError: (writer, type, value, name) => {
    writer.numbers(
      type,
      integer(value?.type, 0xff, name, '.type'),
      integer(value.code, 0xff, name, '.code'),
      integer(value.data, 0xffffffff, name, '.data'),
    );
  },
  TransmitCounter: (writer, type, value, name) => {
    const request = integer(value?.request, 0xff, name, '.request');
    writer.numbers(type, request, integer(value.response, 0xff, name, '.response'));
  },
  EcnCheck: (writer, type, value, name) => {
    writer.numbers(type, integer(value?.ecn, 3, name, '.ecn'), value.valid ? 1 : 0);
  },
  NetworkInfo: (writer, type, value, name) => {
    writer.numbers(
      type,
      integer(value?.id, 0xffff, name, '.id'),
      integer(value.cost, 0xffff, name, '.cost'),
    );
  },
};
