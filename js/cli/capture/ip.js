// From an IP packet to the UDP datagram or TCP segment in it.
import { canonicalAddress } from '../../address.js';
import { viewOf } from './pcap.js';

/** @typedef {{ address: string, port: number }} Place */

/**
 * @typedef {object} Datagram
 * @property {'udp'} protocol
 * @property {Place} source
 * @property {Place} destination
 * @property {Uint8Array} payload
 * @property {boolean} isWhole false where the capture has not all of it
 */

/**
 * @typedef {object} Segment
 * @property {'tcp'} protocol
 * @property {Place} source
 * @property {Place} destination
 * @property {Uint8Array} payload
 * @property {boolean} isWhole
 * @property {number} sequence of the first byte, or of the SYN
 * @property {boolean} isSyn
 */

/** @typedef {{ protocol: 'fragment' | 'other' }} Unread 'fragment': a piece of a packet, which is not put together */

const PROTOCOL = { tcp: 6, udp: 17 };
/** IPv6 extension headers that say their length in units of 8 bytes behind the first (RFC 8200 section 4). */
const EXTENSIONS = new Set([0, 43, 60, 135, 139, 140]);
const FRAGMENT = 44;
const AUTHENTICATION = 51;
/** Ours: extension headers of one packet that are looked through. */
const MAX_EXTENSIONS = 16;

/** @type {Unread} */
const OTHER = { protocol: 'other' };
/** @type {Unread} */
const PIECE = { protocol: 'fragment' };

/** @param {Uint8Array} bytes */
const textOfIPv4 = (bytes) => bytes.join('.');

/** @param {Uint8Array} bytes */
function textOfIPv6(bytes) {
  const view = viewOf(bytes);
  const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(2 * i).toString(16));
  return /** @type {string} */ (canonicalAddress(groups.join(':')));
}

/**
 * @param {number} protocol
 * @param {Uint8Array} body as far as it was captured
 * @param {number} length of the body by the header of IP
 * @param {{ source: string, destination: string }} between
 * @returns {Datagram | Segment | Unread}
 */
function readTransport(protocol, body, length, between) {
  const isUdp = protocol === PROTOCOL.udp;
  if ((!isUdp && protocol !== PROTOCOL.tcp) || body.length < (isUdp ? 8 : 20)) return OTHER;
  const view = viewOf(body);
  const source = { address: between.source, port: view.getUint16(0) };
  const destination = { address: between.destination, port: view.getUint16(2) };
  if (isUdp) {
    // Zero stands for a jumbogram, and for what the network card was left to fill in.
    const end = view.getUint16(4) || length;
    if (end < 8 || end > length) return OTHER;
    const payload = body.subarray(8, end);
    return { protocol: 'udp', source, destination, payload, isWhole: end <= body.length };
  }
  const start = (view.getUint8(12) >> 4) * 4;
  if (start < 20 || start > length) return OTHER;
  return {
    protocol: 'tcp',
    source,
    destination,
    payload: body.subarray(start, length),
    isWhole: length <= body.length,
    sequence: view.getUint32(4),
    isSyn: (view.getUint8(13) & 0x02) !== 0,
  };
}

/** @param {Uint8Array} bytes */
function readIPv4(bytes) {
  if (bytes.length < 20) return OTHER;
  const view = viewOf(bytes);
  const start = (bytes[0] & 0x0f) * 4;
  // Zero: left for the network card to fill in.
  const total = view.getUint16(2) || bytes.length;
  if (start < 20 || total < start) return OTHER;
  if ((view.getUint16(6) & 0x3fff) !== 0) return PIECE;
  return readTransport(bytes[9], bytes.subarray(start, total), total - start, {
    source: textOfIPv4(bytes.subarray(12, 16)),
    destination: textOfIPv4(bytes.subarray(16, 20)),
  });
}

/** @param {Uint8Array} bytes */
function readIPv6(bytes) {
  if (bytes.length < 40) return OTHER;
  const view = viewOf(bytes);
  const end = 40 + (view.getUint16(4) || bytes.length - 40);
  let protocol = bytes[6];
  let at = 40;
  for (let i = 0; i < MAX_EXTENSIONS; i += 1) {
    const isFragment = protocol === FRAGMENT;
    const isAuthentication = protocol === AUTHENTICATION;
    if (!isFragment && !isAuthentication && !EXTENSIONS.has(protocol)) break;
    if (at + 8 > bytes.length) return OTHER;
    // An "atomic fragment" is a whole packet (RFC 6946).
    if (isFragment && (view.getUint16(at + 2) & 0xfff9) !== 0) return PIECE;
    protocol = bytes[at];
    const units = bytes[at + 1];
    if (isFragment) at += 8;
    else at += isAuthentication ? (units + 2) * 4 : (units + 1) * 8;
  }
  if (at > end) return OTHER;
  return readTransport(protocol, bytes.subarray(at, end), end - at, {
    source: textOfIPv6(bytes.subarray(8, 24)),
    destination: textOfIPv6(bytes.subarray(24, 40)),
  });
}

/**
 * @param {Uint8Array} bytes
 * @returns {Datagram | Segment | Unread}
 */
export function readIp(bytes) {
  if (bytes[0] >> 4 === 4) return readIPv4(bytes);
  if (bytes[0] >> 4 === 6) return readIPv6(bytes);
  return OTHER;
}
