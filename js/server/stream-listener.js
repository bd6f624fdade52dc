// A port where clients connect, with TURN, TLS and WebSocket on it in any combination.

import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { SUB_PROTOCOL } from '../transports/websocket.js';
import { route } from './sniff.js';

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('./listen.js').Listen} Listen */
/** @typedef {import('./listen.js').ListenProtocol} ListenProtocol */
/** @typedef {import('node:net').Socket} Socket */
/** @typedef {import('ws').WebSocket} WebSocket */

/**
 * @typedef {object} StreamHandlers
 * @property {(socket: Socket) => boolean} onconnect whether the connection is welcome
 * @property {(protocol: 'tcp' | 'tls', socket: Socket) => void} onstream
 * @property {(protocol: 'ws' | 'wss', webSocket: WebSocket, socket: Socket, asStream: typeof createWebSocketStream) => void}
 *   onwebsocket
 * @property {ReadonlyMap<string, import('node:http').RequestListener>} [requests] serve HTTP that is no upgrade, by path
 * @property {() => void} onfailure a connection could not be accepted: the process has too many files open
 */

/**
 * @typedef {object} StreamSettings
 * @property {import('node:tls').TlsOptions | undefined} tls
 * @property {ReadonlySet<string> | undefined} origins of pages that may use the WebSocket; undefined: all
 * @property {number} handshakeTimeoutMs for TLS and for HTTP
 */

/** The longest message of TURN (RFC 8489 section 5), which no ChannelData exceeds but by its header. */
const MAX_MESSAGE_BYTES = 65_556;
const MAX_HEADER_BYTES = 8192;

export class StreamListener {
  #listener;
  #http;
  /** @type {import('node:tls').Server | undefined} */ #tls;
  /** Sockets of this listener, whatever has become of them. @type {Set<Socket>} */
  #sockets = new Set();
  /** Those that have not shown yet what they are, by where they come from. @type {Map<string, { socket: Socket, since: number }>} */
  #unknown = new Map();
  #handshakeTimeoutMs;

