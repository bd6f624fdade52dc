import { FORM_RAW, JOB_WORDS, RECORD_WORDS } from './layout.js';
import { writeText } from './text.js';

/** @typedef {import('./core.js').Core} Core */

/** Words at the end of the arena that take what has no room: nothing that counts is written over. */
const SPARE_BYTES = 4 * Math.max(JOB_WORDS, RECORD_WORDS);

/** No attribute is longer (RFC 8489 section 14). */
const MAX_VALUE_BYTES = 0xffff;

/**
 * Where encode() is in the core's memory. `at` counts bytes; what does not fit leaves `overflow` true.
 */
export class RecordWriter {
  /** @param {Core} core */
  constructor(core) {
    this.core = core;
    this.at = core.input;
    this.end = core.input + core.inputBytes - SPARE_BYTES;
    this.overflow = false;
    /** The core's, when the writing began. */
    this.generation = core.generation;
  }

  /** Starts at the beginning of the input arena. */
  reset() {
    this.at = this.core.input;
    this.overflow = false;
  }

  /**
   * Room for the words of a header; the index of the first one.
   *
   * @param {number} count
   */
  takeWords(count) {
    const word = this.at >> 2;
    this.at += count * 4;
    if (this.at > this.end) {
      this.overflow = true;
      this.at = this.end;
      return this.end >> 2;
    }
    return word;
  }

  /**
   * A record of numbers and no bytes.
   *
   * @param {number} type
   * @param {number} [a]
   * @param {number} [b]
   * @param {number} [c]
   */
  numbers(type, a = 0, b = 0, c = 0) {
    const { words } = this.core;
    const word = this.takeWords(RECORD_WORDS);
    words[word] = type;
    words[word + 1] = 0;
    words[word + 2] = 0;
    words[word + 3] = a;
    words[word + 4] = b;
    words[word + 5] = c;
    words[word + 6] = 0;
    return word;
  }

  /**
   * Appends bytes to the record that begins at `word`.
   *
   * @param {number} word
   * @param {Uint8Array} bytes
   */
  bytes(word, bytes) {
    const length = bytes.length;
    if (length > MAX_VALUE_BYTES || length > this.end - this.at - 3) {
      this.overflow = true;
      return;
    }
    this.core.bytes.set(bytes, this.at);
    this.finishBytes(word, length);
  }

  /**
   * @param {number} word
   * @param {string} value
   */
  text(word, value) {
    const length = writeText(this.core.bytes, this.at, this.end - 3, value);
    if (length < 0 || length > MAX_VALUE_BYTES) {
      this.overflow = true;
      return;
    }
    this.finishBytes(word, length);
  }

  /**
   * @param {number} word
   * @param {number} length
   */
  finishBytes(word, length) {
    this.core.words[word + 2] = length;
    this.at += (length + 3) & ~3;
  }

  /**
   * @param {number} type
   * @param {Uint8Array} bytes
   */
  raw(type, bytes) {
    const word = this.numbers(type);
    this.core.words[word + 1] = FORM_RAW;
    this.bytes(word, bytes);
  }
}
