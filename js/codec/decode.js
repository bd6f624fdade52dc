// Reading messages: one copy in, one call of the core; values follow on demand.
import { argumentError, PosternError } from '../errors.js';
import { discardCore, getCore } from './core.js';
import { PreparedKey, requireKey } from './key.js';
import { ALLOW_CLASSIC } from './layout.js';
import { decodeError, Message } from './message.js';
import { isBytes } from './write-value.js';

/** @typedef {import('./core.js').Core} Core */

/**
 * @typedef {object} DecodeOptions
 * @property {boolean} [allowClassic] read messages of RFC 3489, which have no magic cookie, too
 */

/**
 * @typedef {object} VerifyOptions
 * @property {'sha1' | 'sha256'} [integrity] accept this attribute only; otherwise MESSAGE-INTEGRITY-SHA256 is
 *   checked where it is there and MESSAGE-INTEGRITY where it is not
 * @property {number} [leastLength] shortest MESSAGE-INTEGRITY-SHA256 to accept, 16 to 32 (default 32)
 */

/** Longer than any STUN message, and what the core has room for. */
const MAX_BYTES = 0x10000 + 20;

/** @param {unknown} value @param {string} name @returns {Uint8Array} */
function toBytes(value, name) {
  if (isBytes(value)) return value;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  throw argumentError(name, 'a Uint8Array, another view or an ArrayBuffer');
}

/** The core only throws when it traps. @param {unknown} cause */
function trapped(cause) {
  discardCore();
  return new PosternError('ERR_INTERNAL', undefined, { cause });
}

/**
 * Reads one STUN message (RFC 8489 section 5). Nothing is copied: the message is a view on `bytes`,
 * which must stay as they are while it is used.
 *
 * @param {Uint8Array | ArrayBufferView | ArrayBuffer} bytes exactly one message; see StreamDeframer for streams
 * @param {DecodeOptions} [options]
 * @returns {Message}
 * @throws {PosternError} ERR_STUN_TOO_SHORT, ERR_STUN_FIRST_BITS, ERR_STUN_LENGTH_UNALIGNED, ERR_STUN_TRUNCATED,
 *   ERR_STUN_TRAILING_BYTES, ERR_STUN_COOKIE, ERR_STUN_ATTRIBUTE_OVERRUN; `offset` says where
 */
export function decode(bytes, options) {
  const core = getCore();
  const view = isBytes(bytes) ? bytes : toBytes(bytes, 'bytes');
  const flags = options?.allowClassic === true ? ALLOW_CLASSIC : 0;
  // The core looks at the length in the header first, so the rest of a longer input cannot matter.
  const length = view.length > MAX_BYTES ? MAX_BYTES : view.length;
  core.bytes.set(length === view.length ? view : view.subarray(0, length), core.input);
  let head;
  try {
    head = core.call.decode(length, flags);
  } catch (cause) {
    throw trapped(cause);
  }
  const generation = ++core.generation;
  if (head < 0) throw decodeError(head);
  return new Message(view, head, 0, generation);
}

/**
 * As decode() for many messages, with one call of the core for up to 64 of them. What is malformed does
 * not hide the rest: its place in the result holds the error.
 *
 * @param {readonly (Uint8Array | ArrayBufferView | ArrayBuffer)[]} list
 * @param {DecodeOptions} [options]
 * @returns {(Message | PosternError)[]} in the same order
 */
export function decodeBatch(list, options) {
  if (!Array.isArray(list)) throw argumentError('list', 'an array of Uint8Array');
  const core = getCore();
  const flags = options?.allowClassic === true ? ALLOW_CLASSIC : 0;
  /** @type {(Message | PosternError)[]} */
  const messages = [];
  /** @type {Uint8Array[]} */
  let group = [];
  let at = core.input;
  const flush = () => {
    try {
      core.call.decodeBatch(group.length, flags);
    } catch (cause) {
      throw trapped(cause);
    }
    const generation = ++core.generation;
    for (const [slot, view] of group.entries()) {
      const head = /** @type {number} */ (core.words[core.batchWord + slot]) | 0;
      messages.push(head < 0 ? decodeError(head) : new Message(view, head, slot, generation));
    }
    group = [];
    at = core.input;
  };
  for (let i = 0; i < list.length; i += 1) {
    const view = toBytes(list[i], `list[${i}]`);
    const length = Math.min(view.length, MAX_BYTES);
    if (group.length === core.maxBatch || at + length > core.input + core.inputBytes) flush();
    core.bytes.set(length === view.length ? view : view.subarray(0, length), at);
    core.words[core.batchWord + group.length] = length;
    group.push(view);
    at += (length + 3) & ~3;
  }
  if (group.length > 0) flush();
  return messages;
}

/** @param {VerifyOptions | undefined} options */
function integrityOf(options) {
  const { integrity } = options ?? {};
  if (integrity === undefined) return 0;
  if (integrity === 'sha1') return 1;
  if (integrity === 'sha256') return 2;
  throw argumentError('options.integrity', "'sha1' or 'sha256'");
}

/**
 * Checks the integrity of a message (RFC 8489 sections 14.5 and 14.6) in constant time. A message without
 * an integrity attribute is not authentic: false.
 *
 * @param {Message} message
 * @param {PreparedKey} key
 * @param {VerifyOptions} [options]
 * @returns {boolean}
 * @throws {TypeError} ERR_INVALID_ARGUMENT
 */
export function verify(message, key, options) {
  if (!(message instanceof Message)) throw argumentError('message', 'a message from decode()');
  const core = message.load();
  PreparedKey.use(core, requireKey(key, 'key'));
  return core.call.verify(message.slot, integrityOf(options), options?.leastLength ?? 32) === 0;
}

/**
 * As verify() for many messages and one key; messages of one decodeBatch() are checked in one call.
 *
 * @param {readonly Message[]} messages
 * @param {PreparedKey} key
 * @param {VerifyOptions} [options]
 * @returns {boolean[]} in the same order
 */
export function verifyBatch(messages, key, options) {
  if (!Array.isArray(messages)) throw argumentError('messages', 'an array of messages');
  const core = getCore();
  const isResident = messages.every(
    (message, slot) => message.generation === core.generation && message.slot === slot,
  );
  if (!isResident) return messages.map((message) => verify(message, key, options));
  PreparedKey.use(core, requireKey(key, 'key'));
  core.call.verifyBatch(messages.length, integrityOf(options), options?.leastLength ?? 32);
  return messages.map((_, slot) => core.words[core.batchWord + slot] === 0);
}
