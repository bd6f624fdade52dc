// A TCP port of a reflector: what clients send is handed on packet by packet, and what is no packet of theirs ends it.

import { once } from 'node:events';
import { createServer } from 'node:net';
import { sourceOf } from '../address.js';
import { readPacket } from './packets/looks.js';
import { fromStream, MAX_STREAM_BYTES, toStream } from './packets/stream.js';

/** @typedef {import('node:net').Socket} Socket */
/** @typedef {import('./options.js').ReflectorLimits} ReflectorLimits */

/** @typedef {(bytes: Uint8Array, from: { address: string, port: number }) => Uint8Array | undefined} OnPacket */

/** Enough for a test of one port. */
const LONGEST_MS = 20_000;

/** How many connections there are, at all ports together, and of each host. */
export class ConnectionCounts {
  #all = 0;
  /** @type {Map<string, number>} */ #ofHosts = new Map();
  #limits;

  /** @param {ReflectorLimits} limits */
  constructor(limits) {
    this.#limits = limits;
  }

  /** @param {Socket} socket @returns {boolean} whether there is room; it counts until it is closed */
  admit(socket) {
    const host = sourceOf(socket.remoteAddress ?? '');
    const own = this.#ofHosts.get(host) ?? 0;
    const { connections, connectionsPerHost } = this.#limits;
    if (this.#all >= connections || own >= connectionsPerHost) return false;
    this.#all += 1;
    this.#ofHosts.set(host, own + 1);
    socket.once('close', () => {
      this.#all -= 1;
      const left = (this.#ofHosts.get(host) ?? 1) - 1;
      if (left === 0) this.#ofHosts.delete(host);
      else this.#ofHosts.set(host, left);
    });
    return true;
  }
}

export class TcpListener {
  #listener;
  /** @type {Set<Socket>} */ #sockets = new Set();

  /** @param {import('node:net').Server} listener listens @param {ConnectionCounts} counts @param {OnPacket} onpacket */
  constructor(listener, counts, onpacket) {
    this.#listener = listener;
    listener.on('connection', (socket) => {
      socket.on('error', () => {});
      if (socket.remoteAddress === undefined || !counts.admit(socket)) {
        socket.destroy();
        return;
      }
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      this.#serve(socket, onpacket);
    });
    listener.on('error', () => {});
  }

  /** @param {Socket} socket @param {OnPacket} onpacket */
  #serve(socket, onpacket) {
    const from = { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
    const timer = setTimeout(() => socket.destroy(), LONGEST_MS);
    timer.unref();
    socket.once('close', () => clearTimeout(timer));
    let received = Buffer.alloc(0);
    socket.on('data', (bytes) => {
      received = Buffer.concat([received, bytes]);
      for (;;) {
        const found = fromStream(received);
        if (found === undefined && received.length <= MAX_STREAM_BYTES) return;
        const answer = found ? onpacket(found.packet, from) : undefined;
        const look = answer && readPacket(answer)?.look;
        if (!found || answer === undefined || look === undefined) {
          socket.destroy();
          return;
        }
        socket.write(toStream(look, answer));
        received = received.subarray(found.length);
        if (received.length === 0) return;
      }
    });
  }

  /** @returns {Promise<void>} */
  async close() {
    const closed = once(this.#listener, 'close');
    this.#listener.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

/**
 * @param {{ address: string, port: number, family: import('../address.js').AddressFamily }} place
 * @param {ConnectionCounts} counts
 * @param {OnPacket} onpacket
 * @returns {Promise<TcpListener>} rejects with the system's error
 */
export async function openTcpListener({ address, port, family }, counts, onpacket) {
  const listener = createServer({ noDelay: true });
  listener.listen({ host: address, port, ipv6Only: family === 'IPv6', exclusive: true });
  await once(listener, 'listening');
  return new TcpListener(listener, counts, onpacket);
}
