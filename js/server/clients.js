// The connections of all clients: how many there may be, and who has to go.

import { sourceOf } from '../address.js';
import { STUCK_AFTER_MS } from './connection.js';

/** @typedef {import('./connection.js').StreamConnection | import('./connection.js').WebSocketConnection} ClientConnection */
/** @typedef {import('node:net').Socket} Socket */

export class Clients {
  /** By link. @type {Map<number, ClientConnection>} */
  #connections = new Map();
  /** Sockets that are open, whatever they are. */
  #open = 0;
  /** ... by host. @type {Map<string, number>} */
  #byHost = new Map();
  #limits;
  refused = 0;
  /** Of those that are gone. */
  #dropped = 0;

  /** @param {{ connections: number, connectionsPerHost: number, handshakeTimeoutMs: number, idleTimeoutMs: number }} limits */
  constructor(limits) {
    this.#limits = limits;
  }

  get size() {
    return this.#open;
  }

  /** Messages that slow clients did not get. */
  get dropped() {
    let sum = this.#dropped;
    for (const { dropped } of this.#connections.values()) sum += dropped;
    return sum;
  }

  /** Whether there is room for one more. It is counted until it is closed. @param {Socket} socket */
  admit(socket) {
    const { remoteAddress } = socket;
    // Gone already.
    if (remoteAddress === undefined) return false;
    const host = sourceOf(remoteAddress);
    const ofHost = this.#byHost.get(host) ?? 0;
    if (this.#open >= this.#limits.connections || ofHost >= this.#limits.connectionsPerHost) {
      this.refused += 1;
      return false;
    }
    this.#open += 1;
    this.#byHost.set(host, ofHost + 1);
    socket.once('close', () => {
      this.#open -= 1;
      const left = (this.#byHost.get(host) ?? 1) - 1;
      if (left > 0) this.#byHost.set(host, left);
      else this.#byHost.delete(host);
    });
    return true;
  }

  /** @param {number} link @param {ClientConnection} connection */
  add(link, connection) {
    this.#connections.set(link, connection);
  }

  /** @param {number} link */
  get(link) {
    return this.#connections.get(link);
  }

  /** @param {number} link */
  delete(link) {
    this.#dropped += this.#connections.get(link)?.dropped ?? 0;
    this.#connections.delete(link);
  }

  /** Closes those that do nothing, and those that take nothing. @param {number} now */
  sweep(now) {
    const { idleTimeoutMs } = this.#limits;
    for (const connection of this.#connections.values()) {
      const isIdle = connection.isIdle && now - connection.answeredAt >= idleTimeoutMs;
      if (isIdle || now - connection.stuckSince >= STUCK_AFTER_MS) connection.close();
    }
  }

  closeAll() {
    for (const connection of this.#connections.values()) connection.close();
  }
}
