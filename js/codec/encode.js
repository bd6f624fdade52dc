// Writing messages: attributes go to the core as records, one call encodes them, one copy brings the
// message out.
import { argumentError, coreError, PosternError } from '../errors.js';
import { CODEC_ERRORS } from '../generated/errors.js';
import { ATTRIBUTES, METHODS } from '../generated/registry.js';
import { isBytes, isTrue, requireObject } from './arguments.js';
import { discardCore, getCore } from './core.js';
import { PreparedKey, requireKey } from './key.js';
import {
  DETAIL_SHIFT,
  ERROR_MASK,
  JOB_WORDS,
  OPTION_CLASSIC,
  OPTION_FINGERPRINT,
  OPTION_SHA1,
  OPTION_SHA256,
  SHA256_LENGTH_SHIFT,
} from './layout.js';
import { copyOut } from './pool.js';
import { RecordWriter } from './record-writer.js';
import { writeTransactionId } from './transaction-id.js';
import { WRITERS } from './write-value.js';

/** @typedef {import('./core.js').Core} Core */
/** @typedef {import('./message.js').MessageClass} MessageClass */
/** @typedef {import('../generated/registry.js').MethodName} MethodName */
/** @typedef {import('../generated/registry.js').AttributesInput} AttributesInput */

/**
 * An attribute by number, for types that the registry lacks.
 *
 * @typedef {{ type: number, value: Uint8Array }} RawAttribute
 */

/**
 * @typedef {object} MessageInput
 * @property {MessageClass} class
 * @property {MethodName | number} method
 * @property {Uint8Array} [transactionId] 12 bytes; 16 make a classic message (RFC 3489). Random when left out
 * @property {AttributesInput} [attributes] written in the order of the properties; undefined ones are left out.
 *   An array writes an attribute that may repeat several times
 * @property {readonly RawAttribute[]} [rawAttributes] written behind `attributes`
 * @property {PreparedKey} [key] adds integrity
 * @property {'sha1' | 'sha256' | 'both'} [integrity] default: 'sha256' with a long-term SHA-256 key, else 'sha1'
 * @property {number} [integrityLength] of a truncated MESSAGE-INTEGRITY-SHA256: 16, 20, 24, 28 or 32 (default)
 * @property {boolean} [fingerprint] adds FINGERPRINT
 */

/** @type {ReadonlyMap<MessageClass, number>} */
const CLASS_BITS = new Map([
  ['request', 0x0000],
  ['indication', 0x0010],
  ['success', 0x0100],
  ['error', 0x0110],
]);

/** @type {Map<string | number, number>} */
const methodBits = new Map();
const weave = (/** @type {number} */ m) => ((m & 0xf80) << 2) | ((m & 0x070) << 1) | (m & 0x00f);
for (const [number, name] of METHODS) methodBits.set(name, weave(number));

/** Number of the core's error. */
const MESSAGE_TOO_LONG = CODEC_ERRORS.findIndex(([code]) => code === 'ERR_STUN_MESSAGE_TOO_LONG');

/** Attributes whose setters take an array for several of them; other arrays are one value. */
const LIST_KINDS = new Set(['Uint16List', 'Uint32List', 'AlgorithmList']);

/**
 * @typedef {object} WritableRow
 * @property {number} type
 * @property {import('./write-value.js').Writer} write
 * @property {boolean} isList
 * @property {boolean} isFlag false leaves it out
 */
/** @type {Map<string, WritableRow>} */
const rows = new Map();
const COMPUTED = new Set(['messageIntegrity', 'messageIntegritySha256', 'fingerprint']);
for (const [type, property, , kind, isUnregistered] of ATTRIBUTES) {
  const write = WRITERS[kind];
  if (write === undefined || isUnregistered === 1 || COMPUTED.has(property)) continue;
  rows.set(property, { type, write, isList: LIST_KINDS.has(kind), isFlag: kind === 'Flag' });
}

/** Of MESSAGE-INTEGRITY-SHA256 (RFC 8489 section 14.6). */
const SHA256_LENGTHS = new Set([16, 20, 24, 28, 32]);

