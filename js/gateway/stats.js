// What stats() of a gateway tells. Types only.

/**
 * @typedef {object} GatewayStats
 * @property {number} connections open now
 * @property {number} allocations of those, that hold one
 * @property {number} opened connections so far
 * @property {number} messagesIn from clients
 * @property {number} messagesOut to clients
 * @property {number} bytesIn
 * @property {number} bytesOut
 * @property {number} bufferedBytes that wait for clients now
 * @property {Record<string, number>} refused upgrades that were refused, by reason
 * @property {Record<string, number>} ended connections that have ended, by reason
 * @property {Record<string, number>} denied messages that ended a connection, by the peer's range or 'method',
 *   'attribute', 'malformed'
 * @property {Record<string, number>} dropped messages that were not passed on, by reason
 * @property {Record<string, number>} stunErrors errors that servers answered, by code
 */

export {};
