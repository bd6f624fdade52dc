// What became of each packet, so that a test that fails explains itself.

import { formatTransportAddress } from '../address.js';
import { METHODS } from '../generated/registry.js';

/** @typedef {import('./nat-words.js').Place} Place */

/** Why packets are dropped, in words. */
export const REASONS = Object.freeze({
  loss: 'the network lost it',
  'no-route': 'nobody has that address',
  'no-mapping': 'the NAT has no mapping, or no longer, for its own address and port',
  filtered: 'the filter knows of nothing that was sent to where it came from',
  blocked: 'it is blocked',
  fragment: 'it does not fit into one packet, and fragments are dropped',
  hairpinning: 'it is for an outer address of the NAT behind which its sender is',
  'no-address': 'the NAT has no outer address of its family',
  'no-port': 'the NAT has no outer port left',
  'no-socket': 'no socket of the host has that port',
  'not-connected': 'the socket is connected to somebody else',
  closed: 'the network was closed',
});

/** @typedef {keyof typeof REASONS} Because */

/**
 * One packet, or one copy of it.
 *
 * @typedef {object} Packet
 * @property {number} number counts from 1
 * @property {number} [copyOf] of a duplicate: the number of the first
 * @property {number} sentAt
 * @property {string} sender name of the host
 * @property {Place} source the sender's own
 * @property {Place} destination as the sender wrote it
 * @property {Uint8Array} bytes
 * @property {{ name: string, source: Place, destination: Place }[]} hops NATs and firewalls that it has passed, and how it left them
 * @property {'under-way' | 'delivered' | 'dropped'} outcome
 * @property {number} [endedAt]
 * @property {string} [endedBy] who has it now: the receiver; or who dropped it: a NAT, a host, 'network'
 * @property {Because} [because] why it was dropped
 */

/**
 * @typedef {object} NetworkStats
 * @property {number} sent
 * @property {number} duplicated
 * @property {number} delivered
 * @property {number} underWay
 * @property {Record<Because, number>} dropped by reason
 */

/** Older ones are forgotten. */
const MAX_PACKETS = 10_000;

const MAGIC_COOKIE = 0x2112a442;
const STUN_HEADER_BYTES = 20;
const CLASSES = ['request', 'indication', 'success', 'error'];

/** What a packet holds, as far as its first bytes tell (RFC 7983 section 7). @param {Uint8Array} bytes */
function contentOf(bytes) {
  const [first = 0] = bytes;
  const length = `${bytes.length} bytes`;
  if (bytes.length >= STUN_HEADER_BYTES && first < 4) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (view.getUint32(4) === MAGIC_COOKIE) {
      const type = view.getUint16(0);
      // RFC 8489 section 5.
      const kind = ((type >> 7) & 2) | ((type >> 4) & 1);
      const number = ((type & 0x3e00) >> 2) | ((type & 0xe0) >> 1) | (type & 0xf);
      const method = METHODS.find(([one]) => one === number)?.[1] ?? `method ${number}`;
      return `${method} ${CLASSES[kind]}, ${length}`;
    }
  }
  return first >= 0x40 && first < 0x50 ? `ChannelData, ${length}` : length;
}

/** One line. @param {Packet} packet @returns {string} */
export function describePacket(packet) {
  const { number, copyOf, sentAt, sender, source, destination, hops, outcome } = packet;
  const parts = [
    `#${number}${copyOf === undefined ? '' : ` (again #${copyOf})`}`,
    `${sentAt.toFixed(1)} ms`,
    `${sender} ${formatTransportAddress(source)} to ${formatTransportAddress(destination)}:`,
    `${contentOf(packet.bytes)};`,
    ...hops.map(
      (hop) =>
        `${hop.name} made it ${formatTransportAddress(hop.source)} to ${formatTransportAddress(hop.destination)};`,
    ),
  ];
  if (outcome === 'under-way') parts.push('under way');
  else if (packet.because === undefined) {
    parts.push(`reached ${packet.endedBy} at ${packet.endedAt?.toFixed(1)} ms`);
  } else parts.push(`dropped by ${packet.endedBy}: ${REASONS[packet.because]}`);
  return parts.join(' ');
}

export class PacketLog {
  /** @type {Packet[]} */ #packets = [];
  #count = 0;
  #stats = { sent: 0, duplicated: 0, delivered: 0, underWay: 0 };
  #dropped = /** @type {Record<Because, number>} */ (
    Object.fromEntries(Object.keys(REASONS).map((because) => [because, 0]))
  );

  /** @returns {Packet[]} */
  get packets() {
    return [...this.#packets];
  }

  get underWay() {
    return this.#stats.underWay;
  }

  /** @returns {NetworkStats} */
  stats() {
    return { ...this.#stats, dropped: { ...this.#dropped } };
  }

  /**
   * @param {Pick<Packet, 'sentAt' | 'sender' | 'source' | 'destination' | 'bytes'>} sent
   * @returns {Packet}
   */
  sent(sent) {
    this.#stats.sent += 1;
    return this.#add({ ...sent, number: 0, hops: [], outcome: 'under-way' });
  }

  /** @param {Packet} packet under way @returns {Packet} */
  duplicated(packet) {
    this.#stats.duplicated += 1;
    return this.#add({ ...packet, copyOf: packet.number, hops: [...packet.hops] });
  }

  /** @param {Packet} packet */
  #add(packet) {
    this.#stats.underWay += 1;
    this.#count += 1;
    packet.number = this.#count;
    this.#packets.push(packet);
    if (this.#packets.length > MAX_PACKETS) this.#packets.shift();
    return packet;
  }

  /** @param {Packet} packet @param {number} at @param {string} by @param {Because} because */
  dropped(packet, at, by, because) {
    this.#dropped[because] += 1;
    this.#end(packet, at, by);
    packet.outcome = 'dropped';
    packet.because = because;
  }

  /** @param {Packet} packet @param {number} at @param {string} by */
  delivered(packet, at, by) {
    this.#stats.delivered += 1;
    this.#end(packet, at, by);
    packet.outcome = 'delivered';
  }

  /** @param {Packet} packet @param {number} at @param {string} by */
  #end(packet, at, by) {
    this.#stats.underWay -= 1;
    packet.endedAt = at;
    packet.endedBy = by;
  }

  /** The last ones, a line each. @param {number} count */
  text(count) {
    return this.#packets.slice(-count).map(describePacket).join('\n');
  }
}
