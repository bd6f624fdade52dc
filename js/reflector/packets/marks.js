// What tells a packet of a session's from any other: who, what for, which one; and a tag that only the session's key makes.

import { createHmac, timingSafeEqual } from 'node:crypto';

/** What a packet looks like. @typedef {'stun' | 'rtp' | 'sip' | 'random'} Look */
/** @typedef {'probe' | 'answer' | 'up' | 'down' | 'hello' | 'token'} Kind */

/**
 * Where a packet meets the reflector.
 *
 * @typedef {object} Place
 * @property {'udp' | 'tcp'} transport
 * @property {number} port of the reflector
 */

/** Of a session. @typedef {{ handle: Uint8Array, key: Uint8Array }} Keys */

/**
 * - probe, answer: one for one, of the same look
 * - up, down: data of a flow
 * - hello, token: the client asks for proof that it is where it sends from; what proves it
 *
 * @type {readonly Kind[]}
 */
const KINDS = ['probe', 'answer', 'up', 'down', 'hello', 'token'];
/** @type {readonly Look[]} */
export const LOOKS = ['stun', 'rtp', 'sip', 'random'];

export const HANDLE_BYTES = 8;
const NUMBER_BYTES = 4;
const TAG_BYTES = 12;
export const MARK_BYTES = HANDLE_BYTES + NUMBER_BYTES + TAG_BYTES;
/** A tag that is guessed once in 2^96 needs no more; HMAC may be cut to half its length (RFC 2104 section 5). */
const HASH = 'sha256';

/** The kind has three bits of 32. */
const NUMBER_BITS = 29;
export const MAX_NUMBER = 2 ** NUMBER_BITS - 1;

/** A number within a flow, of the kinds up and down: the flow has five bits. */
const SEQUENCE_BITS = 24;
export const MAX_SEQUENCE = 2 ** SEQUENCE_BITS - 1;
export const MAX_FLOWS = 2 ** (NUMBER_BITS - SEQUENCE_BITS);

/** @param {number} flow @param {number} sequence */
export const flowNumber = (flow, sequence) => flow * 2 ** SEQUENCE_BITS + sequence;

/** @param {number} number */
export const partsOfFlowNumber = (number) => ({
  flow: Math.floor(number / 2 ** SEQUENCE_BITS),
  sequence: number & MAX_SEQUENCE,
});

/**
 * The tag covers where the packet goes and what it looks like, and nothing else of it: what a middlebox rewrites in a
 * packet is what we want to learn.
 *
 * @param {Uint8Array} key
 * @param {Uint8Array} head handle and number
 * @param {Look} look
 * @param {Place} place
 */
const tagOf = (key, head, look, { transport, port }) =>
  createHmac(HASH, key)
    .update(
      Uint8Array.of(transport === 'tcp' ? 6 : 17, LOOKS.indexOf(look), port >> 8, port & 0xff),
    )
    .update(head)
    .digest()
    .subarray(0, TAG_BYTES);

/**
 * @param {Keys} keys
 * @param {Kind} kind
 * @param {number} number fresh, 0 to MAX_NUMBER
 * @param {Look} look
 * @param {Place} place
 * @returns {Uint8Array} MARK_BYTES
 */
export function writeMark({ handle, key }, kind, number, look, place) {
  const mark = new Uint8Array(MARK_BYTES);
  mark.set(handle);
  const word = KINDS.indexOf(kind) * 2 ** NUMBER_BITS + number;
  new DataView(mark.buffer).setUint32(HANDLE_BYTES, word);
  const head = mark.subarray(0, HANDLE_BYTES + NUMBER_BYTES);
  mark.set(tagOf(key, head, look, place), head.length);
  return mark;
}

/** Whose it says it is. @param {Uint8Array} mark @returns {string} */
export const handleOf = (mark) => Buffer.from(mark.subarray(0, HANDLE_BYTES)).toString('hex');

/**
 * @param {Uint8Array} mark
 * @param {Uint8Array} key of the session whose handle it has
 * @param {Look} look
 * @param {Place} place
 * @returns {{ kind: Kind, number: number } | undefined} undefined: somebody else made it
 */
export function readMark(mark, key, look, place) {
  const head = mark.subarray(0, HANDLE_BYTES + NUMBER_BYTES);
  if (!timingSafeEqual(mark.subarray(head.length), tagOf(key, head, look, place))) return undefined;
  const word = new DataView(mark.buffer, mark.byteOffset).getUint32(HANDLE_BYTES);
  const kind = KINDS[Math.floor(word / 2 ** NUMBER_BITS)];
  return kind === undefined ? undefined : { kind, number: word % 2 ** NUMBER_BITS };
}
