// How NATs behave, in the words of RFC 4787. Types, and the lists of values.

/**
 * What of a remote place counts (RFC 4787 sections 4.1 and 5).
 *
 * @typedef {'endpoint-independent' | 'address-dependent' | 'address-and-port-dependent'} Dependence
 */

/** @typedef {{ address: string, port: number }} Place */

export const DEPENDENCES = /** @type {const} */ ([
  'endpoint-independent',
  'address-dependent',
  'address-and-port-dependent',
]);
/** RFC 4787 section 4.2.1. */
export const PORT_ASSIGNMENTS = /** @type {const} */ ([
  'random',
  'sequential',
  'preserving',
  'overloading',
]);
/** RFC 4787 section 4.1, at its end. */
export const POOLINGS = /** @type {const} */ (['paired', 'arbitrary']);
/** RFC 4787 section 4.3. */
export const REFRESHES = /** @type {const} */ (['outbound', 'inbound', 'both']);

/**
 * A packet that a NAT or firewall is asked about.
 *
 * @typedef {object} ScreenedPacket
 * @property {'out' | 'in'} direction
 * @property {Place} local on the inside
 * @property {Place} remote the other one
 * @property {Uint8Array} bytes
 */

/**
 * Packets that are not let through: of the remote address, the remote ports and the direction that are named. What is left
 * out is any.
 *
 * @typedef {object} BlockRule
 * @property {string} [address] of the remote place
 * @property {number | readonly [first: number, last: number]} [port]
 * @property {'out' | 'in'} [direction]
 */

/** @typedef {'udp' | readonly BlockRule[] | ((packet: ScreenedPacket) => boolean)} Blocks 'udp': everything */

/**
 * @typedef {object} FirewallOptions
 * @property {string} [name] in the log
 * @property {Dependence} [filtering] RFC 4787 section 5; default 'address-and-port-dependent'
 * @property {number} [mappingLifetimeMs] how long an entry lives through which nothing goes; default 120,000
 * @property {'outbound' | 'inbound' | 'both'} [refresh] what keeps an entry alive (RFC 4787 section 4.3); default 'outbound'
 * @property {'pass' | 'drop'} [fragments] what becomes of datagrams that do not fit into one packet of 1,500 bytes (RFC 4787
 *   section 11); default 'pass'
 * @property {Blocks} [blocks] what does not get through at all; default nothing
 * @property {import('./nat.js').Nat} [behind] the NAT or firewall that stands between this one and the Internet
 */

/**
 * @typedef {object} OwnNatOptions
 * @property {readonly string[]} [addresses] on the outside; default one that is made up
 * @property {Dependence} [mapping] RFC 4787 section 4.1; default 'endpoint-independent'
 * @property {boolean} [hairpinning] whether two inside reach each other by their outer addresses (RFC 4787 section 6);
 *   default false
 * @property {'random' | 'sequential' | 'preserving' | 'overloading'} [portAssignment] RFC 4787 section 4.2.1: 'preserving'
 *   keeps the port where it is free, 'overloading' always; default 'random'
 * @property {boolean} [portParity] even ports stay even, and odd ones odd (RFC 4787 section 4.2.2); default false
 * @property {readonly [first: number, last: number]} [ports] on the outside; default [1024, 65535]
 * @property {'paired' | 'arbitrary'} [pooling] of several addresses, a host gets always the same, or each mapping any (RFC
 *   4787 section 4.1); default 'paired'
 */

/** @typedef {FirewallOptions & OwnNatOptions} NatOptions */
