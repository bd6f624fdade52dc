// postern/gateway: a WebSocket gateway in front of TURN servers, and the tickets that open it. For Node.js.

/** @typedef {import('./core.js').PeerPolicy} PeerPolicy */
/** @typedef {import('./gateway.js').Gateway} Gateway */
/** @typedef {import('./log.js').LogEntry} LogEntry */
/** @typedef {import('./stats.js').GatewayStats} GatewayStats */
/** @typedef {import('./options.js').GatewayOptions} GatewayOptions */
/** @typedef {import('./options.js').Limits} Limits */
/** @typedef {import('./options.js').TicketRules} TicketRules */
/** @typedef {import('./tickets.js').Ticket} Ticket */
/** @typedef {import('./tickets.js').TicketOptions} TicketOptions */
/** @typedef {import('./upstream.js').UpstreamOptions} UpstreamOptions */

export { PosternError } from '../errors.js';
export { CLOSE } from './close-codes.js';
export { createGateway } from './gateway.js';
export { createTicket } from './tickets.js';
