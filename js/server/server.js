// A STUN and TURN server: what its parts have to do with each other.

import { EventEmitter } from 'node:events';
import { farEndMetrics } from '../far-end/metrics.js';
import { Mirror } from '../mirror/mirror.js';
import { checkInteger, checkSignal } from '../option-checks.js';
import { Reflector } from '../reflector/reflector.js';
import { prepareCredential } from '../strings/prepare-credential.js';
import { reportException } from '../turn/report-exception.js';
import { AllocationTable } from './allocation-table.js';
import { coreSettings, teachCore } from './core-settings.js';
import { ServerEngine } from './engine.js';
import { Front } from './front.js';
import { serverMetrics } from './metrics.js';
import { ownAddresses } from './own-addresses.js';
import { PeerConnections } from './peer-connections.js';
import { MACHINE } from './platform.js';
import { Relays } from './relays.js';
import { checkSecrets, checkSecureContext, checkTokens } from './server-options.js';

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('./server-events.js').AllocationInfo} AllocationInfo */
/** @typedef {import('./server-events.js').ServerEvents} ServerEvents */
/** @typedef {import('./engine.js').CoreEvent} CoreEvent */
/** @typedef {import('./listen.js').ListenProtocol} ListenProtocol */
/** @typedef {import('./server-options.js').ServerSettings} ServerSettings */

/**
 * @typedef {Record<typeof import('./layout.js').SERVER_STATS[number], number> & {
 *   connections: number, refusedConnections: number, relaySockets: number, slowClient: number, ownAddress: number,
 *   coreMemoryBytes: number }} ServerStats
 */

/**
 * @typedef {object} ServerEnd
 * @property {'closed' | 'aborted' | 'drained' | 'error'} reason
 * @property {unknown} [error] with 'aborted' the signal's reason
 */

const SWEEP_MS = 1000;
const MAX_TIMEOUT_MS = 0x7fffffff;
const NO_RELAY = { addresses: [], external: {}, ports: /** @type {const} */ ([1, 1]) };

/**
 * A running server: see createServer().
 *
 * @extends {EventEmitter<ServerEvents>}
 */
export class Server extends EventEmitter {
  #settings;
  #engine;
  #front;
  #relays;
  #peers;
  #allocations;
  /** @type {Mirror | undefined} */ #mirror;
  /** @type {Reflector | undefined} */ #reflector;
  #ownAddress = 0;
  #clock;
  /** @type {any} */ #sweeper;
  /** @type {(end: ServerEnd) => void} */ #resolveClosed = () => {};
  /** @type {Promise<void> | undefined} */ #closing;
  #onabort = () => void this.#end({ reason: 'aborted', error: this.#settings.signal?.reason });

  /** Resolves when the server has ended, whatever the reason; never rejects. @type {Promise<ServerEnd>} */
  closed = new Promise((resolve) => {
    this.#resolveClosed = resolve;
  });

