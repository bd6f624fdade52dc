// What a server tells of its allocations. Types only, and in a file of their own: the declarations of those who use them
// lead to no types of the package ws.

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('./listen.js').ListenProtocol} ListenProtocol */

/**
 * An allocation, as events tell of it.
 *
 * @typedef {object} AllocationInfo
 * @property {number} id while it lives, no other has it
 * @property {TransportAddress} client
 * @property {ListenProtocol} protocol by which the client reaches the server
 * @property {string} username '' without authentication
 * @property {'udp' | 'tcp'} transport to the peers
 * @property {TransportAddress[]} relayedAddresses one, or one of each family
 * @property {number} lifetimeSeconds
 */

/**
 * @typedef {object} AllocationEnd
 * @property {number} durationMs
 * @property {number} sentMessages to peers, as the next
 * @property {number} sentBytes
 * @property {number} receivedMessages from peers, as the next; those too that had no permission
 * @property {number} receivedBytes
 */

/**
 * @typedef {object} ServerEvents
 * @property {[AllocationInfo]} allocation an allocation was made
 * @property {[AllocationInfo]} refresh its lifetime begins anew
 * @property {[AllocationInfo]} move the client is at another address now (RFC 8016)
 * @property {[AllocationInfo & AllocationEnd]} end it is gone, whatever the reason
 */

export {};
