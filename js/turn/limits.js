// How much a relay holds and how long it waits, where the RFCs leave that to us.

/** Datagrams to peers whose permission is not there yet, of one relay. What is more is dropped and counted. */
export const MAX_WAITING_MESSAGES = 256;
/** Their bytes: when there are so many, no more are taken. */
export const MAX_WAITING_BYTES = 256 * 1024;

/** Datagrams that are kept for whoever iterates; options.queueLength changes it. */
export const DEFAULT_QUEUE_LENGTH = 1024;

/**
 * Bytes that send() takes in one go, before the transport has seen any of them, until it asks to wait: about what a
 * socket's buffer holds.
 */
export const MAX_UNSEEN_BYTES = 64 * 1024;

/** Peers that send() remembers; it finds the others anew. */
export const MAX_REMEMBERED_PEERS = 1024;

/** After a peer's permission was refused, send() does not ask again for so long. permit() does. */
export const REFUSAL_HOLD_MS = 5000;

/** New 5-tuples to try when the server knows an allocation on the one in use (437, RFC 8656 section 7.4). */
export const MAX_NEW_TUPLES = 2;

/** How long close() waits for the server's answer: without one, the allocation runs out by itself. */
export const CLOSE_TIMEOUT_MS = 1000;

/** TCP connections of peers that nobody has taken yet. Those that come then are left to the server to end. */
export const MAX_UNCLAIMED_CONNECTIONS = 16;
/** RFC 6062 section 5.4: how long the server keeps a peer's connection that is not bound. */
export const CONNECTION_BIND_TIMEOUT_MS = 30_000;
/** Bytes of a peer's TCP connection that are read ahead. */
export const READ_AHEAD_BYTES = 64 * 1024;
/** What may come in on a WebSocket, which cannot be told to wait, before the connection is given up. */
export const MAX_UNREAD_BYTES = 16 * 1024 * 1024;

/** UDP's largest payload: a length field of 16 bits, less the headers (RFC 768, RFC 791, RFC 8200). */
const MAX_UDP_PAYLOAD = { IPv4: 65_507, IPv6: 65_527 };
/** Of what is written to a peer's TCP connection, the part that goes in one WebSocket message. */
export const MAX_FRAME_BYTES = 16_384;
/** ChannelData's length field. */
const MAX_CHANNEL_DATA = 0xffff;
/** RFC 8489 section 5: the length of a message, a multiple of 4, after the header. */
const MAX_STUN_LENGTH = 65_532;
const STUN_HEADER = 20;
const ATTRIBUTE_HEADER = 4;
const CHANNEL_HEADER = 4;
/** XOR-PEER-ADDRESS with its header. */
const PEER_ADDRESS = { IPv4: 12, IPv6: 24 };

/** @typedef {import('../address.js').AddressFamily} AddressFamily */

/**
 * The most bytes that go to a peer in one datagram: the server has to send them on by UDP, and over UDP they have to
 * get to the server.
 *
 * @param {AddressFamily} peer
 * @param {AddressFamily | undefined} server where the way to it is UDP
 */
export function maxChannelBytes(peer, server) {
  const most = Math.min(MAX_UDP_PAYLOAD[peer], MAX_CHANNEL_DATA);
  return server === undefined ? most : Math.min(most, MAX_UDP_PAYLOAD[server] - CHANNEL_HEADER);
}

/**
 * The same, in a Send indication.
 *
 * @param {AddressFamily} peer
 * @param {AddressFamily | undefined} server where the way to it is UDP
 * @param {boolean} dontFragment
 */
export function maxIndicationBytes(peer, server, dontFragment) {
  const message =
    server === undefined
      ? MAX_STUN_LENGTH
      : Math.min(MAX_STUN_LENGTH, MAX_UDP_PAYLOAD[server] - STUN_HEADER);
  const others = PEER_ADDRESS[peer] + (dontFragment ? ATTRIBUTE_HEADER : 0) + ATTRIBUTE_HEADER;
  // DATA is padded to a multiple of 4, and so is everything before it.
  return Math.min(MAX_UDP_PAYLOAD[peer], ((message & ~3) - others) & ~3);
}
