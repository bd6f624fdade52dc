// The newer format of captures: draft-ietf-opsawg-pcapng.
import { CaptureError } from './capture-error.js';
import { MAX_PACKET_BYTES, viewOf } from './pcap.js';

/** @typedef {import('./pcap.js').Packet} Packet */
/** @typedef {{ linkType: number, snapLength: number, perSecond: bigint, offsetSeconds: number }} Interface */

const BLOCK = { section: 0x0a0d0d0a, interface: 1, simplePacket: 3, enhancedPacket: 6 };
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
/** Type, length, and the length again behind the body. */
const BLOCK_FRAME_BYTES = 12;
const OPTION = { end: 0, timeResolution: 9, timeOffset: 14 };
/** Ours, so that a file cannot make this process hold more. */
const MAX_INTERFACES = 1024;

/** The type of a section header reads the same in both byte orders. @param {Uint8Array} bytes */
export const isPcapng = (bytes) =>
  bytes.length >= 4 && viewOf(bytes).getUint32(0) === BLOCK.section;

/** @param {number} resolution the value of if_tsresol: a power of ten, or of two with the upper bit */
const unitsPerSecond = (resolution) =>
  resolution & 0x80 ? 2n ** BigInt(resolution & 0x7f) : 10n ** BigInt(resolution);

/**
 * @param {DataView} body of an Interface Description Block
 * @param {boolean} isLittle
 * @returns {Interface}
 */
function readInterface(body, isLittle) {
  const found = {
    linkType: body.getUint16(0, isLittle),
    snapLength: body.getUint32(4, isLittle),
    perSecond: 1_000_000n,
    offsetSeconds: 0,
  };
  for (let at = 8; at + 4 <= body.byteLength; ) {
    const code = body.getUint16(at, isLittle);
    const length = body.getUint16(at + 2, isLittle);
    if (code === OPTION.end || at + 4 + length > body.byteLength) break;
    if (code === OPTION.timeResolution && length === 1) {
      found.perSecond = unitsPerSecond(body.getUint8(at + 4));
    }
    if (code === OPTION.timeOffset && length === 8) {
      found.offsetSeconds = Number(body.getBigInt64(at + 4, isLittle));
    }
    at += 4 + ((length + 3) & ~3);
  }
  return found;
}

/** The least that the body of a block holds. @type {Record<number, number>} */
const LEAST_BODY = {
  [BLOCK.section]: 16,
  [BLOCK.interface]: 8,
  [BLOCK.simplePacket]: 4,
  [BLOCK.enhancedPacket]: 20,
};

/**
 * @param {Uint8Array} bytes a file for which isPcapng() is true
 * @returns {Generator<Packet>}
 * @throws {CaptureError} after the packets before the fault
 */
export function* readPcapng(bytes) {
  const view = viewOf(bytes);
  let isLittle = true;
  /** Of this section. @type {Interface[]} */
  let interfaces = [];
  let number = 0;
  for (let at = 0; at < bytes.length; ) {
    if (bytes.length - at < BLOCK_FRAME_BYTES) throw new CaptureError('A block is cut short', at);
    if (view.getUint32(at) === BLOCK.section) {
      isLittle = view.getUint32(at + 8, true) === BYTE_ORDER_MAGIC;
      if (!isLittle && view.getUint32(at + 8) !== BYTE_ORDER_MAGIC) {
        throw new CaptureError('A section does not say its byte order', at + 8);
      }
      interfaces = [];
    }
    const type = view.getUint32(at, isLittle);
    const length = view.getUint32(at + 4, isLittle);
    const least = BLOCK_FRAME_BYTES + (LEAST_BODY[type] ?? 0);
    if (length % 4 !== 0 || length < least) {
      throw new CaptureError(
        `A block has the length ${length}, which none of its type has`,
        at + 4,
      );
    }
    if (length > bytes.length - at) throw new CaptureError('A block is cut short', at);
    const start = at + 8;
    const body = new DataView(bytes.buffer, bytes.byteOffset + start, length - BLOCK_FRAME_BYTES);
    if (type === BLOCK.interface) {
      if (interfaces.length === MAX_INTERFACES) {
        throw new CaptureError(`There are more than ${MAX_INTERFACES} interfaces`, at);
      }
      interfaces.push(readInterface(body, isLittle));
    }
    if (type === BLOCK.enhancedPacket || type === BLOCK.simplePacket) {
      number += 1;
      yield readPacket(type, { bytes, body, start, isLittle, interfaces, number });
    }
    at += length;
  }
}

/**
 * @param {number} type
 * @param {{ bytes: Uint8Array, body: DataView, start: number, isLittle: boolean, interfaces: Interface[],
 *   number: number }} block
 * @returns {Packet}
 */
function readPacket(type, { bytes, body, start, isLittle, interfaces, number }) {
  const isSimple = type === BLOCK.simplePacket;
  const index = isSimple ? 0 : body.getUint32(0, isLittle);
  const origin = interfaces[index];
  if (origin === undefined) {
    throw new CaptureError(`Packet ${number} is of interface ${index}, which is not there`, start);
  }
  const { linkType, snapLength, perSecond, offsetSeconds } = origin;
  const original = body.getUint32(isSimple ? 0 : 16, isLittle);
  const header = isSimple ? 4 : 20;
  const captured = isSimple
    ? Math.min(original, snapLength || original)
    : body.getUint32(12, isLittle);
  if (captured > MAX_PACKET_BYTES) {
    throw new CaptureError(`Packet ${number} claims ${captured} bytes`, start);
  }
  if (captured > body.byteLength - header) {
    throw new CaptureError(`Packet ${number} is longer than its block`, start);
  }
  return {
    number,
    seconds: isSimple ? undefined : secondsOf(body, isLittle, perSecond) + offsetSeconds,
    linkType,
    bytes: bytes.subarray(start + header, start + header + captured),
    isCut: captured < original,
  };
}

/** More digits than a number has: whole seconds and the rest, each by itself. @param {DataView} body @param {boolean} isLittle @param {bigint} perSecond */
function secondsOf(body, isLittle, perSecond) {
  const ticks = (BigInt(body.getUint32(4, isLittle)) << 32n) | BigInt(body.getUint32(8, isLittle));
  return Number(ticks / perSecond) + Number(ticks % perSecond) / Number(perSecond);
}
