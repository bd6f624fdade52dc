// Reading messages: one copy in, one call of the core; values follow on demand.
import { argumentError, PosternError } from '../errors.js';
import { isTrue, requireObject, toBytes } from './arguments.js';
import { discardCore, getCore } from './core.js';
import { PreparedKey, requireKey } from './key.js';
import { ALLOW_CLASSIC } from './layout.js';
import { decodeError, Message } from './message.js';

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

/** @param {DecodeOptions | undefined} options */
function flagsOf(options) {
  if (options === undefined) return 0;
  return isTrue(requireObject(options, 'options').allowClassic, 'options.allowClassic')
    ? ALLOW_CLASSIC
    : 0;
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
 * @throws {TypeError} ERR_INVALID_ARGUMENT
 * @throws {PosternError} ERR_STUN_TOO_SHORT, ERR_STUN_FIRST_BITS, ERR_STUN_LENGTH_UNALIGNED, ERR_STUN_TRUNCATED,
 *   ERR_STUN_TRAILING_BYTES, ERR_STUN_COOKIE, ERR_STUN_ATTRIBUTE_OVERRUN; `offset` says where
 */
export function decode(bytes, options) {
  const view = toBytes(bytes, 'bytes');
  const flags = flagsOf(options);
  const core = getCore();
  const generation = ++core.generation;
  let head;
  try {
    head = core.call.decode(core.copyIn(view), flags);
  } catch (cause) {
    throw trapped(cause);
  }
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
 * @throws {TypeError} ERR_INVALID_ARGUMENT
 */
export function decodeBatch(list, options) {
  if (!Array.isArray(list)) throw argumentError('list', 'an array of Uint8Array');
  const views = Array.from(list, (bytes, i) => toBytes(bytes, `list[${i}]`));
  const flags = flagsOf(options);
  const core = getCore();
  let generation = core.generation;
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
    for (const [slot, view] of group.entries()) {
      const head = core.words[core.batchWord + slot] | 0;
      messages.push(head < 0 ? decodeError(head) : new Message(view, head, slot, generation));
    }
    group = [];
    at = core.input;
  };
  for (const view of views) {
    if (group.length === core.maxBatch || at + view.length > core.input + core.inputBytes) flush();
    if (group.length === 0) generation = ++core.generation;
    const length = core.copyIn(view, at);
    core.words[core.batchWord + group.length] = length;
    group.push(view);
    at += (length + 3) & ~3;
  }
  if (group.length > 0) flush();
  return messages;
}

const INTEGRITY_NUMBERS = new Map([
  [undefined, 0],
  ['sha1', 1],
  ['sha256', 2],
]);

/** @param {VerifyOptions | undefined} options */
function criteriaOf(options = {}) {
  const { integrity, leastLength = 32 } = requireObject(options, 'options');
  const number = INTEGRITY_NUMBERS.get(integrity);
  if (number === undefined) throw argumentError('options.integrity', "'sha1' or 'sha256'");
  if (!Number.isInteger(leastLength) || leastLength < 16 || leastLength > 32) {
    throw argumentError('options.leastLength', 'an integer from 16 to 32');
  }
  return { integrity: number, leastLength };
}

/** @param {unknown} value @param {string} name @returns {Message} */
function requireMessage(value, name) {
  if (value instanceof Message) return value;
  throw argumentError(name, 'a message from decode()');
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
  requireKey(key, 'key');
  const { integrity, leastLength } = criteriaOf(options);
  const core = requireMessage(message, 'message').load();
  PreparedKey.use(core, key);
  return core.call.verify(message.slot, integrity, leastLength) === 0;
}

/**
 * As verify() for many messages and one key; messages of one decodeBatch() are checked in one call.
 *
 * @param {readonly Message[]} messages
 * @param {PreparedKey} key
 * @param {VerifyOptions} [options]
 * @returns {boolean[]} in the same order
 * @throws {TypeError} ERR_INVALID_ARGUMENT
 */
export function verifyBatch(messages, key, options) {
  if (!Array.isArray(messages)) throw argumentError('messages', 'an array of messages');
  for (const [i, message] of messages.entries()) requireMessage(message, `messages[${i}]`);
  requireKey(key, 'key');
  const { integrity, leastLength } = criteriaOf(options);
  const core = getCore();
  const isResident = messages.every(
    (message, slot) => message.generation === core.generation && message.slot === slot,
  );
  if (!isResident) return messages.map((message) => verify(message, key, options));
  PreparedKey.use(core, key);
  core.call.verifyBatch(messages.length, integrity, leastLength);
  return messages.map((_, slot) => core.words[core.batchWord + slot] === 0);
}
