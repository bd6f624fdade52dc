// The arguments of the core's open() and command(): laid down at the start of the inbox. Each function returns how many
// bytes that are.

import { writeText } from '../codec/text.js';
import { PosternError } from '../errors.js';
import { OPEN_SERVER } from './layout.js';

/** @typedef {import('../engine/addresses.js').PackedAddress} PackedAddress */
/** @typedef {import('./core.js').ServerCore} ServerCore */

/** @typedef {'secretBytes' | 'realmBytes' | 'softwareBytes' | 'serverNameBytes' | 'alternateDomainBytes' | 'alternates'} Lengths */

/**
 * @typedef {object} CoreTexts
 * @property {Uint8Array} secret 32 bytes or more
 * @property {string} realm
 * @property {string} software
 * @property {string} serverName for tokens; '' for the realm
 * @property {string} alternateDomain
 */

/**
 * What a core is opened with: the words of an OpenServerRequest, and what follows them.
 *
 * @typedef {CoreTexts & { alternates: readonly { address: PackedAddress, port: number }[] }
 *   & Record<Exclude<typeof OPEN_SERVER[number], Lengths>, number>} CoreSettings
 */

/**
 * A key that is shared with an authorization server (RFC 7635 section 4.1).
 *
 * @typedef {object} TokenKey
 * @property {string} kid
 * @property {Uint8Array} key 32 bytes (A256GCM) or 16 (A128GCM)
 * @property {number} expiresAt seconds since 1970; 0: never
 */

/**
 * To which peers is relayed: PeerRules of src/server/peer_policy.h.
 *
 * @typedef {object} Policy
 * @property {boolean} only
 * @property {readonly string[]} allow
 * @property {readonly string[]} deny
 * @property {readonly string[]} nat64
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

  /** An AddressHeader and its address, at any place. @param {PackedAddress} address @param {number} port */
  alternate({ bytes, a, b, c, d }, port) {
    const words = new Uint32Array([port, bytes, a, b, c, d]);
    this.part(new Uint8Array(words.buffer, 0, 8 + bytes));
  }

  /** A text behind its length, padded. @param {string} text */
  measuredText(text) {
    const word = this.#at >> 2;
    this.#at += 4;
    this.#core.words[word] = this.text(text);
    this.#at = (this.#at + 3) & ~3;
  }

  /** The same of bytes. @param {Uint8Array} part */
  measuredPart(part) {
    this.words(part.length);
    this.part(part);
    this.#at = (this.#at + 3) & ~3;
  }

  /** @param {Uint8Array} part */
  part(part) {
    if (part.length > this.#core.inboxEnd - this.#at)
      throw new PosternError('ERR_STUN_MESSAGE_TOO_LONG');
    this.#core.bytes.set(part, this.#at);
    this.#at += part.length;
  }
}

/** @param {ServerCore} core @param {CoreSettings} settings */
export function writeOpen(core, settings) {
  const { secret, realm, software, serverName, alternateDomain, alternates, ...numbers } = settings;
  const writer = new Writer(core);
  writer.words(...new Array(OPEN_SERVER.length).fill(0));
  writer.part(secret);
  const lengths = {
    secretBytes: secret.length,
    realmBytes: writer.text(realm),
    softwareBytes: writer.text(software),
    serverNameBytes: writer.text(serverName),
    alternateDomainBytes: writer.text(alternateDomain),
    alternates: alternates.length,
  };
  for (const { address, port } of alternates) writer.alternate(address, port);
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
 * @param {Policy} policy
 */
export function writePolicy(core, { only, allow, deny, nat64 }) {
  const writer = new Writer(core);
  writer.words(Number(only), allow.length, deny.length, nat64.length);
  for (const prefix of [...allow, ...deny, ...nat64]) writer.measuredText(prefix);
  return writer.bytes;
}

/** @param {ServerCore} core @param {readonly TokenKey[]} keys */
export function writeTokenKeys(core, keys) {
  const writer = new Writer(core);
  writer.words(keys.length);
  for (const { kid, key, expiresAt } of keys) {
    writer.words(expiresAt);
    writer.measuredText(kid);
    writer.measuredPart(key);
  }
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