// Who encodes a message usually encodes more of the same type.
/** @type {MessageClass | undefined} */
let lastClass;
/** @type {MessageInput['method'] | undefined} */
let lastMethod;
let lastType = 0;

/** @param {MessageInput} message */
function messageType(message) {
  if (message.class !== lastClass || message.method !== lastMethod) {
    lastType = findMessageType(message);
    lastClass = message.class;
    lastMethod = message.method;
  }
  return lastType;
}

/** @param {MessageInput} message */
function findMessageType(message) {
  const classBits = CLASS_BITS.get(message.class);
  if (classBits === undefined) {
    throw argumentError('message.class', "'request', 'indication', 'success' or 'error'");
  }
  const known = methodBits.get(message.method);
  if (known !== undefined) return known | classBits;
  const { method } = message;
  if (typeof method !== 'number' || !Number.isInteger(method) || method < 0 || method > 0xfff) {
    throw argumentError('message.method', "a method's name, such as 'Binding', or its number");
  }
  return weave(method) | classBits;
}

/** @param {MessageInput} message */
function options(message) {
  let bits = isTrue(message.fingerprint, 'message.fingerprint') ? OPTION_FINGERPRINT : 0;
  const { key, integrity } = message;
  if (key === undefined) {
    if (integrity !== undefined)
      throw argumentError('message.key', 'given when message.integrity is');
    return bits;
  }
  const { algorithm } = requireKey(key, 'message.key');
  const chosen = integrity ?? (algorithm === 'SHA-256' ? 'sha256' : 'sha1');
  if (chosen !== 'sha1' && chosen !== 'sha256' && chosen !== 'both') {
    throw argumentError('message.integrity', "'sha1', 'sha256' or 'both'");
  }
  if (chosen !== 'sha256') bits |= OPTION_SHA1;
  if (chosen !== 'sha1') bits |= OPTION_SHA256 | (sha256Length(message) << SHA256_LENGTH_SHIFT);
  return bits;
}

/** @param {MessageInput} message */
function sha256Length({ integrityLength = 32 }) {
  if (SHA256_LENGTHS.has(integrityLength)) return integrityLength;
  throw argumentError('message.integrityLength', '16, 20, 24, 28 or 32');
}

/** @param {string} property */
function unknownAttribute(property) {
  if (COMPUTED.has(property)) {
    return argumentError(
      `message.attributes.${property}`,
      'left out: it is computed (pass key or fingerprint)',
    );
  }
  return argumentError(
    `message.attributes.${property}`,
    'an attribute of the registry; use rawAttributes for others',
  );
}

/** A getter of `attributes` decoded or encoded something, over what was written so far. */
const notPlain = () =>
  argumentError(
    'message.attributes',
    "an object of plain values; toJSON() of a message's attributes makes one",
  );

/**
 * @param {RecordWriter} writer
 * @param {AttributesInput} attributes
 */
function writeAttributes(writer, attributes) {
  for (const property in requireObject(attributes, 'message.attributes')) {
    const value = /** @type {Record<string, unknown>} */ (attributes)[property];
    if (writer.core.generation !== writer.generation) throw notPlain();
    if (value === undefined) continue;
    const row = rows.get(property);
    if (row === undefined) throw unknownAttribute(property);
    if (Array.isArray(value) && !row.isList) {
      for (const [i, item] of value.entries())
        row.write(writer, row.type, item, `${property}[${i}]`);
    } else {
      row.write(writer, row.type, value, property);
    }
  }
}

/**
 * @param {RecordWriter} writer
 * @param {readonly RawAttribute[]} attributes
 */
function writeRawAttributes(writer, attributes) {
  if (!Array.isArray(attributes)) throw argumentError('message.rawAttributes', 'an array');
  for (const [index, attribute] of attributes.entries()) {
    const name = `message.rawAttributes[${index}]`;
    const { type, value } = requireObject(attribute, name);
    if (!Number.isInteger(type) || type < 0 || type > 0xffff)
      throw argumentError(`${name}.type`, 'a 16-bit number');
    if (!isBytes(value)) throw argumentError(`${name}.value`, 'a Uint8Array');
    writer.raw(type, value);
  }
}

