// Packets in a stream of TCP: where each ends. STUN and SIP say so themselves; RTP is framed as RFC 4571 has it; what looks
// like nothing has its length behind the mark, hidden by it.

import { FIRST_OF_RANDOM, LEAST_RANDOM_BYTES } from './looks.js';
import { MAX_SIP_BYTES, sipLength } from './sip.js';

/** @typedef {import('./marks.js').Look} Look */

export const MAX_STREAM_BYTES = MAX_SIP_BYTES;
const MAGIC_COOKIE = 0x2112a442;
const STUN_HEADER_BYTES = 20;
const COOKIE_END = 8;
const FRAME_BYTES = 2;
const FIRST_LETTER = 0x41;

/** What the length is hidden with: the end of the mark. @param {Uint8Array} packet of random look */
const maskOf = (packet) => (packet[LEAST_RANDOM_BYTES - 2] << 8) | packet[LEAST_RANDOM_BYTES - 1];

/**
 * @param {Look} look
 * @param {Uint8Array} packet of that look; one of random look is LEAST_RANDOM_BYTES and two long at least
 * @returns {Uint8Array} as it goes into the stream
 */
export function toStream(look, packet) {
  if (look === 'stun' || look === 'sip') return packet;
  if (look === 'rtp') return Buffer.concat([Uint8Array.of(0, packet.length), packet]);
  const framed = Uint8Array.from(packet);
  const hidden = packet.length ^ maskOf(packet);
  framed.set([hidden >> 8, hidden & 0xff], LEAST_RANDOM_BYTES);
  return framed;
}

/**
 * The first packet of a stream.
 *
 * @param {Uint8Array} bytes that have come
 * @returns {{ packet: Uint8Array, length: number } | undefined | null} `length` of it in the stream; undefined: more is
 *   needed; null: it will never be one
 */
export function fromStream(bytes) {
  const [first = 0] = bytes;
  if (first >= FIRST_LETTER) return endAt(bytes, sipLength(bytes));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (first >= FIRST_OF_RANDOM) {
    if (bytes.length < LEAST_RANDOM_BYTES + FRAME_BYTES) return undefined;
    return endAt(bytes, view.getUint16(LEAST_RANDOM_BYTES) ^ maskOf(bytes));
  }
  if (bytes.length < COOKIE_END) return undefined;
  if (view.getUint32(COOKIE_END - 4) === MAGIC_COOKIE) {
    return endAt(bytes, STUN_HEADER_BYTES + view.getUint16(2));
  }
  return endAt(bytes, FRAME_BYTES + view.getUint16(0), FRAME_BYTES);
}

/** @param {Uint8Array} bytes @param {number | undefined} length @param {number} [from] where the packet begins */
function endAt(bytes, length, from = 0) {
  if (length === undefined) return bytes.length > MAX_STREAM_BYTES ? null : undefined;
  if (length <= from || length > MAX_STREAM_BYTES) return null;
  return bytes.length < length ? undefined : { packet: bytes.subarray(from, length), length };
}
