// The connections of clients: streams (TCP, TLS) and WebSockets, alike for the server.

import { Flush } from '../transports/flush.js';

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('node:net').Socket} Socket */
/** @typedef {import('ws').WebSocket} WebSocket */

/** Bytes for a client that wait to be sent, from which more are dropped: as a relay over UDP would. */
const MAX_WAITING_BYTES = 1024 * 1024;
/** A client that takes nothing for so long with so much waiting is given up. */
export const STUCK_AFTER_MS = 10_000;
/** One object for all messages. */
const BINARY = { binary: true, compress: false };
const GOING_AWAY = 1001;
const POLICY_VIOLATION = 1008;

/** Of all connections: it has no state but what is due in this turn of the event loop. */
const flush = new Flush();

/** @abstract */
class Connection {
  /** Of the core. */
  link = 0;
  /** How many allocations were made by it and are there. */
  allocations = 0;
  isJoined = false;
  dropped = 0;
  /** When it was last answered; performance.now(). */
  answeredAt = performance.now();
  /** Since when it takes no more; Infinity while it does. */
  stuckSince = Infinity;

  /** @param {'tcp' | 'tls' | 'ws' | 'wss'} protocol @param {TransportAddress} local @param {TransportAddress} remote */
  constructor(protocol, local, remote) {
    this.protocol = protocol;
    this.local = local;
    this.remote = remote;
  }

  /**
   * Whether there is room for another message.
   *
   * @param {number} waiting bytes
   */
  hasRoom(waiting) {
    if (waiting <= MAX_WAITING_BYTES) {
      this.stuckSince = Infinity;
      this.answeredAt = performance.now();
      return true;
    }
    if (this.stuckSince === Infinity) this.stuckSince = performance.now();
    this.dropped += 1;
    return false;
  }

  /** The peer that it was joined to is gone: there is no more than what is on its way. */
  part() {
    this.isJoined = false;
    this.answeredAt = performance.now();
  }

  get isIdle() {
    return this.allocations === 0 && !this.isJoined;
  }
}

export class StreamConnection extends Connection {
  isStream = true;
  #socket;

  /**
   * @param {'tcp' | 'tls'} protocol
   * @param {Socket} socket
   * @param {TransportAddress} local
   * @param {TransportAddress} remote
   * @param {{ onbytes: (bytes: Uint8Array) => void, onclose: () => void }} handlers
   */
  constructor(protocol, socket, local, remote, { onbytes, onclose }) {
    super(protocol, local, remote);
    this.#socket = socket;
    this.#onbytes = onbytes;
    socket.on('data', this.#onbytes);
    // The client has said all: what it is owed was sent, and without it there is no relay.
    socket.on('end', this.#onend);
    socket.on('error', () => {});
    socket.on('close', onclose);
    socket.resume();
  }

  #onbytes;
  #onend = () => this.#socket.end();

  /** @param {Uint8Array} bytes @returns {boolean} */
  send(bytes) {
    if (!this.hasRoom(this.#socket.writableLength)) return false;
    flush.hold(this.#socket);
    this.#socket.write(bytes);
    return true;
  }

  /** From now on it carries the bytes of a peer's connection. @param {Socket} peer */
  join(peer) {
    this.isJoined = true;
    this.#socket.off('data', this.#onbytes);
    this.#socket.off('end', this.#onend);
    join(this.#socket, peer);
  }

  close() {
    this.#socket.uncork();
    if (this.#socket.writableLength === 0) this.#socket.destroySoon();
    else this.#socket.destroy();
  }
}

export class WebSocketConnection extends Connection {
  isStream = false;
  #webSocket;
  #socket;
  #asStream;
  #onmessage;

  /**
   * @param {'ws' | 'wss'} protocol
   * @param {{ webSocket: WebSocket, socket: Socket, asStream: (webSocket: WebSocket) => import('node:stream').Duplex }} ways
   *   the WebSocket, its socket, and what the package ws has to make a stream of it
   * @param {TransportAddress} local
   * @param {TransportAddress} remote
   * @param {{ onbytes: (bytes: Uint8Array) => void, onclose: () => void }} handlers
   */
  constructor(protocol, { webSocket, socket, asStream }, local, remote, { onbytes, onclose }) {
    super(protocol, local, remote);
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#asStream = asStream;
    this.#onmessage = (/** @type {Buffer} */ bytes, /** @type {boolean} */ isBinary) => {
      if (isBinary) onbytes(bytes);
      else webSocket.close(POLICY_VIOLATION, 'binary messages only');
    };
    webSocket.on('message', this.#onmessage);
    webSocket.on('error', () => webSocket.terminate());
    webSocket.on('close', onclose);
  }

  /** @param {Uint8Array} bytes @returns {boolean} */
  send(bytes) {
    if (!this.hasRoom(this.#webSocket.bufferedAmount)) return false;
    flush.hold(this.#socket);
    this.#webSocket.send(bytes, BINARY);
    return true;
  }

  /** @param {Socket} peer */
  join(peer) {
    this.isJoined = true;
    this.#webSocket.off('message', this.#onmessage);
    const stream = this.#asStream(this.#webSocket);
    // The handler above has ended the WebSocket by then.
    stream.on('error', () => {});
    join(stream, peer);
  }

  close() {
    if (this.#webSocket.bufferedAmount > MAX_WAITING_BYTES) this.#webSocket.terminate();
    else this.#webSocket.close(GOING_AWAY);
  }
}

/** @param {import('node:stream').Duplex} client @param {Socket} peer */
function join(client, peer) {
  peer.pipe(client);
  client.pipe(peer);
}
