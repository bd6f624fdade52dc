// Addresses between JavaScript's text and the bytes of the mailbox. The core knows how both are written; what it said
// is remembered.

import { readText, writeText } from '../codec/text.js';
import { ADDRESS_BYTES } from './layout.js';

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('./base-core.js').AnyCore} Core */

/**
 * The bytes of an address as words of the core's memory.
 *
 * @typedef {object} PackedAddress
 * @property {number} bytes 4 or 16; 0: no address
 * @property {number} a
 * @property {number} b
 * @property {number} c
 * @property {number} d
 */

/** Bounds of what is remembered: then it is forgotten as a whole, and learned anew. */
const MAX_PACKED = 4096;
const MAX_PEERS = 1024;

/** @type {PackedAddress} */
export const NO_ADDRESS = Object.freeze({ bytes: 0, a: 0, b: 0, c: 0, d: 0 });

/** From text to words. */
export class AddressPacker {
  #core;
  /** @type {Map<string, PackedAddress>} */
  #known = new Map();
  #lastText = '';
  #last = NO_ADDRESS;

  /** @param {Core} core */
  constructor(core) {
    this.#core = core;
  }

  /** @param {string} text a zone is left out @returns {PackedAddress} NO_ADDRESS if it is none */
  pack(text) {
    if (text === this.#lastText) return this.#last;
    const packed = this.#known.get(text) ?? this.#parse(text);
    this.#lastText = text;
    this.#last = packed;
    return packed;
  }

  /** @param {string} text */
  #parse(text) {
    const core = this.#core;
    const start = core.address;
    const length = writeText(core.bytes, start, start + ADDRESS_BYTES, text.replace(/%.*$/, ''));
    const bytes = length < 0 ? 0 : core.guard((call) => call.parseAddress(length));
    if (!bytes) return NO_ADDRESS;
    const word = start >> 2;
    const [a, b, c, d] = bytes === 4 ? [core.words[word], 0, 0, 0] : core.words.subarray(word);
    if (this.#known.size >= MAX_PACKED) this.#known.clear();
    const packed = { bytes, a, b, c, d };
    this.#known.set(text, packed);
    return packed;
  }
}

/**
 * @param {string} address
 * @param {number} port
 * @param {import('../address.js').AddressFamily} family
 * @returns {TransportAddress}
 */
const transportAddress = (address, port, family) => Object.freeze({ address, port, family });

/**
 * From words to the objects that owners are given: the same one for the same peer.
 *
 * @template [Peer=TransportAddress]
 */
export class PeerBook {
  #core;
  #make;
  #most;
  /** IPv4: address * 65,536 + port; IPv6: text of the words. @type {Map<number | string, Peer>} */
  #known = new Map();
  /** @type {Peer | undefined} */
  #last;
  #bytes = 0;
  #port = 0;
  #a = 0;
  #b = 0;
  #c = 0;
  #d = 0;

  /**
   * @param {Core} core
   * @param {(address: string, port: number, family: import('../address.js').AddressFamily) => Peer} [make] the object
   * @param {number} [most] how many are remembered; then all are forgotten, and learned anew
   */
  constructor(core, make, most = MAX_PEERS) {
    this.#core = core;
    this.#make = make ?? /** @type {() => Peer} */ (/** @type {unknown} */ (transportAddress));
    this.#most = most;
  }

  /**
   * @param {number} word where the bytes of the address are in the core's memory
   * @param {number} bytes 4 or 16
   * @param {number} port
   * @returns {Peer}
   */
  peer(word, bytes, port) {
    const { words } = this.#core;
    const a = words[word];
    const b = words[word + 1];
    const c = words[word + 2];
    const d = words[word + 3];
    if (
      this.#last !== undefined &&
      a === this.#a &&
      port === this.#port &&
      b === this.#b &&
      c === this.#c &&
      d === this.#d &&
      bytes === this.#bytes
    ) {
      return this.#last;
    }
    const key = bytes === 4 ? a * 0x10000 + port : `${a},${b},${c},${d},${port}`;
    const peer = this.#known.get(key) ?? this.#add(key, word, bytes, port);
    this.#last = peer;
    this.#bytes = bytes;
    this.#port = port;
    this.#a = a;
    this.#b = b;
    this.#c = c;
    this.#d = d;
    return peer;
  }

  /** @param {number | string} key @param {number} word @param {number} bytes @param {number} port */
  #add(key, word, bytes, port) {
    const core = this.#core;
    const { address: start } = core;
    core.bytes.copyWithin(start, word * 4, word * 4 + bytes);
    const length = core.guard((call) => call.formatAddress(bytes)) ?? 0;
    const text = readText(core.bytes, start, start + length);
    const peer = this.#make(text, port, bytes === 4 ? 'IPv4' : 'IPv6');
    if (this.#known.size >= this.#most) this.#known.clear();
    this.#known.set(key, peer);
    return peer;
  }
}
