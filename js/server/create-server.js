import { Server } from './server.js';
import { checkServerOptions } from './server-options.js';

/** @typedef {import('./server-options.js').ServerOptions} ServerOptions */

/**
 * Starts a STUN and TURN server (RFC 8489, RFC 8656; TCP relays: RFC 6062; NAT discovery: RFC 5780; mobility: RFC 8016)
 * over UDP, TCP, TLS and WebSocket.
 *
 * Relays to addresses of the public Internet only, unless `policy` opens others.
 *
 * @param {ServerOptions} options
 * @returns {Promise<Server>} when it listens
 * @throws {TypeError} ERR_INVALID_ARGUMENT
 * @throws {import('../errors.js').PosternError} ERR_SERVER_LISTEN; ERR_STRING_EMPTY, ERR_STRING_DISALLOWED,
 *   ERR_STRING_BIDI: a user name, password or the realm
 */
export async function createServer(options) {
  return new Server(checkServerOptions(options)).open();
}
