// The gateway: upgrades in, connections, and an end.

import { STATUS_CODES } from 'node:http';
import { WebSocketServer } from 'ws';
import { argumentError } from '../errors.js';
import { Flush } from '../transports/flush.js';
import { SUB_PROTOCOL } from '../transports/websocket.js';
import { Admission } from './admission.js';
import { CLOSE } from './close-codes.js';
import { Connection, MAX_MESSAGE_BYTES } from './connection.js';
import { GatewayCore } from './core.js';
import { listenForAdmin, listenForClients, shut } from './listeners.js';
import { createLog } from './log.js';
import { Metrics } from './metrics.js';
import { checkGatewayOptions } from './options.js';
import { openUpstreams } from './upstream.js';

/** @typedef {import('node:http').IncomingMessage} IncomingMessage */
/** @typedef {import('node:http').Server} Server */
/** @typedef {import('node:stream').Duplex} Duplex */
/** @typedef {import('./admission.js').Admitted} Admitted */
/** @typedef {import('./admission.js').Applicant} Applicant */
/** @typedef {import('./admission.js').Refusal} Refusal */
/** @typedef {import('./stats.js').GatewayStats} GatewayStats */
/** @typedef {import('./options.js').GatewayOptions} GatewayOptions */

/**
 * Why a gateway has ended: by close(), by drain(), by its signal, or because the server that it stood on was closed.
 *
 * @typedef {'closed' | 'drained' | 'aborted' | 'server-closed'} GatewayEnd
 */

/** The clock of all limits: no message costs a look at another. */
const TICK_MS = 100;
const FORGET_EVERY_MS = 60_000;
const CLOSE_TIMEOUT_MS = 2000;
const DRAIN_MS = 30_000;
const RETRY_AFTER_SECONDS = 30;
/** Pieces that a message may come in, and chunks that wait to become one. */
const MAX_FRAGMENTS = 256;

/** @type {import('ws').ServerOptions & { closeTimeout: number }} */
const WEBSOCKET_OPTIONS = {
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  maxPayload: MAX_MESSAGE_BYTES,
  maxFragments: MAX_FRAGMENTS,
  maxBufferedChunks: MAX_FRAGMENTS * 2,
  closeTimeout: CLOSE_TIMEOUT_MS,
  // A message of text ends the connection, whatever is in it.
  skipUTF8Validation: true,
  handleProtocols: (offered) => offered.has(SUB_PROTOCOL) && SUB_PROTOCOL,
};

export class Gateway {
  /** Where it listens; undefined on a server of yours. @type {{ address: string, port: number } | undefined} */ listening;
  /** Where its metrics are. @type {{ address: string, port: number } | undefined} */ adminListening;
  /** Settles when everything is over; never rejects. @type {Promise<{ reason: GatewayEnd }>} */ closed;

  #options;
  #given;
  #core = new GatewayCore();
  #metrics = new Metrics();
  #log;
  /** @type {Admission} */ #admission;
  /** @type {Set<Connection>} */ #connections = new Set();
  #webSockets;
  /** @type {Server | undefined} */ #server;
  /** @type {Server | undefined} */ #admin;
  /** @type {import('./connection.js').Shared} */ #shared;
  #timer;
  #forgotAt = performance.now();
  #ids = 0;
  #isDraining = false;
  /** @type {{ start: number, timeoutMs: number, total: number } | undefined} */ #drain;
  /** @type {(() => void)[]} */ #whenEmpty = [];
  /** @type {Promise<void> | undefined} */ #closing;
  /** @type {(end: { reason: GatewayEnd }) => void} */ #settle = () => {};

  /** @param {GatewayOptions} options */
  constructor(options) {
    this.#options = checkGatewayOptions(options);
    this.#given = options;
    const upstreams = openUpstreams(options.upstreams, this.#core, options);
    this.#log = createLog(options.log, options.logAddresses === true);
    this.#admission = new Admission(this.#options, upstreams, options.trustProxy ?? false);
    this.closed = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.#webSockets = new WebSocketServer(WEBSOCKET_OPTIONS);
    this.#shared = {
      core: this.#core,
      limits: this.#options.limits,
      flush: new Flush(),
      metrics: this.#metrics,
      log: this.#log,
      now: performance.now(),
      onend: (connection) => this.#ended(connection),
    };
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#timer.unref();
  }