  /**
   * @param {import('node:net').Server} listener listens
   * @param {ReadonlySet<ListenProtocol>} protocols
   * @param {StreamSettings} settings
   * @param {StreamHandlers} handlers
   */
  constructor(listener, protocols, settings, handlers) {
    this.#listener = listener;
    this.#handshakeTimeoutMs = settings.handshakeTimeoutMs;
    this.address = addressOf(listener);
    this.#http = createUpgrader(settings, (protocol, webSocket, socket) => {
      this.#unknown.delete(sourceOf(socket));
      handlers.onwebsocket(protocol, webSocket, socket, createWebSocketStream);
    });
    this.#http.on('request', (request, response) => {
      const onrequest = handlers.requests?.get(request.url?.split('?', 1)[0] ?? '');
      if (onrequest !== undefined) {
        this.#answer(request, response, onrequest);
      } else {
        response.writeHead(426, { connection: 'close', upgrade: 'websocket' }).end();
      }
    });
    /** @param {'tcp' | 'tls'} protocol */
    const toTurn = (protocol) => (/** @type {Socket} */ socket) => {
      this.#unknown.delete(sourceOf(socket));
      handlers.onstream(protocol, socket);
    };
    const inside = {
      turn: protocols.has('tls') ? toTurn('tls') : undefined,
      http: protocols.has('wss') ? this.#toHttp : undefined,
    };
    if (inside.turn !== undefined || inside.http !== undefined) {
      this.#tls = createTlsServer({
        handshakeTimeout: settings.handshakeTimeoutMs,
        allowHalfOpen: true,
        ...settings.tls,
      });
      this.#tls.on('secureConnection', (socket) => route(socket, inside));
      this.#tls.on('tlsClientError', (_error, socket) => socket.destroy());
    }
    const secure = this.#tls;
    const routes = {
      turn: protocols.has('tcp') ? toTurn('tcp') : undefined,
      http: protocols.has('ws') ? this.#toHttp : undefined,
      tls:
        secure === undefined
          ? undefined
          : (/** @type {Socket} */ socket) => void secure.emit('connection', socket),
    };
    listener.on('connection', (socket) => {
      if (!handlers.onconnect(socket)) {
        socket.destroy();
        return;
      }
      const source = sourceOf(socket);
      this.#sockets.add(socket);
      this.#unknown.set(source, { socket, since: performance.now() });
      socket.once('close', () => {
        this.#sockets.delete(socket);
        this.#unknown.delete(source);
      });
      route(socket, routes);
    });
    listener.on('error', handlers.onfailure);
  }

  #toHttp = (/** @type {Socket} */ socket) => {
    this.#http.emit('connection', socket);
    socket.resume();
  };

  /**
   * Answers may take longer than a handshake; requests, and the time until the next, may not.
   *
   * @param {import('node:http').IncomingMessage} request
   * @param {import('node:http').ServerResponse} response
   * @param {import('node:http').RequestListener} onrequest
   */
  #answer(request, response, onrequest) {
    const { socket } = request;
    const source = sourceOf(socket);
    request.on('end', () => this.#unknown.delete(source));
    response.on('finish', () => {
      if (!socket.destroyed) this.#unknown.set(source, { socket, since: performance.now() });
    });
    onrequest(request, response);
  }

  /** New connections get this certificate. @param {import('node:tls').SecureContextOptions} tls */
  setSecureContext(tls) {
    this.#tls?.setSecureContext(tls);
  }

  /** Gives up those that take too long to say what they are. @param {number} now */
  sweep(now) {
    for (const { socket, since } of this.#unknown.values()) {
      // In the order in which they came.
      if (now - since < this.#handshakeTimeoutMs) return;
      socket.destroy();
    }
  }

  /** Takes no more connections. */
  stop() {
    if (this.#listener.listening) this.#listener.close();
  }

  /** @returns {Promise<void>} */
  async close() {
    const closed = this.#listener.listening ? once(this.#listener, 'close') : undefined;
    this.stop();
    for (const socket of this.#sockets) socket.destroy();
    this.#http.close();
    await closed;
  }
}

/** @param {import('node:net').Server} listener @returns {TransportAddress} */
function addressOf(listener) {
  const { address, port, family } = /** @type {import('node:net').AddressInfo} */ (
    listener.address()
  );
  return { address, port, family: /** @type {TransportAddress['family']} */ (family) };
}

/** Where it comes from: with the listener, that names it. @param {Socket} socket */
const sourceOf = ({ remoteAddress, remotePort }) => `${remoteAddress} ${remotePort}`;

/**
 * @param {StreamSettings} settings
 * @param {(protocol: 'ws' | 'wss', webSocket: WebSocket, socket: Socket) => void} onwebsocket
 */
function createUpgrader({ origins }, onwebsocket) {
  const webSockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
    handleProtocols: () => SUB_PROTOCOL,
  });
  const http = createHttpServer({ maxHeaderSize: MAX_HEADER_BYTES });
  http.on('upgrade', (request, /** @type {Socket} */ socket, head) => {
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(/\s*,\s*/);
    const { origin } = request.headers;
    // Those who are no page send no origin, and could send any.
    const isWelcome = origin === undefined || origins === undefined || origins.has(origin);
    if (!isWelcome || !offered.includes(SUB_PROTOCOL)) {
      const status = isWelcome ? '400 Bad Request' : '403 Forbidden';
      socket.on('error', () => {});
      socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      onwebsocket('encrypted' in socket ? 'wss' : 'ws', webSocket, socket);
    });
  });
  return http;
}

/**
 * @param {Listen} listen where; its protocol is one of `protocols`
 * @param {ReadonlySet<ListenProtocol>} protocols
 * @param {StreamSettings} settings
 * @param {StreamHandlers} handlers
 * @returns {Promise<StreamListener>} rejects with the system's error
 */
export async function openStreamListener(listen, protocols, settings, handlers) {
  const listener = createServer({ noDelay: true, keepAlive: true, allowHalfOpen: true });
  listener.listen({
    host: listen.address,
    port: listen.port,
    ipv6Only: listen.family === 'IPv6',
    exclusive: true,
    backlog: 1024,
  });
  await once(listener, 'listening');
  return new StreamListener(listener, protocols, settings, handlers);
}
