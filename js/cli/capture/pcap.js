// The classic format of captures: draft-ietf-opsawg-pcap.
import { CaptureError } from './capture-error.js';

/**
 * One packet of a capture.
 *
 * @typedef {object} Packet
 * @property {number} number in the file, from 1
 * @property {number | undefined} seconds since 1970, with a fraction; undefined where the file does not say
 * @property {number} linkType LINKTYPE_ value
 * @property {Uint8Array} bytes as far as they were captured
 * @property {boolean} isCut the packet was longer than what was captured
 */

const FILE_HEADER_BYTES = 24;
const PACKET_HEADER_BYTES = 16;
/** Ours: no network carries longer packets, so a longer one is a file gone wrong. */
export const MAX_PACKET_BYTES = 1 << 20;

/** Magic number, as a big-endian reader sees it: byte order, and time units in a second. */
const MAGIC = new Map([
  [0xa1b2c3d4, { isLittle: false, perSecond: 1e6 }],
  [0xd4c3b2a1, { isLittle: true, perSecond: 1e6 }],
  [0xa1b23c4d, { isLittle: false, perSecond: 1e9 }],
  [0x4d3cb2a1, { isLittle: true, perSecond: 1e9 }],
]);

/** @param {Uint8Array} bytes */
export const viewOf = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** @param {Uint8Array} bytes */
export const isPcap = (bytes) => bytes.length >= 4 && MAGIC.has(viewOf(bytes).getUint32(0));

/**
 * @param {Uint8Array} bytes a file for which isPcap() is true
 * @returns {Generator<Packet>}
 * @throws {CaptureError} after the packets before the fault
 */
export function* readPcap(bytes) {
  const view = viewOf(bytes);
  const { isLittle, perSecond } = /** @type {{ isLittle: boolean, perSecond: number }} */ (
    MAGIC.get(view.getUint32(0))
  );
  if (bytes.length < FILE_HEADER_BYTES) {
    throw new CaptureError('The header of the pcap file is cut short', bytes.length);
  }
  // The upper bits tell of a frame check sequence.
  const linkType = view.getUint32(20, isLittle) & 0x0fffffff;
  let number = 0;
  for (let at = FILE_HEADER_BYTES; at < bytes.length; ) {
    number += 1;
    if (bytes.length - at < PACKET_HEADER_BYTES) {
      throw new CaptureError(`The header of packet ${number} is cut short`, at);
    }
    const captured = view.getUint32(at + 8, isLittle);
    const original = view.getUint32(at + 12, isLittle);
    const start = at + PACKET_HEADER_BYTES;
    if (captured > MAX_PACKET_BYTES) {
      throw new CaptureError(`Packet ${number} claims ${captured} bytes`, at + 8);
    }
    if (captured > bytes.length - start) {
      throw new CaptureError(`Packet ${number} is cut short`, start);
    }
    yield {
      number,
      seconds: view.getUint32(at, isLittle) + view.getUint32(at + 4, isLittle) / perSecond,
      linkType,
      bytes: bytes.subarray(start, start + captured),
      isCut: captured < original,
    };
    at = start + captured;
  }
}
