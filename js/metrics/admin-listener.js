// A listener for those who watch a server: GET /metrics, /healthz (it runs) and /readyz (it takes clients), and what else
// there is to be asked for.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { requireObject } from '../codec/arguments.js';
import { argumentError, PosternError } from '../errors.js';
import { checkInteger } from '../option-checks.js';
import { codeOf } from '../system-error.js';
import { EXPOSITION_TYPE } from './exposition.js';

/** @typedef {import('node:http').Server} HttpServer */

/**
 * @typedef {object} AdminOptions
 * @property {number} port 0: any
 * @property {string} [address] default '127.0.0.1'
 * @property {true} [exposed] that another address than a loopback one is meant
 */

/**
 * What is watched.
 *
 * @typedef {object} Watched
 * @property {() => boolean} isReady whether it takes clients
 * @property {() => string} metrics in the text format of Prometheus
 * @property {(request: import('node:http').IncomingMessage, answer: Answer) => boolean} [route] another GET; whether it is
 *   answered, now or later
 */

/** @typedef {(status: number, text: string, type?: string) => void} Answer */

/** Time for a request to arrive, whole. */
const REQUEST_MS = 5000;
const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1)$/;
/** Names by which a browser on this machine reaches a loopback listener; others were made to lead here. */
const LOCAL_HOST = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/;

/** @param {AdminOptions} options @param {string} name of them in errors */
export function checkAdmin(options, name) {
  const { port, address = '127.0.0.1', exposed } = requireObject(options, name);
  if (port === undefined) throw argumentError(`${name}.port`, 'a port, or 0 for any');
  checkInteger(port, `${name}.port`, 0, 0xffff);
  if (LOOPBACK.test(address) || exposed === true) return;
  throw argumentError(
    `${name}.address`,
    "a loopback address such as '127.0.0.1': metrics tell strangers much. Where a firewall keeps them out, say so with " +
      `${name}.exposed: true`,
  );
}

/**
 * @param {import('node:net').Server} server
 * @param {number} port
 * @param {string} host
 * @param {string} [what] cannot listen, where it cannot
 */
export async function listen(server, port, host, what = 'The listener for metrics') {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    const where = `${host}, port ${port}`;
    throw new PosternError(
      'ERR_SERVER_LISTEN',
      `${what} can't listen on ${where} (${codeOf(cause)}).`,
      { cause },
    );
  }
}

/** Stops listening and ends what is open. @param {HttpServer} server */
export async function shut(server) {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

/**
 * @param {AdminOptions} options checked
 * @param {Watched} watched
 * @returns {Promise<HttpServer>}
 */
export async function listenForAdmin({ port, address = '127.0.0.1', exposed }, watched) {
  const server = createServer({ headersTimeout: REQUEST_MS, requestTimeout: REQUEST_MS });
  server.on('request', (request, response) => {
    /** @type {Answer} */
    const answer = (status, text, type = 'text/plain; charset=utf-8') =>
      void response
        .writeHead(status, {
          'Content-Type': type,
          'Cache-Control': 'no-store',
          'X-Content-Type-Options': 'nosniff',
        })
        .end(text);
    // A page whose name was made to lead here (DNS rebinding) reads nothing.
    if (exposed !== true && !LOCAL_HOST.test(request.headers.host ?? '')) answer(403, 'no\n');
    else if (request.method !== 'GET') answer(405, 'GET only\n');
    else if (request.url === '/healthz') answer(200, 'ok\n');
    else if (request.url === '/readyz') {
      answer(watched.isReady() ? 200 : 503, watched.isReady() ? 'ready\n' : 'draining\n');
    } else if (request.url === '/metrics') answer(200, watched.metrics(), EXPOSITION_TYPE);
    else if (watched.route?.(request, answer) !== true) answer(404, 'not here\n');
  });
  await listen(server, port, address);
  return server;
}
