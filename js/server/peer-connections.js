// The TCP connections between relays and their peers (RFC 6062), and how they meet those of clients.

import { STUCK_AFTER_MS } from './connection.js';

/** @typedef {import('node:net').Socket} Socket */
/** @typedef {import('./clients.js').Clients} Clients */
/** @typedef {import('./engine.js').CoreEvent} CoreEvent */
/** @typedef {import('./engine.js').ServerEngine} ServerEngine */
/** @typedef {import('./relays.js').Relays} Relays */

export class PeerConnections {
  #engine;
  #relays;
  #clients;
  #isForbidden;
  /** By the core's number; undefined while it is being made. @type {Map<number, Socket | undefined>} */
  #sockets = new Map();
  /** The links of the clients to which they are joined. @type {Map<number, number>} */
  #links = new Map();
  /** Those whose client is gone, and whose last bytes are not. @type {Set<Socket>} */
  #finishing = new Set();

  /**
   * @param {ServerEngine} engine
   * @param {Relays} relays
   * @param {Clients} clients
   * @param {(address: string, port: number) => boolean} isForbidden
   */
  constructor(engine, relays, clients, isForbidden) {
    this.#engine = engine;
    this.#relays = relays;
    this.#clients = clients;
    this.#isForbidden = isForbidden;
  }

  /** @param {CoreEvent} event */
  async connect({ relay, connection, peer }) {
    const from = this.#relays.tcp(relay);
    if (from === undefined || peer === undefined || this.#isForbidden(peer.address, peer.port)) {
      this.#engine.peerRefused(connection);
      return;
    }
    this.#sockets.set(connection, undefined);
    let socket;
    try {
      socket = await from.connect(peer);
    } catch {
      if (this.#sockets.delete(connection)) this.#engine.peerRefused(connection);
      return;
    }
    // The client has not waited.
    if (!this.#sockets.has(connection)) {
      socket.destroy();
      return;
    }
    this.#hold(connection, socket);
    this.#engine.peerConnected(connection);
  }

  /** A peer has connected to the relay. @param {number} relay @param {Socket} socket paused */
  accepted(relay, socket) {
    const { remoteAddress, remotePort, remoteFamily } = socket;
    if (remoteAddress === undefined || remotePort === undefined) {
      socket.destroy();
      return;
    }
    const family = /** @type {import('../address.js').AddressFamily} */ (remoteFamily);
    const peer = { address: remoteAddress, port: remotePort, family };
    const connection = this.#engine.peerAccepted(relay, peer);
    if (connection === 0) socket.destroy();
    else this.#hold(connection, socket);
  }

  /** @param {number} connection @param {Socket} socket */
  #hold(connection, socket) {
    this.#sockets.set(connection, socket);
    socket.on('error', () => {});
    socket.once('close', (hadError) => {
      if (!this.#sockets.delete(connection)) return;
      this.#engine.peerClosed(connection);
      this.#part(connection, hadError);
    });
  }

  /** @param {CoreEvent} event */
  join({ link, connection }) {
    const socket = this.#sockets.get(connection);
    const client = this.#clients.get(link);
    if (socket === undefined || client === undefined) {
      socket?.destroy();
      client?.close();
      return;
    }
    this.#links.set(connection, link);
    client.join(socket);
  }

  /** The peer is gone. @param {number} connection @param {boolean} hadError */
  #part(connection, hadError) {
    const client = this.#clients.get(this.#links.get(connection) ?? 0);
    this.#links.delete(connection);
    if (client === undefined) return;
    // What the peer has sent before it said good-bye is on its way still, and the good-bye behind it.
    client.part();
    if (hadError) client.close();
  }

  /** What the client has sent behind its ConnectionBind. @param {number} link @param {Uint8Array} bytes */
  leftover(link, bytes) {
    for (const [connection, joined] of this.#links) {
      if (joined === link) this.#sockets.get(connection)?.write(bytes);
    }
  }

  /** @param {CoreEvent} event */
  close({ connection, link }) {
    const socket = this.#sockets.get(connection);
    this.#sockets.delete(connection);
    this.#links.delete(connection);
    if (socket?.writableEnded) this.#finish(socket);
    else socket?.destroy();
    if (link !== 0) this.#clients.get(link)?.close();
  }

  /** What the client has said before it went is on its way to the peer still. @param {Socket} socket */
  #finish(socket) {
    this.#finishing.add(socket);
    socket.once('close', () => this.#finishing.delete(socket));
    socket.setTimeout(STUCK_AFTER_MS, () => socket.destroy());
    socket.destroySoon();
  }

  closeAll() {
    for (const socket of [...this.#sockets.values(), ...this.#finishing]) socket?.destroy();
    this.#sockets.clear();
  }
}
