// The inbox: what happened since the last call, one record after the other.

import { INPUT_WORDS } from './layout.js';

/** @typedef {import('./addresses.js').PackedAddress} PackedAddress */
/** @typedef {import('./base-core.js').AnyCore} Core */

const NOTHING = new Uint8Array();

export class Inbox {
  #core;
  /** Where the next record goes. */
  #at;
  /** The payloads of the records, in their order: outputs name them by number. @type {Uint8Array[]} */
  inputs = [];
  #count = 0;

  /** @param {Core} core */
  constructor(core) {
    this.#core = core;
    this.#at = core.inbox;
  }

  get isEmpty() {
    return this.#at === this.#core.inbox;
  }

  /** Bytes of payload, padding included, that there is room for; negative where not even a record has any. */
  get room() {
    return this.#core.inboxEnd - this.#at - INPUT_WORDS * 4;
  }

  /**
   * Lays down a record. There has to be room for its payload and the address.
   *
   * @param {number} input one of INPUT
   * @param {number} handle
   * @param {Uint8Array} bytes
   * @param {number} port
   * @param {PackedAddress} address
   */
  push(input, handle, bytes, port, address) {
    const { words } = this.#core;
    const length = bytes.length + address.bytes;
    let word = this.#at >> 2;
    words[word] = input;
    words[word + 1] = handle;
    words[word + 2] = length;
    words[word + 3] = port;
    words[word + 4] = address.bytes;
    word += INPUT_WORDS;
    if (address.bytes > 0) {
      words[word] = address.a;
      if (address.bytes > 4) {
        words[word + 1] = address.b;
        words[word + 2] = address.c;
        words[word + 3] = address.d;
      }
    }
    this.#core.bytes.set(bytes, word * 4 + address.bytes);
    this.#at = word * 4 + ((length + 3) & ~3);
    this.inputs[this.#count] = bytes;
    this.#count += 1;
  }

  /** Empties it, and returns how many bytes were in it. `inputs` stay until they are forgotten. */
  take() {
    const bytes = this.#at - this.#core.inbox;
    this.#at = this.#core.inbox;
    return bytes;
  }

  /** The list keeps its length: to make it anew costs more than a message. */
  forgetInputs() {
    for (let i = 0; i < this.#count; i += 1) this.inputs[i] = NOTHING;
    this.#count = 0;
  }
}
