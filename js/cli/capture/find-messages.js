// Every STUN message and all ChannelData of an input, and what looks like one but is none.
import { classify, decode, StreamDeframer } from '../../codec/index.js';
import { PosternError } from '../../errors.js';
import { CaptureError } from './capture-error.js';
import { readIp } from './ip.js';
import { ipPacketOf, isKnownLinkType } from './link-layer.js';
import { isPcap, readPcap, viewOf } from './pcap.js';
import { isPcapng, readPcapng } from './pcapng.js';
import { TcpStreams } from './tcp-streams.js';

/** @typedef {import('../../codec/index.js').Message} Message */
/** @typedef {import('./ip.js').Place} Place */
/** @typedef {import('./pcap.js').Packet} Packet */

/**
 * Where a message was found.
 *
 * @typedef {object} Origin
 * @property {number} [packet] its number in the capture
 * @property {number} [seconds] when, since 1970
 * @property {'udp' | 'tcp'} [transport]
 * @property {Place} [source]
 * @property {Place} [destination]
 * @property {number} [offset] in the bytes that were given, where they are no capture
 */

/** @typedef {{ type: 'stun', message: Message, origin: Origin }} StunEntry */
/** @typedef {{ type: 'channel-data', channel: number, data: Uint8Array, origin: Origin }} ChannelDataEntry */
/** @typedef {{ type: 'malformed', code: string, sentence: string, offset: number, origin: Origin }} MalformedEntry */
/** @typedef {StunEntry | ChannelDataEntry | MalformedEntry} Entry */

/**
 * What of a capture brought no message.
 *
 * @typedef {object} Skipped
 * @property {number} packets read in all
 * @property {number} other packets of other protocols
 * @property {number} fragments of IP, which are not put together
 * @property {number} cut packets that the capture has only the beginning of
 * @property {number} unknownLinkTypes packets
 * @property {number} streams of TCP that hold another protocol, or of which bytes are missing
 */

const COOKIE = 0x2112a442;
const CHANNEL_DATA_HEADER_BYTES = 4;
/** ChannelData over UDP may be padded too (RFC 8656 section 12.5). */
const MAX_PADDING_BYTES = 3;

/** @returns {Skipped} */
export const nothingSkipped = () => ({
  packets: 0,
  other: 0,
  fragments: 0,
  cut: 0,
  unknownLinkTypes: 0,
  streams: 0,
});

/** @param {unknown} error of the codec @param {Origin} origin @returns {MalformedEntry} */
function malformed(error, origin) {
  if (!(error instanceof PosternError)) throw error;
  const { code, message, offset = 0 } = /** @type {PosternError} */ (error);
  return { type: 'malformed', code, sentence: message, offset, origin };
}

/** @param {Uint8Array} bytes with its header @param {Origin} origin @returns {ChannelDataEntry} */
function channelData(bytes, origin) {
  const view = viewOf(bytes);
  const end = CHANNEL_DATA_HEADER_BYTES + view.getUint16(2);
  const data = bytes.subarray(CHANNEL_DATA_HEADER_BYTES, end);
  return { type: 'channel-data', channel: view.getUint16(0), data, origin };
}

/** @param {Uint8Array} bytes @param {Origin} origin @param {boolean} allowClassic @returns {StunEntry | MalformedEntry} */
function stunMessage(bytes, origin, allowClassic) {
  try {
    return { type: 'stun', message: decode(bytes, { allowClassic }), origin };
  } catch (error) {
    return malformed(error, origin);
  }
}

/** @param {Uint8Array} bytes */
const isWholeChannelData = (bytes) => {
  if (bytes.length < CHANNEL_DATA_HEADER_BYTES || classify(bytes) !== 'turn-channel') return false;
  const padding = bytes.length - CHANNEL_DATA_HEADER_BYTES - viewOf(bytes).getUint16(2);
  return padding >= 0 && padding <= MAX_PADDING_BYTES;
};

/**
 * @param {Uint8Array} payload of a UDP datagram
 * @param {Origin} origin
 * @returns {Entry | undefined} undefined for other protocols: without the magic cookie nothing tells a bad message
 *   of STUN from a good one of another protocol
 */
