// The texts that follow an event's record: addresses first, then others, one behind the other.

import { readText } from '../codec/text.js';
import { NO_ROUND_TRIP } from './layout.js';

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */

export class RecordTexts {
  #core;
  #at;

  /** @param {import('./base-core.js').AnyCore} core @param {number} word where the first one begins */
  constructor(core, word) {
    this.#core = core;
    this.#at = word * 4;
  }

  /** @param {number} word of the OutputAddress structs @param {number} count */
  addresses(word, count) {
    /** @type {(TransportAddress | undefined)[]} */
    const addresses = [];
    for (let i = 0; i < count; i += 1) {
      const port = this.#core.words[word + 2 * i];
      const address = this.#text(this.#core.words[word + 2 * i + 1]);
      const family = address.includes(':') ? 'IPv6' : 'IPv4';
      addresses.push(address === '' ? undefined : { address, port, family });
    }
    return addresses;
  }

  /** @param {number} word of the lengths @param {number} count */
  texts(word, count) {
    const texts = [];
    for (let i = 0; i < count; i += 1) texts.push(this.#text(this.#core.words[word + i]));
    return texts;
  }

  /** @param {number} length */
  #text(length) {
    this.#at += length;
    return readText(this.#core.bytes, this.#at - length, this.#at);
  }
}

/** @param {number} microseconds as in a record @returns {number | null} */
export const roundTripMs = (microseconds) =>
  microseconds === NO_ROUND_TRIP ? null : microseconds / 1000;
