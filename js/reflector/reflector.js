// A reflector: its sockets, its clock, and its sessions.

import { randomBytes } from 'node:crypto';
import { Alarm } from '../far-end/alarm.js';
import { createHandler } from '../far-end/http.js';
import { ReflectorCore } from './core.js';
import { checkReflectorOptions } from './options.js';
import { ReflectorSockets } from './sockets.js';

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('./core.js').ReflectorStats} ReflectorStats */
/** @typedef {import('./options.js').ReflectorOptions} ReflectorOptions */
/** @typedef {import('./options.js').ReflectorSettings} ReflectorSettings */

export class Reflector {
  #settings;
  #sockets;
  #core;
  #alarm;
  /** @type {Promise<void> | undefined} */ #closing;
  #onabort = () => void this.close();

  /**
   * Serves clients: for 'request' of an HTTP server, under whatever path.
   *
   * @type {(request: import('node:http').IncomingMessage, response: import('node:http').ServerResponse) => void}
   */
  handler;

  /** @param {ReflectorSettings} settings */
  constructor(settings) {
    this.#settings = settings;
    const { origins, trustProxy, limits } = settings;
    this.#sockets = new ReflectorSockets(settings, {
      ondatagram: (family, port, bytes, from) =>
        this.#core.receive(family, port, bytes, from, performance.now()),
      onmessage: (family, port, bytes, from) =>
        this.#core.receiveStream(family, port, bytes, from, performance.now()),
    });
    this.#core = new ReflectorCore(
      {
        places: this.#sockets.places,
        send: (family, port, bytes, to) => this.#sockets.send(family, port, bytes, to),
        random: randomBytes,
      },
      limits,
      performance.now(),
    );
    this.#alarm = new Alarm(this.#core);
    this.handler = createHandler({
      origins,
      pagesOnly: false,
      trustProxy,
      onrequest: (body, address, reply) => {
        this.#core.request(body, address, performance.now(), reply);
        this.#alarm.set();
      },
    });
  }

  /** Opens the sockets; for createReflector(). @returns {Promise<this>} */
  async open() {
    const { signal } = this.#settings;
    try {
      signal?.throwIfAborted();
      await this.#sockets.open();
      signal?.throwIfAborted();
    } catch (error) {
      await this.close();
      throw error;
    }
    signal?.addEventListener('abort', this.#onabort, { once: true });
    return this;
  }

  /** What clients are told of its UDP ports; those for SIP are open over TCP too. @returns {TransportAddress[]} */
  get addresses() {
    return [...this.#sockets.places].flatMap(([family, { address, udp, sip }]) =>
      [...udp, ...sip].map((port) => ({ address, port, family })),
    );
  }

  /** @returns {ReflectorStats} */
  stats() {
    return this.#core.stats();
  }

  /** Ends all sessions and closes the sockets; an HTTP server that it is mounted on goes on. Idempotent. @returns {Promise<void>} */
  close() {
    this.#closing ??= this.#shutDown();
    return this.#closing;
  }

  [Symbol.asyncDispose]() {
    return this.close();
  }

  async #shutDown() {
    this.#settings.signal?.removeEventListener('abort', this.#onabort);
    this.#core.endAll();
    this.#alarm.stop();
    await this.#sockets.close();
  }
}

/**
 * Starts a reflector: the far end for Node.js programs that want to know which ports of UDP pass, whether the network looks
 * into packets or rewrites them, and how much goes each way, as `runNetworkTest()` of `postern/network-test` does. What it
 * tells, what it sends and what it never sends: docs/reflector.md.
 *
 * @param {ReflectorOptions} options
 * @returns {Promise<Reflector>} its `handler` goes to an HTTP server of yours; close it, or hold it with `await using`
 * @throws {TypeError} ERR_INVALID_ARGUMENT
 * @throws {import('../errors.js').PosternError} ERR_SERVER_LISTEN
 */
export async function createReflector(options) {
  return new Reflector(checkReflectorOptions(options)).open();
}
