// The arguments of the core's open() and command(): laid down at the start of the inbox. Each function returns how many
// bytes that are.

import { writeText } from '../codec/text.js';
import { PosternError } from '../errors.js';
import { OPEN_SERVER } from './layout.js';

/** @typedef {import('../engine/addresses.js').PackedAddress} PackedAddress */
/** @typedef {import('./core.js').ServerCore} ServerCore */

/**
 * What a core is opened with: the words of an OpenServerRequest but for its lengths.
 *
 * @typedef {{ secret: Uint8Array, realm: string, software: string }
 *   & Record<Exclude<typeof OPEN_SERVER[number], 'secretBytes' | 'realmBytes' | 'softwareBytes'>, number>} CoreSettings
 */

/**
 * @typedef {object} Link where clients arrive
 * @property {PackedAddress} local
 * @property {number} localPort
 * @property {PackedAddress} remote of a connection; of none: a socket for all
 * @property {number} remotePort
 * @property {boolean} isStream
 * @property {boolean} isReliable
 * @property {readonly [number, number, number]} [others] the links of RFC 5780
 */

/** Writes words and texts one behind the other. */
class Writer {
  #core;
  #at;

  /** @param {ServerCore} core */
  constructor(core) {
    this.#core = core;
    this.#at = core.inbox;
  }

  get bytes() {
    return this.#at - this.#core.inbox;
  }

  /** @param {...number} values */
  words(...values) {
    this.#core.words.set(values, this.#at >> 2);
    this.#at += values.length * 4;
  }

  /** @param {PackedAddress} address */
  address({ bytes, a, b, c, d }) {
    this.words(...[a, b, c, d].slice(0, bytes / 4));
  }

  /** @param {string} text @returns {number} its length */
  text(text) {
    const length = writeText(this.#core.bytes, this.#at, this.#core.inboxEnd, text);
    if (length < 0) throw new PosternError('ERR_STUN_MESSAGE_TOO_LONG');
    this.#at += length;
    return length;
  }

  /** A text behind its length, padded. @param {string} text */
  measuredText(text) {
    const word = this.#at >> 2;
    this.#at += 4;
    this.#core.words[word] = this.text(text);
    this.#at = (this.#at + 3) & ~3;
  }

  /** @param {Uint8Array} part */
  part(part) {
    this.#core.bytes.set(part, this.#at);
    this.#at += part.length;
  }
}

/** @param {ServerCore} core @param {CoreSettings} settings */
export function writeOpen(core, settings) {
  const { secret, realm, software, ...numbers } = settings;
  const writer = new Writer(core);
  writer.words(...new Array(OPEN_SERVER.length).fill(0));
  writer.part(secret);
  const lengths = {
    secretBytes: secret.length,
    realmBytes: writer.text(realm),
    softwareBytes: writer.text(software),
  };
  const values = { ...numbers, ...lengths };
  const start = core.inbox >> 2;
  for (const [i, name] of OPEN_SERVER.entries()) core.words[start + i] = values[name];
  return writer.bytes;
}

/** @param {ServerCore} core @param {...number} values */
export function writeNumbers(core, ...values) {
  const writer = new Writer(core);
  writer.words(...values);
  return writer.bytes;
}

/** @param {ServerCore} core @param {...string} texts */
export function writeTexts(core, ...texts) {
  const writer = new Writer(core);
  writer.words(texts.length);
  for (const text of texts) writer.measuredText(text);
  return writer.bytes;
}

/**
 * @param {ServerCore} core
 * @param {{ allow: readonly string[], deny: readonly string[], nat64: readonly string[] }} policy
 */
export function writePolicy(core, { allow, deny, nat64 }) {
  const writer = new Writer(core);
  writer.words(allow.length, deny.length, nat64.length);
  for (const prefix of [...allow, ...deny, ...nat64]) writer.measuredText(prefix);
  return writer.bytes;
}

/** @param {ServerCore} core @param {number} number @param {Link} link */
export function writeLink(core, number, link) {
  const { local, localPort, remote, remotePort, isStream, isReliable, others } = link;
  const writer = new Writer(core);
  writer.words(number, localPort, local.bytes, remotePort, remote.bytes);
  writer.words(Number(isStream), Number(isReliable));
  writer.words(Number(others !== undefined), ...(others ?? [0, 0, 0]));
  writer.address(local);
  writer.address(remote);
  return writer.bytes;
}

/** @param {ServerCore} core @param {number} relay @param {PackedAddress} address @param {number} port */
export function writeRelay(core, relay, address, port) {
  const writer = new Writer(core);
  writer.words(relay, port, address.bytes);
  writer.address(address);
  return writer.bytes;
}

/** @param {ServerCore} core @param {number} question @param {string} password */
export function writeKey(core, question, password) {
  const writer = new Writer(core);
  writer.words(question, 0);
  core.words[(core.inbox >> 2) + 1] = writer.text(password);
  return writer.bytes;
}