  /** @param {ServerSettings} settings @param {import('./platform.js').ServerPlatform} [platform] @internal */
  constructor(settings, platform = MACHINE) {
    super();
    const { clock, bindUdp } = platform;
    this.#settings = settings;
    this.#clock = clock;
    const isForbidden = ownAddresses(settings);
    this.#engine = new ServerEngine(
      coreSettings(settings),
      {
        isForbidden,
        transmit: (link, bytes, to) => this.#front.send(link, bytes, to),
        toPeer: (relay, buffer, offset, length, peer) => {
          if (peer.isForbidden) this.#ownAddress += 1;
          else this.#relays.send(relay, buffer, offset, length, peer);
        },
        leftover: (link, bytes) => this.#peers.leftover(link, bytes),
        closeLink: (link) => this.#front.clients.get(link)?.close(),
        event: (event) => this.#handle(event),
        lost: (error) => void this.#end({ reason: 'error', error }),
      },
      platform,
    );
    this.#front = new Front(this.#engine, settings, bindUdp);
    this.#relays = new Relays(
      this.#engine,
      settings.relay ?? NO_RELAY,
      (relay, socket) => this.#peers.accepted(relay, socket),
      bindUdp,
    );
    const { clients } = this.#front;
    this.#peers = new PeerConnections(this.#engine, this.#relays, clients, isForbidden);
    this.#allocations = new AllocationTable(clients, this.#relays, this, clock);
    teachCore(this.#engine, settings);
    this.#sweepLater();
  }

  /**
   * Where it listens, in the order of `listen`.
   *
   * @returns {readonly (TransportAddress & { protocol: ListenProtocol })[]}
   */
  get addresses() {
    return this.#front.addresses;
  }

  /** What clients take, in the same order: `turn:`, `turns:` and `ws:` URLs. @returns {readonly string[]} */
  get urls() {
    return this.#front.urls;
  }

  /** What tells pages of their NATs, where options.mirror is given. @returns {Mirror | undefined} */
  get mirror() {
    return this.#mirror;
  }

  /** What tells programs which ports pass and more, where options.reflector is given. @returns {Reflector | undefined} */
  get reflector() {
    return this.#reflector;
  }

  /** Opens the sockets; for createServer(). @returns {Promise<this>} */
  async open() {
    const { signal, mirror, reflector } = this.#settings;
    try {
      signal?.throwIfAborted();
      if (mirror !== undefined) {
        this.#mirror = new Mirror(mirror.settings);
        await this.#mirror.open();
        this.#front.handlers.set(mirror.path, this.#mirror.handler);
      }
      if (reflector !== undefined) {
        this.#reflector = new Reflector(reflector.settings);
        await this.#reflector.open();
        this.#front.handlers.set(reflector.path, this.#reflector.handler);
      }
      await this.#front.open();
      signal?.throwIfAborted();
    } catch (error) {
      await this.#end({ reason: 'error', error });
      throw error;
    }
    signal?.addEventListener('abort', this.#onabort, { once: true });
    return this;
  }

  /** @param {CoreEvent} event */
  #handle(event) {
    switch (event.kind) {
      case 'open-relay':
        void this.#relays.open(event);
        return;
      case 'close-relay':
        this.#relays.close(event.relay);
        return;
      case 'connect-peer':
        void this.#peers.connect(event);
        return;
      case 'close-peer':
        this.#peers.close(event);
        return;
      case 'join-peer':
        this.#peers.join(event);
        return;
      case 'ask-key':
        void this.#findKey(event);
        return;
      default:
        this.#allocations.tell(event);
    }
  }

  /** @param {CoreEvent} event */
  async #findKey({ question, username }) {
    const { users, realm } = this.#settings;
    let password = '';
    try {
      const found = typeof users === 'function' ? await users(username, realm) : undefined;
      if (found !== undefined && found !== null) password = prepareCredential(found, 'password');
    } catch (error) {
      // To the client that is as if there were no such user.
      reportException(error);
    }
    this.#engine.answerKey(question, password);
  }

  #sweep() {
    this.#engine.tellTime();
    this.#front.sweep(performance.now());
    this.#sweepLater();
  }

  #sweepLater() {
    this.#sweeper = this.#clock.setTimeout(() => this.#sweep(), SWEEP_MS);
    this.#sweeper?.unref?.();
  }

  /** What there is, and what was counted since the start. @returns {ServerStats} */
  stats() {
    const { clients } = this.#front;
    return {
      ...this.#engine.stats(),
      connections: clients.size,
      refusedConnections: clients.refused,
      relaySockets: this.#relays.size,
      slowClient: clients.dropped,
      ownAddress: this.#ownAddress,
      coreMemoryBytes: this.#engine.memoryBytes,
    };
  }

  /** The same in the text format of Prometheus, and what its mirror and its reflector count. @returns {string} */
  metrics() {
    return [
      serverMetrics(this.stats()),
      this.#mirror && farEndMetrics('mirror', { ...this.#mirror.stats() }),
      this.#reflector && farEndMetrics('reflector', { ...this.#reflector.stats() }),
    ].join('');
  }

  /** The allocations that there are. @returns {AllocationInfo[]} */
  allocations() {
    return this.#allocations.list();
  }

  /**
   * Adds a user, or changes the password. What the user has allocated stays.
   *
   * @param {string} username
   * @param {string} password
   * @throws {PosternError} ERR_STRING_EMPTY, ERR_STRING_DISALLOWED, ERR_STRING_BIDI
   */
  setUser(username, password) {
    this.#engine.setUser(
      prepareCredential(username, 'username'),
      prepareCredential(password, 'password'),
    );
  }

  /**
   * The user can make no new allocations, nor refresh those that are there.
   *
   * @param {string} username
   * @returns {boolean} false where there was no such user
   */
  removeUser(username) {
    return this.#engine.removeUser(prepareCredential(username, 'username'));
  }

  /**
   * Replaces the secrets of time-limited credentials. To rotate: first both, then the new one alone.
   *
   * @param {string | string[]} secret up to four
   * @throws {TypeError} ERR_INVALID_ARGUMENT
   */
  setSecret(secret) {
    this.#engine.setSecrets(checkSecrets(secret));
  }

  /**
   * Replaces the keys of access tokens.
   *
   * @param {import('./server-options.js').TokenOptions['keys']} keys
   * @throws {TypeError} ERR_INVALID_ARGUMENT
   */
  setTokenKeys(keys) {
    this.#engine.setTokenKeys(checkTokens({ keys }).keys);
  }

  /**
   * A new certificate, for connections that are made from now on.
   *
   * @param {import('node:tls').SecureContextOptions} tls
   * @throws {TypeError} ERR_INVALID_ARGUMENT
   */
  setSecureContext(tls) {
    checkSecureContext(tls, 'tls');
    this.#front.setSecureContext(tls);
  }

  /**
   * Ends without hurting anybody: makes no new allocations, waits until those that are there have ended, then closes.
   *
   * @param {object} [options]
   * @param {number} [options.timeoutMs] then the rest is ended; never when left out
   * @param {AbortSignal} [options.signal] stops waiting: the server goes on as before
   * @returns {Promise<number>} how many allocations were ended by the timeout
   * @throws {TypeError} ERR_INVALID_ARGUMENT
   */
  async drain({ timeoutMs, signal } = {}) {
    checkInteger(timeoutMs, 'options.timeoutMs', 0, MAX_TIMEOUT_MS);
    checkSignal(signal, 'options.signal');
    signal?.throwIfAborted();
    this.#engine.setDraining(true);
    /** @type {any} */
    let timer;
    const isOver = new Promise((/** @type {(value?: undefined) => void} */ resolve, reject) => {
      if (timeoutMs !== undefined) timer = this.#clock.setTimeout(resolve, timeoutMs);
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    try {
      await Promise.race([this.#allocations.whenEmpty(), this.closed, isOver]);
    } catch (error) {
      this.#engine.setDraining(false);
      throw error;
    } finally {
      this.#clock.clearTimeout(timer);
    }
    const left = this.#allocations.size;
    await this.#end({ reason: 'drained' });
    return left;
  }

  /** Ends all allocations and closes all sockets. Idempotent. @returns {Promise<void>} */
  close() {
    return this.#end({ reason: 'closed' });
  }

  [Symbol.asyncDispose]() {
    return this.close();
  }

  /** @param {ServerEnd} end */
  #end(end) {
    this.#closing ??= this.#shutDown(end);
    return this.#closing;
  }

  /** @param {ServerEnd} end */
  async #shutDown(end) {
    this.#settings.signal?.removeEventListener('abort', this.#onabort);
    this.#clock.clearTimeout(this.#sweeper);
    this.#engine.endAll();
    this.#engine.close();
    this.#allocations.endAll();
    this.#relays.closeAll();
    this.#peers.closeAll();
    await Promise.all([this.#front.close(), this.#mirror?.close(), this.#reflector?.close()]);
    this.#resolveClosed(end);
  }
}
