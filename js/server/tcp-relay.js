// The relayed transport address of a TCP allocation (RFC 6062): peers connect to it, and connections to peers come from
// it.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('node:net').Socket} Socket */

export class TcpRelay {
  #address;
  #isOpen = true;
  /** @type {import('node:net').Server} */ #listener;
  /** Connections that are being made, one after the other: each needs the port for itself for a moment. */
  #turn = Promise.resolve();
  /** Those that are open. @type {Set<Socket>} */
  #sockets = new Set();
  /** Of those that are closed. */
  #sentBytes = 0;
  #receivedBytes = 0;
  /** TCP has no messages. */
  sentMessages = 0;
  receivedMessages = 0;
  /** A peer has connected; nothing is read before somebody does. @type {((socket: Socket) => void) | undefined} */
  onconnection;

  /** @param {import('node:net').Server} listener @param {string} address @param {number} port */
  constructor(listener, address, port) {
    this.#address = address;
    this.port = port;
    this.#listener = this.#use(listener);
  }

  /** @param {import('node:net').Server} listener */
  #use(listener) {
    listener.on('connection', (socket) => {
      this.#count(socket);
      if (this.#isOpen && this.onconnection !== undefined) this.onconnection(socket);
      else socket.destroy();
    });
    listener.on('error', () => {});
    return listener;
  }

  /** @param {Socket} socket */
  #count(socket) {
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      this.#sentBytes += socket.bytesWritten;
      this.#receivedBytes += socket.bytesRead;
    });
  }

  /** To peers. */
  get sentBytes() {
    let sum = this.#sentBytes;
    for (const { bytesWritten } of this.#sockets) sum += bytesWritten;
    return sum;
  }

  /** From peers. */
  get receivedBytes() {
    let sum = this.#receivedBytes;
    for (const { bytesRead } of this.#sockets) sum += bytesRead;
    return sum;
  }

  /**
   * Connects to a peer, from the relayed address (RFC 6062 section 5.2).
   *
   * @param {TransportAddress} peer
   * @returns {Promise<Socket>} paused; rejects with the system's error
   */
  connect(peer) {
    const attempt = this.#turn.then(() => this.#connect(peer));
    // The next one waits until this one has its port, not until it is connected.
    this.#turn = attempt.then(
      () => {},
      () => {},
    );
    return attempt.then(({ connected }) => connected);
  }

  // The system lets nothing else bind a port on which somebody listens, so for the moment of binding nobody does.
  /**
   * @param {TransportAddress} peer
   * @returns {Promise<{ connected: Promise<Socket> }>} in an object, as nobody shall wait for it
   */
  async #connect(peer) {
    this.#listener.close();
    const socket = connect({
      host: peer.address,
      port: peer.port,
      localAddress: this.#address,
      localPort: this.port,
      noDelay: true,
      allowHalfOpen: true,
    });
    socket.pause();
    this.#count(socket);
    const connected = once(socket, 'connect').then(() => socket);
    // The system may refuse at once, before anybody waits.
    connected.catch(() => {});
    try {
      // Emitted when the socket is bound; its SYN is on the way when the next task runs.
      await once(socket, 'connectionAttempt');
    } finally {
      await this.#listenAgain();
    }
    return { connected };
  }

  // Nobody else binds the port before this one listens: a listener that is closed earlier would listen all the same.
  async #listenAgain() {
    if (!this.#isOpen) return;
    const listener = this.#use(listenOn());
    this.#listener = listener;
    listener.listen({ host: this.#address, port: this.port, exclusive: true });
    // Where somebody else was faster, peers can't connect any more; connections to them go on.
    await once(listener, 'listening').catch(() => {});
    if (!this.#isOpen) listener.close();
  }

  close() {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#listener.close();
  }
}

const listenOn = () => createServer({ pauseOnConnect: true, noDelay: true, allowHalfOpen: true });

/**
 * @param {string} address
 * @param {number} port
 * @returns {Promise<TcpRelay>} rejects with the system's error
 */
export async function openTcpRelay(address, port) {
  const listener = listenOn();
  listener.listen({ host: address, port, exclusive: true });
  await once(listener, 'listening');
  return new TcpRelay(listener, address, port);
}
