// What is known of a relay from its making: types only.

/** @typedef {import('../errors.js').AttemptReport} AttemptReport */
/** @typedef {import('../transports/transport.js').OpenOptions} OpenOptions */
/** @typedef {import('../transports/transport.js').Transport} Transport */

/**
 * How long each step took, in milliseconds.
 *
 * @typedef {object} RelayPhases
 * @property {number} dns
 * @property {number} connect the socket, or TCP connection; what a transport does not tell apart is in here
 * @property {number} [proxy] until the proxy had opened its tunnel
 * @property {number} [tls] the handshake
 * @property {number} challenge from the first Allocate to the server's challenge (401), with retransmissions; 0 where
 *   the server asked for no credentials
 * @property {number} allocate from there to the relay, or from the first Allocate where there was no challenge
 */

/**
 * What is known of a relay from its making.
 *
 * @typedef {object} RelayOrigin
 * @property {string} url
 * @property {RelayPhases} phases
 * @property {AttemptReport[]} attempts
 * @property {(options: OpenOptions) => Promise<Transport>} open another transport to the same server
 * @property {string | undefined} localAddress to use for that
 * @property {boolean} relaysTcp TCP connections (RFC 6062), not datagrams
 * @property {boolean} dontFragment
 * @property {number} queueLength
 */

export {};