/**
 * Writes the job of one message behind those that are there.
 *
 * @param {RecordWriter} writer
 * @param {MessageInput} message
 */
function writeJob(writer, message) {
  requireObject(message, 'message');
  const { words, bytes } = writer.core;
  const job = writer.takeWords(JOB_WORDS);
  words[job] = messageType(message);
  let bits = options(message);
  const id = message.transactionId;
  if (id === undefined) {
    writeTransactionId(words, job + 4);
  } else {
    if (!isBytes(id) || (id.length !== 12 && id.length !== 16)) {
      throw argumentError(
        'message.transactionId',
        'a Uint8Array of 12 bytes, or of 16 for a classic message',
      );
    }
    if (id.length === 16) bits |= OPTION_CLASSIC;
    bytes.set(id, job * 4 + 28 - id.length);
  }
  words[job + 1] = bits;
  const start = writer.at;
  if (message.attributes !== undefined) writeAttributes(writer, message.attributes);
  if (message.rawAttributes !== undefined) writeRawAttributes(writer, message.rawAttributes);
  words[job + 2] = writer.at - start;
}

/** @type {RecordWriter | undefined} */
let sharedWriter;

/** @param {Core} core */
function writerFor(core) {
  if (sharedWriter === undefined || sharedWriter.core !== core)
    sharedWriter = new RecordWriter(core);
  sharedWriter.reset();
  // The input arena no longer holds what was decoded, even if the writing ends half-way.
  core.generation += 1;
  sharedWriter.generation = core.generation;
  return sharedWriter;
}

/**
 * What each record of a message's job was made from, in their order.
 *
 * @param {MessageInput} message
 */
function recordNames({ attributes = {}, rawAttributes = [] }) {
  /** @type {string[]} */
  const names = [];
  for (const property in attributes) {
    const value = /** @type {Record<string, unknown>} */ (attributes)[property];
    const row = rows.get(property);
    if (value === undefined || row === undefined) continue;
    const name = `message.attributes.${property}`;
    if (!Array.isArray(value) || row.isList) {
      if (!row.isFlag || value === true) names.push(name);
      continue;
    }
    for (const [i, item] of value.entries()) {
      if (!row.isFlag || item === true) names.push(`${name}[${i}]`);
    }
  }
  return names.concat(rawAttributes.map((_, i) => `message.rawAttributes[${i}].value`));
}

/**
 * The error for a negative result: which attribute could not be written.
 *
 * @param {number} result
 * @param {MessageInput} message
 */
function encodeError(result, message) {
  const error = coreError(-result & ERROR_MASK);
  if (error.code !== 'ERR_STUN_ATTRIBUTE_VALUE') return error;
  const name = recordNames(message)[-result >>> DETAIL_SHIFT];
  return argumentError(name ?? 'message.attributes', 'a value that the attribute can hold');
}

/**
 * An error about 'message' as one about a member of a batch.
 *
 * @param {unknown} error
 * @param {number} index
 */
function inBatch(error, index) {
  if (error instanceof TypeError && 'argument' in error) {
    const name = String(error.argument).replace('message', `messages[${index}]`);
    error.message = error.message.replace(String(error.argument), name);
    error.argument = name;
  }
  return error;
}

/**
 * Runs the jobs that the writer holds; their lengths are then in the core's batch words.
 *
 * @param {RecordWriter} writer
 * @param {number} count
 * @param {PreparedKey | undefined} key
 */
function run(writer, count, key) {
  const { core } = writer;
  if (writer.overflow) throw new PosternError('ERR_STUN_MESSAGE_TOO_LONG');
  if (key !== undefined) PreparedKey.use(core, requireKey(key, 'message.key'));
  try {
    return core.call.encode(count);
  } catch (cause) {
    discardCore();
    throw new PosternError('ERR_INTERNAL', undefined, { cause });
  }
}

