// Cutting a byte stream into messages. The core measures; what lies whole within a chunk is handed out
// as a slice of it, and only what spans two chunks is copied together.
import { argumentError, coreError } from '../errors.js';
import { isBytes, requireObject } from './arguments.js';
import { getCore } from './core.js';
import { DETAIL_SHIFT, ERROR_MASK, NUMBERS } from './layout.js';

/**
 * @typedef {object} Frame
 * @property {'stun' | 'channel-data'} type
 * @property {Uint8Array} bytes a STUN message; or ChannelData: 4 bytes of header and the data, without padding
 */

/** The longest STUN message, which is longer than the longest ChannelData. */
const MAX_FRAME_BYTES = 65552;
/** Enough to tell how long a frame is. */
const HEAD_BYTES = 4;

const NOTHING = new Uint8Array();

/**
 * Splits a TCP or TLS stream into STUN messages and ChannelData (RFC 8489 section 6.2.2, RFC 8656 section
 * 12.5). Holds at most one unfinished frame.
 */
export class StreamDeframer {
  #maxFrameBytes;
  /** Bytes of the stream that frames were made of. */
  #position = 0;
  /** An unfinished frame, in a buffer of at least its length. */
  #held = NOTHING;
  #heldLength = 0;
  /** What #held must grow to before the core can do more with it. */
  #needed = HEAD_BYTES;
  /** @type {import('../errors.js').PosternError | undefined} */
  #error;

  /**
   * @param {object} [options]
   * @param {number} [options.maxFrameBytes] longest frame to accept, 20 to 65,552 (default)
   * @throws {TypeError} ERR_INVALID_ARGUMENT
   */
  constructor(options = {}) {
    const { maxFrameBytes = MAX_FRAME_BYTES } = requireObject(options, 'options');
    if (!Number.isInteger(maxFrameBytes) || maxFrameBytes < 20 || maxFrameBytes > MAX_FRAME_BYTES) {
      throw argumentError('options.maxFrameBytes', `an integer from 20 to ${MAX_FRAME_BYTES}`);
    }
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** Bytes of an unfinished frame: a stream that ends while there are some was cut. */
  get pendingBytes() {
    return this.#heldLength;
  }

  /**
   * Takes the next bytes of the stream and returns the frames that are complete with them. Frames are
   * slices of `chunk` where they can be.
   *
   * @param {Uint8Array} chunk
   * @returns {Frame[]}
   * @throws {TypeError} ERR_INVALID_ARGUMENT
   * @throws {PosternError} ERR_STREAM_DESYNCHRONISED, ERR_STREAM_FRAME_TOO_LONG, with the `offset` in the stream
   *   of the frame that is none: now, or at the next call where good frames stand before it, and at every call
   *   after that; close the stream
   */
  push(chunk) {
    if (!isBytes(chunk)) throw argumentError('chunk', 'a Uint8Array');
    if (this.#error !== undefined) throw this.#error;
    /** @type {Frame[]} */
    const frames = [];
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#heldLength === 0) {
        rest = this.#cut(rest, frames);
        continue;
      }
      rest = this.#hold(rest);
      if (this.#heldLength < this.#needed) break;
      const held = this.#held.subarray(0, this.#heldLength);
      // The frame that is handed out keeps this buffer.
      this.#held = NOTHING;
      this.#heldLength = 0;
      this.#cut(held, frames);
    }
    return frames;
  }

  /**
   * Hands out the frames that lie whole in `bytes` and holds the beginning of the next one.
   *
   * @param {Uint8Array} bytes
   * @param {Frame[]} frames
   * @returns {Uint8Array} what the core had no room to look at yet
   */
  #cut(bytes, frames) {
    const core = getCore();
    const window = bytes.length > core.inputBytes ? bytes.subarray(0, core.inputBytes) : bytes;
    core.generation += 1;
    core.bytes.set(window, core.input);
    const count = core.call.split(window.length, this.#maxFrameBytes);
    if (count < 0) {
      this.#error = coreError(-count & ERROR_MASK, {
        offset: this.#position + (-count >>> DETAIL_SHIFT),
      });
      // Frames before the fault are good; the fault is told at the next call.
      if (frames.length === 0) throw this.#error;
      return NOTHING;
    }
    for (let i = 0; i < count; i += 1) {
      const start = core.words[core.batchWord + 2 * i];
      const content = core.words[core.batchWord + 2 * i + 1] | 0;
      const type = content < 0 ? 'channel-data' : 'stun';
      frames.push({ type, bytes: bytes.subarray(start, start + Math.abs(content)) });
    }
    const used = core.words[core.wordsWord + NUMBERS];
    const needed = core.words[core.wordsWord + NUMBERS + 1];
    this.#position += used;
    const rest = bytes.subarray(used);
    // The core looks at more of it: it had no room to, or refuses a first byte that begins no frame only
    // where it begins.
    if (needed === 0 && count > 0) return rest;
    if (needed > 0 && rest.length > window.length - used) return rest;
    this.#needed = needed > 0 ? needed : HEAD_BYTES;
    return this.#hold(rest);
  }

  /**
   * Takes as much of `bytes` as the unfinished frame needs.
   *
   * @param {Uint8Array} bytes
   * @returns {Uint8Array} the rest
   */
  #hold(bytes) {
    const count = Math.min(bytes.length, this.#needed - this.#heldLength);
    const length = this.#heldLength + count;
    if (this.#held.length < length) {
      // Doubled, not made as large as the header claims: memory follows the bytes that really came.
      const grown = new Uint8Array(Math.min(this.#needed, Math.max(length, 2 * this.#held.length)));
      grown.set(this.#held.subarray(0, this.#heldLength));
      this.#held = grown;
    }
    this.#held.set(bytes.subarray(0, count), this.#heldLength);
    this.#heldLength = length;
    return bytes.subarray(count);
  }
}