function fromDatagram(payload, origin) {
  if (isWholeChannelData(payload)) return channelData(payload, origin);
  const hasCookie = payload.length >= 8 && viewOf(payload).getUint32(4) === COOKIE;
  if (!hasCookie || classify(payload) !== 'stun') return undefined;
  return stunMessage(payload, origin, false);
}

/**
 * The messages of a capture.
 *
 * @param {Iterable<Packet>} packets
 * @param {Skipped} skipped is counted up
 * @returns {Generator<Entry>}
 */
function* fromPackets(packets, skipped) {
  const streams = new TcpStreams();
  for (const { number, seconds, linkType, bytes, isCut } of packets) {
    skipped.packets += 1;
    if (!isKnownLinkType(linkType)) {
      skipped.unknownLinkTypes += 1;
      continue;
    }
    const ip = ipPacketOf(linkType, bytes);
    const read = ip === undefined || ip.length === 0 ? undefined : readIp(ip);
    if (read?.protocol === 'fragment') skipped.fragments += 1;
    if (read?.protocol !== 'udp' && read?.protocol !== 'tcp') {
      if (read?.protocol !== 'fragment') skipped.other += 1;
      continue;
    }
    const { protocol: transport, source, destination } = read;
    const origin = { packet: number, seconds, transport, source, destination };
    if (transport === 'udp') {
      const entry = isCut && !read.isWhole ? undefined : fromDatagram(read.payload, origin);
      if (entry !== undefined) yield entry;
      else if (!read.isWhole) skipped.cut += 1;
      else skipped.other += 1;
      continue;
    }
    const { frames, error } = streams.push(read);
    for (const frame of frames) {
      yield frame.type === 'stun'
        ? stunMessage(frame.bytes, origin, false)
        : channelData(frame.bytes, origin);
    }
    if (error !== undefined) yield malformed(error, origin);
    skipped.streams = streams.ignored;
  }
}

/**
 * The messages of bytes that are no capture: one message, or a stream of them.
 *
 * @param {Uint8Array} bytes
 * @param {boolean} allowClassic
 * @returns {Generator<Entry>}
 */
function* fromBytes(bytes, allowClassic) {
  if (isWholeChannelData(bytes)) {
    yield channelData(bytes, { offset: 0 });
    return;
  }
  const one = stunMessage(bytes, { offset: 0 }, allowClassic);
  const isStream =
    one.type === 'malformed' &&
    (one.code === 'ERR_STUN_TRAILING_BYTES' || classify(bytes) === 'turn-channel');
  if (!isStream) {
    yield one;
    return;
  }
  const deframer = new StreamDeframer();
  let good = 0;
  try {
    for (const { type, bytes: frame } of deframer.push(bytes)) {
      const offset = good;
      good += (frame.length + 3) & ~3;
      yield type === 'stun'
        ? stunMessage(frame, { offset }, allowClassic)
        : channelData(frame, { offset });
    }
    // Faults behind good messages are told at the next call.
    deframer.push(new Uint8Array());
    if (deframer.pendingBytes > 0) yield cutMessage(bytes, good);
  } catch (error) {
    yield malformed(error, { offset: good });
  }
}

/** @param {Uint8Array} bytes @param {number} offset @returns {MalformedEntry} */
function cutMessage(bytes, offset) {
  return {
    type: 'malformed',
    code: 'ERR_STUN_TRUNCATED',
    sentence: `The last message is cut short: ${bytes.length - offset} bytes of it are there.`,
    offset: bytes.length,
    origin: { offset },
  };
}

/**
 * @param {Uint8Array} bytes a capture in the format pcap or pcapng; or a message, or a stream of them
 * @param {{ skipped: Skipped, allowClassic?: boolean }} options `skipped` is counted up as the generator goes
 * @returns {Generator<Entry>}
 */
export function* findMessages(bytes, { skipped, allowClassic = false }) {
  const isCapture = isPcap(bytes) || isPcapng(bytes);
  if (!isCapture) {
    yield* fromBytes(bytes, allowClassic);
    return;
  }
  try {
    yield* fromPackets(isPcap(bytes) ? readPcap(bytes) : readPcapng(bytes), skipped);
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error;
    const { message, offset } = error;
    yield { type: 'malformed', code: 'ERR_CAPTURE', sentence: message, offset, origin: {} };
  }
}
