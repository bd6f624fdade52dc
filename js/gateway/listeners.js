// The HTTP servers of a gateway: one for WebSockets, where it has its own, and one for those who watch it.

import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { sourceOf } from '../address.js';
import { argumentError } from '../errors.js';
import { listen } from '../metrics/admin-listener.js';

export { listenForAdmin, shut } from '../metrics/admin-listener.js';

/** @typedef {import('node:http').Server} Server */
/** @typedef {import('./options.js').CheckedLimits} CheckedLimits */

const MAX_HEADER_BYTES = 8192;
/** How often it is looked for requests that take too long. */
const CHECK_MS = 1000;
/** Sockets beyond the connections of an address that may be about to become some. */
const SPARE_SOCKETS = 8;
/** The same for all together. */
const SPARE_SOCKETS_IN_ALL = 256;

/**
 * @param {object} options
 * @param {number} options.port
 * @param {string} options.address
 * @param {import('node:tls').SecureContextOptions | undefined} options.tls
 * @param {CheckedLimits} options.limits
 * @param {boolean} options.countsSockets whether the address of a socket is that of a client
 * @returns {Promise<Server>}
 */
export async function listenForClients({ port, address, tls, limits, countsSockets }) {
  const { requestMs } = limits;
  // Node knows 0 for none.
  const timeout = Number.isFinite(requestMs) ? requestMs : 0;
  const settings = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: timeout,
    requestTimeout: timeout,
    connectionsCheckingInterval: Math.min(CHECK_MS, requestMs),
  };
  const server =
    tls === undefined
      ? createServer(settings)
      : secureServer({ ...settings, ...tls, handshakeTimeout: timeout || undefined });
  // It serves WebSockets and nothing else.
  server.on('request', (_, response) => {
    response.writeHead(426, { Connection: 'close', Upgrade: 'websocket' }).end();
  });
  if (Number.isFinite(limits.connections)) {
    server.maxConnections = limits.connections + SPARE_SOCKETS_IN_ALL;
  }
  if (countsSockets) limitSockets(server, limits.connectionsPerIp + SPARE_SOCKETS);
  await listen(server, port, address, 'The gateway');
  return server;
}

/** @param {import('node:https').ServerOptions} settings @returns {Server} */
function secureServer(settings) {
  try {
    return createTlsServer(settings);
  } catch (cause) {
    const { message } = /** @type {Error} */ (cause);
    throw Object.assign(argumentError('options.tls', `what node:tls takes: ${message}`), { cause });
  }
}

/** Sockets of one address that have said nothing cost the others nothing. @param {Server} server @param {number} most */
function limitSockets(server, most) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  server.on('connection', (socket) => {
    const source = sourceOf(socket.remoteAddress ?? '');
    const count = (counts.get(source) ?? 0) + 1;
    if (count > most) {
      socket.destroy();
      return;
    }
    counts.set(source, count);
    socket.on('close', () => {
      const left = /** @type {number} */ (counts.get(source)) - 1;
      if (left === 0) counts.delete(source);
      else counts.set(source, left);
    });
  });
}
