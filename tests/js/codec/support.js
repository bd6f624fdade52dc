// What the codec's tests share: bytes as hexadecimal, random input that is the same in every run, and a way
// to look at what a function throws.
import { expect } from '@jest/globals';

/** @param {string} hex */
export const fromHex = (hex) =>
  Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

/** @param {Uint8Array} bytes */
export const toHex = (bytes) =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');

/**
 * What `action` throws; fails where it throws nothing.
 *
 * @param {() => unknown} action
 * @returns {any}
 */
export function thrownBy(action) {
  let result;
  try {
    result = action();
  } catch (error) {
    return error;
  }
  throw new Error(`nothing was thrown; the result is ${String(result).slice(0, 200)}`);
}

/**
 * Expects a TypeError that names the argument.
 *
 * @param {() => unknown} call
 * @param {string} argument
 */
export function expectArgumentError(call, argument) {
  const error = thrownBy(call);
  expect(error).toBeInstanceOf(TypeError);
  expect(error).toMatchObject({ code: 'ERR_INVALID_ARGUMENT', argument });
  expect(error.message).toContain(`${argument} must be `);
}

/** For calls that TypeScript would refuse. @param {unknown} value @returns {any} */
export const as = (value) => value;

/** [first, <nothing>, last] @param {unknown} first @param {unknown} last */
export const withHole = (first, last) => as(Object.assign([first], { 2: last }));

// Looked up once: globals are slow to reach in Jest's contexts.
const { imul } = Math;

/** Random numbers from a seed (Mulberry32): a failing run can be had again. */
export class Random {
  #state;

  /** @param {number} seed */
  constructor(seed) {
    this.#state = seed;
  }

  /** A 32-bit number. */
  word() {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** An integer from 0 to `limit` - 1. @param {number} limit */
  below(limit) {
    return this.word() % limit;
  }

  /** @param {number} length */
  bytes(length) {
    const bytes = new Uint8Array(length);
    for (let i = 0, word = 0; i < length; i += 1, word >>>= 8) {
      if (i % 4 === 0) word = this.word();
      bytes[i] = word;
    }
    return bytes;
  }

  /**
   * @template T
   * @param {readonly T[]} list
   * @returns {T}
   */
  pick(list) {
    return /** @type {T} */ (list[this.below(list.length)]);
  }
}

/** A transaction ID for messages that are compared byte by byte. */
export const TRANSACTION_ID = Uint8Array.from({ length: 12 }, (_, i) => 0xa0 + i);
