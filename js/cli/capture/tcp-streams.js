// TCP connections of a capture: their bytes in order, cut into messages.
import { classify, StreamDeframer } from '../../codec/index.js';

/** @typedef {import('../../codec/index.js').Frame} Frame */
/** @typedef {import('../../errors.js').PosternError} PosternError */
/** @typedef {import('./ip.js').Segment} Segment */

// Ours, so that a capture cannot make this process hold more.
const MAX_STREAMS = 4096;
/** Segments of one stream that wait for an earlier one. */
const MAX_WAITING = 256;

/**
 * @typedef {object} Stream one direction of a connection
 * @property {StreamDeframer} deframer
 * @property {number} next sequence number of the next byte in order
 * @property {Map<number, Uint8Array>} waiting segments behind a gap, by sequence number
 * @property {boolean} hasBegun its first bytes were looked at
 * @property {boolean} isStun a message was whole
 * @property {'read' | 'ignored'} state 'ignored': of another protocol, or broken
 */

/** How far `sequence` is ahead of `from`, from -2^31 to 2^31 - 1 (RFC 9293 section 3.4). @param {number} sequence @param {number} from */
const distance = (sequence, from) => (sequence - from) | 0;

/** @typedef {{ frames: Frame[], error?: PosternError }} Found */

const NO_BYTES = new Uint8Array();
/** @type {Found} */
const NOTHING = { frames: [] };

/** The streams of a capture, as far as they are in it. */
export class TcpStreams {
  /** @type {Map<string, Stream>} */ #streams = new Map();
  /** Streams that were not read further: they hold another protocol, or bytes are missing. */
  ignored = 0;

  /**
   * @param {Segment} segment
   * @returns {Found} the messages that are whole with it; `error` where the stream stops making sense
   */
  push({ source, destination, payload, isWhole, sequence, isSyn }) {
    const key = `${source.address} ${source.port} ${destination.address} ${destination.port}`;
    let stream = this.#streams.get(key);
    if (isSyn || stream === undefined) {
      if (!isSyn && payload.length === 0) return NOTHING;
      stream = this.#begin(key, isSyn ? (sequence + 1) >>> 0 : sequence);
      if (stream === undefined) return NOTHING;
    }
    if (stream.state === 'ignored' || payload.length === 0) return NOTHING;
    if (!isWhole || stream.waiting.size === MAX_WAITING) return this.#ignore(stream);
    const start = isSyn ? (sequence + 1) >>> 0 : sequence;
    stream.waiting.set(start, longer(stream.waiting.get(start), payload));
    return this.#drain(stream);
  }

  /** @param {string} key @param {number} next @returns {Stream | undefined} */
  #begin(key, next) {
    if (this.#streams.size === MAX_STREAMS && !this.#streams.has(key)) {
      this.ignored += 1;
      return undefined;
    }
    const deframer = new StreamDeframer();
    /** @type {Stream} */
    const stream = {
      deframer,
      next,
      waiting: new Map(),
      hasBegun: false,
      isStun: false,
      state: 'read',
    };
    this.#streams.set(key, stream);
    return stream;
  }

  /** @param {Stream} stream @param {PosternError} [error] @returns {Found} */
  #ignore(stream, error) {
    this.ignored += 1;
    stream.state = 'ignored';
    stream.waiting.clear();
    // What never was STUN is no fault.
    return stream.isStun && error ? { frames: [], error } : NOTHING;
  }

  /** @param {Stream} stream @returns {Found} */
  #drain(stream) {
    /** @type {Frame[]} */
    const frames = [];
    for (let chunk = takeNext(stream); chunk !== undefined; chunk = takeNext(stream)) {
      if (!stream.hasBegun && !['stun', 'turn-channel'].includes(classify(chunk))) {
        this.#ignore(stream);
        break;
      }
      stream.hasBegun = true;
      try {
        frames.push(...stream.deframer.push(chunk));
        if (frames.length > 0) stream.isStun = true;
        // Faults behind good messages are told at the next call.
        stream.deframer.push(NO_BYTES);
      } catch (error) {
        const { error: told } = this.#ignore(stream, /** @type {PosternError} */ (error));
        return { frames, error: told };
      }
    }
    return { frames };
  }
}

/** @param {Uint8Array | undefined} a @param {Uint8Array} b */
const longer = (a, b) => (a !== undefined && a.length > b.length ? a : b);

/** The bytes that come next, out of what waits; what was sent again is left out. @param {Stream} stream */
function takeNext(stream) {
  for (const [sequence, bytes] of stream.waiting) {
    const ahead = distance(sequence, stream.next);
    if (ahead > 0) continue;
    stream.waiting.delete(sequence);
    const fresh = bytes.subarray(Math.min(bytes.length, -ahead));
    if (fresh.length === 0) continue;
    stream.next = (stream.next + fresh.length) >>> 0;
    return fresh;
  }
  return undefined;
}
