// A WebSocket that says back what it is told, for pages and programs that test whether signalling would get through. What one
// may say is bounded.
import { STATUS_CODES } from 'node:http';
import { WebSocketServer } from 'ws';
import { sourceOf } from '../address.js';
import { clientAddressOf } from '../gateway/client-address.js';

/** @typedef {import('node:http').IncomingMessage} IncomingMessage */
/** @typedef {import('node:stream').Duplex} Duplex */
/** @typedef {import('ws').WebSocket} WebSocket */

/** Whoever offers another one gets none. */
export const ECHO_PROTOCOL = 'postern.echo';

/** Ours: a test needs few short messages and a few seconds. */
const MAX_MESSAGE_BYTES = 1024;
const MESSAGES_PER_SECOND = 50;
const SESSION_MS = 60_000;
const MAX_CONNECTIONS = 500;
const MAX_CONNECTIONS_PER_HOST = 16;
/** RFC 6455 section 7.4.1. */
const GOING_AWAY = 1001;
const POLICY_VIOLATION = 1008;

/** Says no to an upgrade. @param {Duplex} socket @param {number} status */
export function refuseUpgrade(socket, status) {
  socket.on('error', () => {});
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n\r\n`, () =>
    socket.destroy(),
  );
}

export class Echo {
  #addressOf;
  /** @type {Map<WebSocket, string>} by the host that it is of */ #connections = new Map();
  #server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
    handleProtocols: (offered) => offered.has(ECHO_PROTOCOL) && ECHO_PROTOCOL,
  });

  /** @param {import('../gateway/client-address.js').TrustedProxies} trustProxy */
  constructor(trustProxy) {
    this.#addressOf = clientAddressOf(trustProxy);
  }

  /** @param {IncomingMessage} request @param {Duplex} socket @param {Buffer} head */
  take(request, socket, head) {
    const host = sourceOf(this.#addressOf(request));
    const ofHost = [...this.#connections.values()].filter((one) => one === host).length;
    if (this.#connections.size >= MAX_CONNECTIONS || ofHost >= MAX_CONNECTIONS_PER_HOST) {
      refuseUpgrade(socket, 503);
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (connection) => {
      this.#connections.set(connection, host);
      this.#serve(connection);
    });
  }

  /** @param {WebSocket} connection */
  #serve(connection) {
    let left = MESSAGES_PER_SECOND;
    const refill = setInterval(() => {
      left = MESSAGES_PER_SECOND;
    }, 1000);
    const end = setTimeout(() => connection.close(GOING_AWAY), SESSION_MS);
    // It is over then, and 'close' follows.
    connection.on('error', () => {});
    connection.on('close', () => {
      clearInterval(refill);
      clearTimeout(end);
      this.#connections.delete(connection);
    });
    connection.on('message', (data, isBinary) => {
      left -= 1;
      if (left < 0) connection.close(POLICY_VIOLATION);
      else connection.send(data, { binary: isBinary });
    });
  }

  close() {
    for (const connection of this.#connections.keys()) connection.terminate();
  }
}