  /** @internal */
  async start() {
    const { signal, server, trustProxy = false, tls, admin } = this.#given;
    const { port, address, limits } = this.#options;
    try {
      signal?.throwIfAborted();
      if (server === undefined) {
        const countsSockets = trustProxy === false;
        const own = { port, address, tls, limits, countsSockets };
        this.#server = await listenForClients(own);
        this.listening = placeOf(this.#server);
      }
      if (admin !== undefined) {
        this.#admin = await listenForAdmin(admin, {
          isReady: () => this.isReady,
          metrics: () => this.metrics(),
        });
        this.adminListening = placeOf(this.#admin);
      }
      signal?.throwIfAborted();
    } catch (error) {
      await this.#shutDown('closed');
      throw error;
    }
    signal?.addEventListener('abort', this.#abort, { once: true });
    const where = /** @type {Server} */ (server ?? this.#server);
    where.on('upgrade', this.#upgrade);
    where.on('close', this.#serverClosed);
    this.#log('listening');
    return this;
  }

  #abort = () => void this.#finish('aborted');
  #serverClosed = () => void this.#finish('server-closed');

  /** 'ws://127.0.0.1:8080/turn/', before the name of an upstream; undefined on a server of yours. */
  get url() {
    if (this.listening === undefined) return undefined;
    const { address, port } = this.listening;
    const host = address.includes(':') ? `[${address}]` : address;
    return `${this.#options.isSecure ? 'wss' : 'ws'}://${host}:${port}${this.#options.path}/`;
  }

  /** Whether it takes new connections. */
  get isReady() {
    return !this.#isDraining && this.#closing === undefined;
  }

  /** Numbers as of now. @returns {GatewayStats} */
  stats() {
    return this.#metrics.stats(this.#connections);
  }

  /** The same and more in the text format of Prometheus, as GET /metrics of options.admin has it. @returns {string} */
  metrics() {
    return this.#metrics.text(this.#connections, this.isReady);
  }

  /**
   * Takes no new connections (503 with Retry-After, /readyz says so) and closes those that are there with 1012, one after
   * the other over the time that is given, so that not all come back at once; then close().
   *
   * @param {{ timeoutMs?: number }} [options] default 30 s
   * @returns {Promise<void>} when all are gone
   */
  async drain({ timeoutMs = DRAIN_MS } = {}) {
    if (typeof timeoutMs !== 'number' || !(timeoutMs >= 0)) {
      throw argumentError('options.timeoutMs', 'a number of milliseconds');
    }
    if (this.#closing === undefined && !this.#isDraining) {
      this.#isDraining = true;
      this.#log('drain');
      this.#drain = { start: performance.now(), timeoutMs, total: this.#connections.size };
      this.#tick();
      await this.#empty();
    }
    await this.#finish('drained');
  }

  /** Ends all connections (1001) and listens no more; a server of yours goes on. Idempotent. @returns {Promise<void>} */
  close() {
    return this.#finish('closed');
  }

  [Symbol.asyncDispose]() {
    return this.close();
  }

  /** @param {GatewayEnd} reason */
  #finish(reason) {
    this.#closing ??= this.#shutDown(reason);
    return this.#closing;
  }

  /** @param {GatewayEnd} reason */
  async #shutDown(reason) {
    const { signal, server } = this.#given;
    signal?.removeEventListener('abort', this.#abort);
    const where = server ?? this.#server;
    where?.off('close', this.#serverClosed);
    for (const connection of this.#connections) connection.end(CLOSE.goingAway, 'closed');
    await this.#empty();
    where?.off('upgrade', this.#upgrade);
    clearInterval(this.#timer);
    if (this.#server !== undefined) await shut(this.#server);
    if (this.#admin !== undefined) await shut(this.#admin);
    this.#log('closed', { reason });
    this.#settle({ reason });
  }

  /** Resolves when no connection is left. @returns {Promise<void>} */
  #empty() {
    if (this.#connections.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenEmpty.push(resolve));
  }

  /** @param {Connection} connection */
  #ended(connection) {
    this.#connections.delete(connection);
    this.#admission.release(connection);
    if (this.#connections.size > 0) return;
    for (const resolve of this.#whenEmpty.splice(0)) resolve();
  }

  #tick() {
    const now = performance.now();
    this.#shared.now = now;
    for (const connection of this.#connections) connection.tick(now);
    this.#drainSome(now);
    if (now - this.#forgotAt < FORGET_EVERY_MS) return;
    this.#forgotAt = now;
    this.#admission.forget(now);
  }

  /** @param {number} now */
  #drainSome(now) {
    if (this.#drain === undefined) return;
    const { start, timeoutMs, total } = this.#drain;
    const share = timeoutMs === 0 ? 1 : Math.min(1, (now - start) / timeoutMs);
    let due = Math.ceil(share * total) - (total - this.#connections.size);
    for (const connection of this.#connections) {
      if (due-- <= 0) return;
      connection.end(CLOSE.restart, 'drain');
    }
  }

  #upgrade = (
    /** @type {IncomingMessage} */ request,
    /** @type {Duplex} */ socket,
    /** @type {Buffer} */ head,
  ) => {
    const name = this.#nameIn(request.url ?? '');
    if (name === undefined) {
      if (this.#isAlone()) respond(socket, 404);
      return;
    }
    this.#consider(request, socket, head, name).catch((error) => {
      // Such as a second listener on the same path, which has taken the socket already.
      socket.destroy();
      this.#metrics.refused.add('internal');
      this.#log('refused', { reason: 'internal', detail: String(error) });
    });
  };

  /** @param {string} url @returns {string | undefined} the name of an upstream; undefined: the path is not ours */
  #nameIn(url) {
    const [pathname] = url.split('?', 1);
    const prefix = `${this.#options.path}/`;
    return pathname.startsWith(prefix) ? pathname.slice(prefix.length) : undefined;
  }

  /** Whether nobody else could take an upgrade that is not ours. */
  #isAlone() {
    return (this.#given.server ?? this.#server)?.listenerCount('upgrade') === 1;
  }

  /** @param {IncomingMessage} request @param {Duplex} socket @param {Buffer} head @param {string} name */
  async #consider(request, socket, head, name) {
    // Until ws takes it, nobody else hears when it breaks.
    socket.on('error', ignore);
    if (!this.isReady) {
      this.#metrics.refused.add('draining');
      respond(socket, 503, { 'Retry-After': String(RETRY_AFTER_SECONDS) });
      return;
    }
    const now = performance.now();
    this.#shared.now = now;
    const applicant = this.#admission.applicant(request, name);
    const outcome = await this.#admission.admit(applicant, now);
    if ('reason' in outcome) this.#refuse(applicant, outcome, request, socket, head);
    else this.#accept(applicant, outcome, request, socket, head);
  }

  /** @param {Applicant} applicant @param {Refusal} refusal @param {IncomingMessage} request @param {Duplex} socket @param {Buffer} head */
  #refuse({ address: client, origin, isPage }, refusal, request, socket, head) {
    const { status, code, reason, isQuiet } = refusal;
    this.#metrics.refused.add(reason);
    if (isQuiet !== true) {
      this.#log('refused', { client, origin: isPage ? origin : undefined, status, code, reason });
    }
    if (!isPage || reason === 'sub-protocol') {
      respond(socket, status);
      return;
    }
    // A page sees no status, only a code of closing.
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.on('error', ignore);
      webSocket.close(code, reason);
    });
  }

  /** @param {Applicant} applicant @param {Admitted} admitted @param {IncomingMessage} request @param {Duplex} socket @param {Buffer} head */
  #accept({ address, origin }, { upstream, user, shares }, request, socket, head) {
    let isTaken = false;
    const id = ++this.#ids;
    if (this.isReady) {
      this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        isTaken = true;
        this.#metrics.opened++;
        const client = { id, address, origin, user, shares };
        this.#connections.add(new Connection(webSocket, socket, upstream, client, this.#shared));
      });
    } else respond(socket, 503);
    // ws has answered what is no request for a WebSocket, or the client has gone.
    if (!isTaken) this.#admission.release({ shares });
  }
}

const ignore = () => {};

/** @param {Duplex} socket @param {number} status @param {Record<string, string>} [headers] */
function respond(socket, status, headers = {}) {
  socket.on('error', ignore);
  const lines = Object.entries({ Connection: 'close', 'Content-Length': '0', ...headers });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head}\r\n`);
}

/** @param {Server} server */
function placeOf(server) {
  const { address, port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return { address, port };
}

/**
 * Starts a gateway from WebSocket to TURN servers: what a page sends it as `wss://host/turn/name`, sub-protocol 'turn',
 * goes on to the server of that name over UDP, TCP or TLS, message by message, if it may. The profile, every limit and what
 * each code of closing means: docs/gateway.md.
 *
 * It is closed to everybody that the options do not let in, and refuses to start where they let in too many.
 *
 * @param {GatewayOptions} options
 * @returns {Promise<Gateway>} close it, or hold it with `await using`
 * @throws {TypeError} ERR_INVALID_ARGUMENT with the argument's name and how to mend it
 * @throws {import('../errors.js').PosternError} ERR_INVALID_URI, ERR_TRANSPORT_UNSUPPORTED for the URL of an upstream;
 *   ERR_SERVER_LISTEN; or `signal.reason`
 */
export async function createGateway(options) {
  return new Gateway(options).start();
}
