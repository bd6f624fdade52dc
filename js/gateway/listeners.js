// The HTTP servers of a gateway: one for WebSockets, where it has its own, and one for those who watch it.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { argumentError, PosternError } from '../errors.js';
import { codeOf } from '../system-error.js';
import { sourceOf } from './client-address.js';

/** @typedef {import('node:http').Server} Server */
/** @typedef {import('./options.js').CheckedLimits} CheckedLimits */

/** Time for the request of an upgrade to arrive, whole, and its size. */
const REQUEST_MS = 5000;
const MAX_HEADER_BYTES = 8192;
/** Sockets beyond the connections of an address that may be about to become some. */
const SPARE_SOCKETS = 8;
/** The same for all together. */
const SPARE_SOCKETS_IN_ALL = 256;

/** Names by which a browser on this machine reaches a loopback listener; others were made to lead here. */
const LOCAL_HOST = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/;

/** @param {Server} server @param {number} port @param {string} host */
async function listen(server, port, host) {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    const where = `${host}, port ${port}`;
    throw new PosternError(
      'ERR_SERVER_LISTEN',
      `The gateway can't listen on ${where} (${codeOf(cause)}).`,
      { cause },
    );
  }
}

/** Stops listening and ends what is open. @param {Server} server */
export async function shut(server) {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

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
  const settings = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: REQUEST_MS,
    requestTimeout: REQUEST_MS,
    connectionsCheckingInterval: 1000,
    keepAlive: false,
  };
  const server = tls === undefined ? createServer(settings) : secureServer({ ...settings, ...tls });
  // It serves WebSockets and nothing else.
  server.on('request', (_, response) => {
    response.writeHead(426, { Connection: 'close', Upgrade: 'websocket' }).end();
  });
  if (Number.isFinite(limits.connections)) {
    server.maxConnections = limits.connections + SPARE_SOCKETS_IN_ALL;
  }
  if (countsSockets) limitSockets(server, limits.connectionsPerIp + SPARE_SOCKETS);
  await listen(server, port, address);
  return server;
}

/** @param {import('node:https').ServerOptions} settings @returns {Server} */
function secureServer(settings) {
  try {
    return createTlsServer({ ...settings, handshakeTimeout: REQUEST_MS });
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

/**
 * GET /metrics, /healthz (it runs) and /readyz (it takes connections).
 *
 * @param {import('./options.js').AdminOptions} options
 * @param {{ isReady: () => boolean, metrics: () => string }} gateway
 * @returns {Promise<Server>}
 */
export async function listenForAdmin({ port, address = '127.0.0.1', exposed }, gateway) {
  const server = createServer({ headersTimeout: REQUEST_MS, requestTimeout: REQUEST_MS });
  server.on('request', (request, response) => {
    const answer = (
      /** @type {number} */ status,
      /** @type {string} */ text,
      type = 'text/plain',
    ) =>
      void response
        .writeHead(status, {
          'Content-Type': `${type}; charset=utf-8`,
          'Cache-Control': 'no-store',
          'X-Content-Type-Options': 'nosniff',
        })
        .end(text);
    // A page whose name was made to lead here (DNS rebinding) reads nothing.
    if (exposed !== true && !LOCAL_HOST.test(request.headers.host ?? '')) answer(403, 'no\n');
    else if (request.method !== 'GET') answer(405, 'GET only\n');
    else if (request.url === '/healthz') answer(200, 'ok\n');
    else if (request.url === '/readyz') {
      answer(gateway.isReady() ? 200 : 503, gateway.isReady() ? 'ready\n' : 'draining\n');
    } else if (request.url === '/metrics') answer(200, gateway.metrics(), METRICS_TYPE);
    else answer(404, 'not here\n');
  });
  await listen(server, port, address);
  return server;
}

const METRICS_TYPE = 'text/plain; version=0.0.4';