/**
 * Writes a STUN message (RFC 8489 sections 5 and 14): attributes in the order given, then integrity,
 * then FINGERPRINT. Padding is zero.
 *
 * The result is a slice of a larger pooled buffer, as Node's own small Buffers are: it is yours to keep,
 * but do not transfer its `.buffer`.
 *
 * @param {MessageInput} message
 * @returns {Uint8Array}
 * @throws {TypeError} ERR_INVALID_ARGUMENT with the name of what is wrong
 * @throws {PosternError} ERR_STUN_MESSAGE_TOO_LONG
 */
export function encode(message) {
  const writer = writerFor(getCore());
  writeJob(writer, message);
  const length = run(writer, 1, message.key);
  if (length < 0) throw encodeError(length, message);
  return copyOut(writer.core, writer.core.output, length);
}

/**
 * As encode(), into a buffer of the caller's: nothing is allocated.
 *
 * @param {Uint8Array} target
 * @param {MessageInput} message
 * @param {number} [offset] where in the target to begin
 * @returns {number} bytes written
 * @throws {TypeError} ERR_INVALID_ARGUMENT, also where the target is too small
 */
export function encodeInto(target, message, offset = 0) {
  if (!isBytes(target)) throw argumentError('target', 'a Uint8Array');
  if (!Number.isInteger(offset) || offset < 0)
    throw argumentError('offset', 'an integer of 0 or more');
  const writer = writerFor(getCore());
  writeJob(writer, message);
  const length = run(writer, 1, message.key);
  if (length < 0) throw encodeError(length, message);
  const { bytes, output } = writer.core;
  if (offset + length > target.length) {
    throw argumentError('target', `long enough for ${length} bytes at offset ${offset}`);
  }
  for (let i = 0; i < length; i += 1) target[offset + i] = bytes[output + i];
  return length;
}

/**
 * As encode() for many messages, with one call of the core for up to 64 of them that share a key.
 *
 * @param {readonly MessageInput[]} messages
 * @returns {Uint8Array[]} in the same order
 * @throws as encode() does for the first message that cannot be written
 */
export function encodeBatch(messages) {
  if (!Array.isArray(messages)) throw argumentError('messages', 'an array');
  for (const [i, message] of messages.entries()) requireObject(message, `messages[${i}]`);
  const core = getCore();
  const writer = writerFor(core);
  /** @type {Uint8Array[]} */
  const encoded = [];
  let first = 0;
  while (first < messages.length) {
    writer.reset();
    const key = messages[first].key;
    let next = first;
    // The arena is larger than the longest message: the first one fits, or is too long by itself.
    for (
      ;
      next < messages.length && next - first < core.maxBatch && messages[next].key === key;
      next += 1
    ) {
      const before = writer.at;
      try {
        writeJob(writer, messages[next]);
      } catch (error) {
        throw inBatch(error, next);
      }
      if (!writer.overflow) continue;
      if (next === first) throw new PosternError('ERR_STUN_MESSAGE_TOO_LONG');
      writer.at = before;
      writer.overflow = false;
      break;
    }
    const done = collect(writer, messages, first, next, encoded);
    first += done;
  }
  return encoded;
}

/**
 * @param {RecordWriter} writer
 * @param {readonly MessageInput[]} messages
 * @param {number} first
 * @param {number} end
 * @param {Uint8Array[]} encoded
 * @returns {number} how many were encoded
 */
function collect(writer, messages, first, end, encoded) {
  const { core } = writer;
  run(writer, end - first, messages[first]?.key);
  let at = core.output;
  for (let i = first; i < end; i += 1) {
    const length = core.words[core.batchWord + i - first] | 0;
    const message = /** @type {MessageInput} */ (messages[i]);
    if (length < 0) {
      // The output arena may be full; alone the message has all of it.
      if (i > first && (-length & ERROR_MASK) === MESSAGE_TOO_LONG) return i - first;
      throw inBatch(encodeError(length, message), i);
    }
    encoded.push(copyOut(core, at, length));
    at += length;
  }
  return end - first;
}
