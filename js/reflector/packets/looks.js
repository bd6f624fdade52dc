// Packets that look like STUN, RTP or nothing known, each with a mark inside. Those of SIP: sip.js. The same for both ends.

import { randomBytes } from 'node:crypto';
import { decode, encode } from '../../codec/index.js';
import { MARK_BYTES } from './marks.js';
import { marksOfSip } from './sip.js';

/** @typedef {import('../../codec/index.js').PreparedKey} PreparedKey */
/** @typedef {import('./marks.js').Look} Look */

/**
 * @typedef {object} Packet as it was read; nothing of it is proven
 * @property {Look} look
 * @property {readonly Uint8Array[]} marks one, or where a middlebox may have broken one of several, those
 * @property {Uint8Array} payload behind the mark; of random packets
 */

/** The handle and the number are the transaction id, the tag is a text of 16 characters that ICE allows. */
const TRANSACTION_ID_BYTES = 12;
const TAG_CHARACTERS = 16;
const BASE64_TAG = /^[A-Za-z\d+/]{16}(?::|$)/;
/** Type preference 126 (RFC 8445 section 5.1.2.2): as a browser's check from a host candidate. */
const PRIORITY = (126 << 24) | (65_535 << 8) | 255;

const RTP_HEADER_BYTES = 12;
/** 20 ms of G.711 (RFC 3551 section 4.5.14). */
export const RTP_BYTES = RTP_HEADER_BYTES + 160;
const SAMPLES = 160;
/** PCMU, and what browsers have for Opus. */
const PAYLOAD_TYPES = [0, 111];

/** Of no protocol that shares ports with media (RFC 7983 section 7, RFC 9443 section 3): 4 to 15; no line ends. */
export const FIRST_OF_RANDOM = 4;
const FIRSTS_OF_RANDOM = 6;
export const LEAST_RANDOM_BYTES = 1 + MARK_BYTES;

/**
 * A Binding request, as ICE sends them (RFC 8445 section 7.2.4), and so its answer.
 *
 * @param {Uint8Array} mark
 * @param {PreparedKey} key
 * @param {{ address: string, port: number }} [mapped] in an answer: whom it answers
 * @returns {Uint8Array}
 */
export function stunPacket(mark, key, mapped) {
  const tag = Buffer.from(mark.subarray(TRANSACTION_ID_BYTES)).toString('base64');
  const common = {
    method: /** @type {const} */ ('Binding'),
    transactionId: mark.subarray(0, TRANSACTION_ID_BYTES),
    key,
    fingerprint: true,
  };
  if (mapped !== undefined) {
    const attributes = { xorMappedAddress: mapped, software: tag };
    return encode({ ...common, class: 'success', attributes });
  }
  const attributes = {
    username: `${tag}:${randomBytes(3).toString('base64')}`,
    iceControlling: randomBytes(8).readBigUInt64BE(),
    priority: PRIORITY,
  };
  return encode({ ...common, class: 'request', attributes });
}

/**
 * @param {Uint8Array} mark
 * @param {number} number which one: sequence number and time follow
 * @returns {Uint8Array} RTP (RFC 3550 section 5.1), encrypted as it seems
 */
export function rtpPacket(mark, number) {
  const packet = randomBytes(RTP_BYTES);
  packet[0] = 2 << 6;
  packet[1] = PAYLOAD_TYPES[number % PAYLOAD_TYPES.length];
  packet.writeUInt16BE(number & 0xffff, 2);
  packet.writeUInt32BE((number * SAMPLES) % 2 ** 32, 4);
  // The handle stands for the synchronisation source: one for each session.
  packet.set(mark.subarray(4, 8), 8);
  packet.set(mark, RTP_HEADER_BYTES);
  return packet;
}

/**
 * @param {Uint8Array} mark
 * @param {number} bytes of all, LEAST_RANDOM_BYTES and what the payload takes at least
 * @param {Uint8Array} [payload]
 * @returns {Uint8Array}
 */
export function randomPacket(mark, bytes, payload) {
  const packet = randomBytes(bytes);
  packet[0] = FIRST_OF_RANDOM + (packet[0] % FIRSTS_OF_RANDOM);
  packet.set(mark, 1);
  if (payload !== undefined) packet.set(payload, LEAST_RANDOM_BYTES);
  return packet;
}

/** @param {Uint8Array} bytes @returns {Uint8Array | undefined} */
function markOfStun(bytes) {
  try {
    const message = decode(bytes);
    const { username, software } = message.attributes;
    const text = message.class === 'request' ? username : software;
    if (message.method !== 'Binding' || text === undefined || !BASE64_TAG.test(text)) {
      return undefined;
    }
    const tag = Buffer.from(text.slice(0, TAG_CHARACTERS), 'base64');
    return Buffer.concat([message.transactionId, tag]);
  } catch {
    return undefined;
  }
}

const NONE = new Uint8Array(0);

/**
 * What a packet may be of; whatever comes from the network can be given to it.
 *
 * @param {Uint8Array} bytes
 * @returns {Packet | undefined} undefined: nothing that we make
 */
export function readPacket(bytes) {
  const [first = 0xff] = bytes;
  if (first < FIRST_OF_RANDOM) {
    const mark = markOfStun(bytes);
    return mark && { look: 'stun', marks: [mark], payload: NONE };
  }
  if (first < FIRST_OF_RANDOM + FIRSTS_OF_RANDOM) {
    if (bytes.length < LEAST_RANDOM_BYTES) return undefined;
    const marks = [bytes.slice(1, LEAST_RANDOM_BYTES)];
    return { look: 'random', marks, payload: bytes.subarray(LEAST_RANDOM_BYTES) };
  }
  if (first >> 6 === 2) {
    if (bytes.length < RTP_HEADER_BYTES + MARK_BYTES) return undefined;
    const marks = [bytes.slice(RTP_HEADER_BYTES, RTP_HEADER_BYTES + MARK_BYTES)];
    return { look: 'rtp', marks, payload: NONE };
  }
  const marks = marksOfSip(bytes);
  return marks.length === 0 ? undefined : { look: 'sip', marks, payload: NONE };
}
