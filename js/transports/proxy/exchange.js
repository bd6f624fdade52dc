// The talk with a proxy until the tunnel is open: runs a dialogue, which knows no socket, over one.

import { EventEmitter } from 'node:events';

/**
 * What a dialogue asks for: send `write`, then hand back as many of the bytes received as `length` says; 0 means
 * that more are needed. What `length` throws ends the dialogue.
 *
 * @typedef {{ write?: Uint8Array, length: (received: Buffer) => number }} Step
 */

/** Returns when the tunnel is open; throws when it is refused. @typedef {Generator<Step, void, Buffer>} Dialogue */

/** Where the proxy was asked to connect to. @typedef {{ address: string, port: number }} TunnelTarget */

/** Emits 'ready' once the dialogue has ended well, or 'error'. The bytes after its end are the tunnel's. */
export class ProxyExchange extends EventEmitter {
  #socket;
  #dialogue;
  #received = Buffer.alloc(0);
  /** @type {Step} */ #step = { length: () => 0 };

  /** @param {import('node:net').Socket} socket connected @param {Dialogue} dialogue */
  constructor(socket, dialogue) {
    super();
    this.#socket = socket;
    this.#dialogue = dialogue;
    socket.on('data', this.#onData);
    socket.on('error', this.#fail);
    socket.on('end', this.#onEnd);
    socket.on('close', this.#onEnd);
    this.#next(this.#received);
  }

  /** @param {Buffer} piece */
  #next(piece) {
    const { done, value } = this.#dialogue.next(piece);
    if (done) return true;
    this.#step = value;
    if (value.write !== undefined) this.#socket.write(value.write);
    return false;
  }

  #onData = (/** @type {Buffer} */ bytes) => {
    this.#received = Buffer.concat([this.#received, bytes]);
    try {
      for (;;) {
        const length = this.#step.length(this.#received);
        if (length === 0) return;
        const piece = this.#received.subarray(0, length);
        this.#received = this.#received.subarray(length);
        if (this.#next(piece)) break;
      }
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#stop();
    this.#socket.pause();
    if (this.#received.length > 0) this.#socket.unshift(this.#received);
    this.emit('ready');
  };

  #onEnd = () => this.#fail(new Error('The proxy ended the connection.'));

  /** @param {unknown} error */
  #fail = (error) => {
    this.abandon();
    this.emit('error', error);
  };

  /** For who destroys the socket: it may report that. */
  abandon() {
    this.#stop();
    this.#socket.on('error', () => {});
  }

  #stop() {
    this.#socket.off('data', this.#onData);
    this.#socket.off('error', this.#fail);
    this.#socket.off('end', this.#onEnd);
    this.#socket.off('close', this.#onEnd);
  }
}
