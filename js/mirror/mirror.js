// A mirror: its sockets, its clock, and its sessions.

import { randomBytes } from 'node:crypto';
import { Alarm } from '../far-end/alarm.js';
import { createHandler } from '../far-end/http.js';
import { MirrorCore } from './core.js';
import { checkMirrorOptions } from './options.js';
import { MirrorSockets } from './sockets.js';

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('./core.js').MirrorStats} MirrorStats */
/** @typedef {import('./options.js').MirrorOptions} MirrorOptions */
/** @typedef {import('./options.js').MirrorSettings} MirrorSettings */

const PLACES = ['A:first', 'A:second', 'A:strange', 'B:first', 'B:strange'];

export class Mirror {
  #settings;
  #sockets;
  #core;
  #alarm;
  /** @type {Promise<void> | undefined} */ #closing;
  #onabort = () => void this.close();

  /**
   * Serves pages: for 'request' of an HTTP server, under whatever path.
   *
   * @type {(request: import('node:http').IncomingMessage, response: import('node:http').ServerResponse) => void}
   */
  handler;

  /** @param {MirrorSettings} settings */
  constructor(settings) {
    this.#settings = settings;
    const { origins, trustProxy, limits, portMap } = settings;
    this.#sockets = new MirrorSockets(settings, (family, place, bytes, source) => {
      const isOurs = this.#core.receive(family, place, bytes, source, performance.now());
      if (isOurs) this.#alarm.set();
    });
    this.#core = new MirrorCore(
      {
        places: this.#sockets.places,
        portMap: new Set(portMap),
        send: (family, place, bytes, to) => this.#sockets.send(family, place, bytes, to),
        random: randomBytes,
      },
      limits,
    );
    this.#alarm = new Alarm(this.#core);
    this.handler = createHandler({
      origins,
      // Whoever is no page has no NAT of a browser to ask about.
      pagesOnly: true,
      trustProxy,
      onrequest: (body, address, reply) => {
        this.#core.request(body, address, performance.now(), reply);
        this.#alarm.set();
      },
    });
  }

  /** Opens the sockets; for createMirror(). @returns {Promise<this>} */
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

  /** What browsers are told of its UDP addresses, and those of which they are told nothing. @returns {TransportAddress[]} */
  get addresses() {
    return [...this.#sockets.places.values()].flatMap(({ advertised }) =>
      PLACES.flatMap((place) => advertised(place)),
    );
  }

  /** @returns {MirrorStats} */
  stats() {
    return this.#core.stats();
  }

  /** Ends all tests and closes the sockets; an HTTP server that it is mounted on goes on. Idempotent. @returns {Promise<void>} */
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
 * Starts a mirror: the far end of ICE for pages that want to know what their NAT does, as `diagnoseNat()` of
 * `postern/diagnose` does. What it tells, what it sends and what it never sends: docs/mirror.md.
 *
 * @param {MirrorOptions} options
 * @returns {Promise<Mirror>} its `handler` goes to an HTTP server of yours; close it, or hold it with `await using`
 * @throws {TypeError} ERR_INVALID_ARGUMENT
 * @throws {import('../errors.js').PosternError} ERR_SERVER_LISTEN
 */
export async function createMirror(options) {
  return new Mirror(checkMirrorOptions(options)).open();
}
