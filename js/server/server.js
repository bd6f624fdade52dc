// A STUN and TURN server: its sockets, and the core that says what they are for.

import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { argumentError, PosternError } from '../errors.js';
import { prepareCredential } from '../strings/prepare-credential.js';
import { Clients } from './clients.js';
import { StreamConnection, WebSocketConnection } from './connection.js';
import { ServerEngine } from './engine.js';
import { isStream, urlOf } from './listen.js';
import { serverMetrics } from './metrics.js';
import { natDiscoveryLinks } from './nat-discovery-links.js';
import { ownAddresses } from './own-addresses.js';
import { PeerConnections } from './peer-connections.js';
import { Relays } from './relays.js';
import { checkSecrets, checkTokens } from './server-options.js';
import { openStreamListener } from './stream-listener.js';
import { openUdpListener } from './udp-listener.js';

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('./clients.js').ClientConnection} ClientConnection */
/** @typedef {import('./engine.js').CoreEvent} CoreEvent */
/** @typedef {import('./engine.js').Destination} Destination */
/** @typedef {import('./listen.js').Listen} Listen */
/** @typedef {import('./listen.js').ListenProtocol} ListenProtocol */
/** @typedef {import('./server-options.js').ServerSettings} ServerSettings */
/** @typedef {import('./stream-listener.js').StreamListener} StreamListener */
/** @typedef {import('./udp-listener.js').UdpListener} UdpListener */

/**
 * An allocation, as events tell of it.
 *
 * @typedef {object} AllocationInfo
 * @property {number} id while it lives, no other has it
 * @property {TransportAddress} client
 * @property {ListenProtocol} protocol by which the client reaches the server
 * @property {string} username '' without authentication
 * @property {'udp' | 'tcp'} transport to the peers
 * @property {TransportAddress[]} relayedAddresses one, or one of each family
 * @property {number} lifetimeSeconds
 */

/**
 * @typedef {object} AllocationEnd
 * @property {number} durationMs
 * @property {number} sentMessages to peers, as the next
 * @property {number} sentBytes
 * @property {number} receivedMessages from peers, as the next; those too that had no permission
 * @property {number} receivedBytes
 */

/**
 * @typedef {object} ServerEvents
 * @property {[AllocationInfo]} allocation an allocation was made
 * @property {[AllocationInfo]} refresh its lifetime begins anew
 * @property {[AllocationInfo]} move the client is at another address now (RFC 8016)
 * @property {[AllocationInfo & AllocationEnd]} end it is gone, whatever the reason
 */

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

const SECRET_BYTES = 32;
const SWEEP_MS = 1000;
const TCP = 6;

/**
 * A running server: see createServer().
 *
 * @extends {EventEmitter<ServerEvents>}
 */
export class Server extends EventEmitter {
  #settings;
  #engine;
  #relays;
  #peers;
  #clients;
  /** @type {Map<number, UdpListener>} */ #sockets = new Map();
  /** @type {StreamListener[]} */ #streams = [];
  /** @type {Map<number, AllocationInfo & { startedAt: number }>} */ #allocations = new Map();
  #nextLink = 1;
  #ownAddress = 0;
  #isClosed = false;
  #sweeper;
  /** @type {(end: ServerEnd) => void} */ #resolveClosed = () => {};
  /** @type {Promise<void> | undefined} */ #closing;
  /** @type {(() => void) | undefined} */ #onempty;
  #onabort = () => void this.#end({ reason: 'aborted', error: this.#settings.signal?.reason });

  /**
   * Where it listens, in the order of `listen`.
   *
   * @type {(TransportAddress & { protocol: ListenProtocol })[]}
   */
  addresses = [];
  /** What clients take, in the same order: `turn:`, `turns:` and `ws:` URLs. @type {string[]} */
  urls = [];
  /** Resolves when the server has ended, whatever the reason; never rejects. @type {Promise<ServerEnd>} */
  closed = new Promise((resolve) => {
    this.#resolveClosed = resolve;
  });

  /** @param {ServerSettings} settings */
  constructor(settings) {
    super();
    this.#settings = settings;
    const { quota, relay, users } = settings;
    const isForbidden = ownAddresses(settings);
    this.#clients = new Clients({ ...quota, ...settings });
    this.#engine = new ServerEngine(
      {
        secret: randomBytes(SECRET_BYTES),
        realm: settings.realm,
        software: settings.software,
        serverName: settings.tokens.serverName,
        alternateDomain: settings.alternateDomain,
        alternates: settings.alternates,
        needsAuthentication: Number(settings.needsAuthentication),
        asksForKeys: Number(typeof users === 'function'),
        defaultLifetimeSeconds: settings.defaultLifetime,
        maxLifetimeSeconds: settings.longestLifetime,
        relaysIpv4: Number(relay?.addresses.some((one) => !one.includes(':')) ?? false),
        relaysIpv6: Number(relay?.addresses.some((one) => one.includes(':')) ?? false),
        relaysUdp: Number(relay?.udp ?? false),
        relaysTcp: Number(relay?.tcp ?? false),
        // Only where all users are known is there nobody else whom a hash could mean.
        hidesUsernames: Number(
          users instanceof Map &&
            settings.secrets.length === 0 &&
            settings.tokens.keys.length === 0,
        ),
        allowsMobility: Number(settings.mobility),
        allowsResponsePort: 1,
        maxAllocations: quota.allocations,
        maxAllocationsPerUser: quota.allocationsPerUser,
        maxAllocationsPerSource: quota.allocationsPerHost,
        maxPermissions: quota.permissions,
        maxChannels: quota.channels,
        maxConnections: quota.peerConnections,
        nonceLifetimeSeconds: settings.nonceLifetime,
        unauthenticatedPerSecond: quota.unauthenticatedPerSecond,
        unauthenticatedBurst: quota.unauthenticatedBurst,
      },
      {
        isForbidden,
        transmit: (link, bytes, to) => {
          const socket = this.#sockets.get(link);
          if (socket !== undefined) socket.send(bytes, to);
          else this.#clients.get(link)?.send(bytes);
        },
        toPeer: (id, buffer, offset, length, peer) => {
          if (peer.isForbidden) this.#ownAddress += 1;
          else this.#relays.send(id, buffer, offset, length, peer);
        },
        leftover: (link, bytes) => this.#peers.leftover(link, bytes),
        closeLink: (link) => this.#clients.get(link)?.close(),
        event: (event) => this.#handle(event),
        lost: (error) => void this.#end({ reason: 'error', error }),
      },
    );
    this.#relays = new Relays(
      this.#engine,
      relay ?? { addresses: [], external: {}, ports: [1, 1] },
      (id, socket) => this.#peers.accepted(id, socket),
    );
    this.#peers = new PeerConnections(this.#engine, this.#relays, this.#clients, isForbidden);
    if (users instanceof Map) {
      for (const [name, password] of users) this.#engine.setUser(name, password);
    }
    if (settings.secrets.length > 0) this.#engine.setSecrets(settings.secrets);
    if (settings.tokens.keys.length > 0) this.#engine.setTokenKeys(settings.tokens.keys);
    this.#setPolicy();
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS);
    this.#sweeper.unref();
  }

  /** Opens the sockets; for createServer(). @returns {Promise<this>} */
  async open() {
    const { listens, signal } = this.#settings;
    try {
      signal?.throwIfAborted();
      await this.#listen(listens);
      signal?.throwIfAborted();
    } catch (error) {
      await this.#end({ reason: 'error', error });
      throw error;
    }
    signal?.addEventListener('abort', this.#onabort, { once: true });
    return this;
  }

  /** @param {Listen[]} listens */
  async #listen(listens) {
    /** Streams that share a port. @type {Map<string, { listen: Listen, protocols: Set<ListenProtocol>, places: number[] }>} */
    const shared = new Map();
    /** @type {{ socket: UdpListener, listen: Listen }[]} */
    const sockets = [];
    for (const [place, listen] of listens.entries()) {
      if (!isStream(listen)) {
        const socket = await this.#opened(listen, () => openUdpListener(listen));
        sockets.push({ socket, listen });
        socket.link = this.#nextLink++;
        this.#sockets.set(socket.link, socket);
        this.#tell(place, listen, socket.address);
        continue;
      }
      // Port 0 is another one for each.
      const key = listen.port === 0 ? `${place}` : `${listen.address} ${listen.port}`;
      const group = shared.get(key) ?? { listen, protocols: new Set(), places: [] };
      group.protocols.add(listen.protocol);
      group.places.push(place);
      shared.set(key, group);
    }
    for (const { listen, protocols, places } of shared.values()) {
      const stream = await this.#opened(listen, () => this.#openStream(listen, protocols));
      this.#streams.push(stream);
      for (const place of places) this.#tell(place, listens[place], stream.address);
    }
    const others = natDiscoveryLinks(sockets.map(({ socket }) => socket));
    for (const { socket } of sockets) {
      const { link, address: local } = socket;
      this.#engine.addLink(link, {
        local,
        isStream: false,
        isReliable: false,
        others: others.get(link),
      });
      socket.onmessage = (bytes, source) => this.#engine.message(link, bytes, source);
    }
  }

  /** @param {Listen} listen @param {ReadonlySet<ListenProtocol>} protocols */
  #openStream(listen, protocols) {
    const { tls, origins, handshakeTimeoutMs } = this.#settings;
    return openStreamListener(
      listen,
      protocols,
      { tls, origins, handshakeTimeoutMs },
      {
        onconnect: (socket) => this.#clients.admit(socket),
        onstream: (protocol, socket) =>
          this.#connect(
            socket,
            (local, remote, handlers) =>
              new StreamConnection(protocol, socket, local, remote, handlers),
          ),
        onwebsocket: (protocol, webSocket, socket, asStream) =>
          this.#connect(
            socket,
            (local, remote, handlers) =>
              new WebSocketConnection(protocol, webSocket, asStream, local, remote, handlers),
          ),
        onfailure: () => {
          this.#clients.refused += 1;
        },
      },
    );
  }

  /**
   * @param {import('node:net').Socket} socket
   * @param {(local: TransportAddress, remote: TransportAddress,
   *   handlers: { onbytes: (bytes: Uint8Array) => void, onclose: () => void }) => ClientConnection} make
   */
  #connect(socket, make) {
    const { localAddress, localPort, remoteAddress, remotePort, localFamily } = socket;
    // Gone already, or so is the server.
    if (remoteAddress === undefined || this.#isClosed) {
      socket.destroy();
      return;
    }
    const family = /** @type {TransportAddress['family']} */ (localFamily);
    const local = { address: localAddress ?? '', port: localPort ?? 0, family };
    const remote = { address: remoteAddress, port: remotePort ?? 0, family };
    const link = this.#nextLink++;
    const connection = make(local, remote, {
      onbytes: (bytes) => {
        if (connection.isStream) this.#engine.stream(link, bytes);
        else this.#engine.message(link, bytes);
      },
      onclose: () => {
        this.#clients.delete(link);
        this.#engine.removeLink(link);
      },
    });
    connection.link = link;
    this.#clients.add(link, connection);
    this.#engine.addLink(link, {
      local,
      remote,
      isStream: connection.isStream,
      isReliable: true,
    });
  }

  /**
   * @template T
   * @param {Listen} listen
   * @param {() => Promise<T>} open
   * @returns {Promise<T>}
   */
  async #opened({ protocol, address, port }, open) {
    try {
      return await open();
    } catch (cause) {
      const { code } = /** @type {NodeJS.ErrnoException} */ (cause);
      throw new PosternError(
        'ERR_SERVER_LISTEN',
        `The server can't listen at ${protocol}://${address.includes(':') ? `[${address}]` : address}:${port}.`,
        { cause, hint: LISTEN_HINTS[/** @type {keyof typeof LISTEN_HINTS} */ (code)] },
      );
    }
  }

  /** @param {number} place @param {Listen} listen @param {TransportAddress} address */
  #tell(place, { protocol }, { address, port, family }) {
    this.addresses[place] = { protocol, address, port, family };
    const own = this.#settings.relay?.addresses.find(
      (one) => one.includes(':') === (family === 'IPv6'),
    );
    const isAny = address === '0.0.0.0' || address === '::';
    const host = isAny ? (own ?? (family === 'IPv6' ? '::1' : '127.0.0.1')) : address;
    const shown = this.#settings.relay?.external[host] ?? host;
    this.urls[place] = urlOf({ protocol, address: shown, port, family });
  }

  #setPolicy() {
    const { policy } = this.#settings;
    try {
      this.#engine.setPolicy(policy);
      return;
    } catch {}
    // Which one is it?
    const none = { only: false, allow: [], deny: [], nat64: [] };
    for (const kind of /** @type {const} */ (['allow', 'deny', 'nat64'])) {
      for (const [i, prefix] of policy[kind].entries()) {
        try {
          this.#engine.setPolicy({ ...none, [kind]: [prefix] });
        } catch {
          throw argumentError(
            `options.policy.${kind}[${i}]`,
            "an address or a prefix with no bit set after it, such as '10.0.0.0/8' or '2001:db8::/32'; for nat64, of a " +
              'length that RFC 6052 section 2.2 has',
          );
        }
      }
    }
    throw argumentError('options.policy.nat64', 'at most four prefixes');
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
        this.#tellAllocation(event);
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
      // The caller's function has failed: to the client that is as if there were no such user.
      reportException(error);
    }
    this.#engine.answerKey(question, password);
  }

  /** @param {CoreEvent} event */
  #tellAllocation(event) {
    const { kind, relay: id, link } = event;
    const known = this.#allocations.get(id);
    if (kind === 'allocated') {
      const info = this.#describe(event);
      this.#allocations.set(id, { ...info, startedAt: performance.now() });
      this.#count(link, 1);
      this.#emit('allocation', info);
    } else if (known !== undefined && kind === 'ended') {
      this.#allocations.delete(id);
      this.#count(link, -1);
      const { startedAt, ...info } = known;
      const durationMs = performance.now() - startedAt;
      this.#emit('end', { ...info, durationMs, ...this.#relays.traffic(id) });
      if (this.#allocations.size === 0) this.#onempty?.();
    } else if (known !== undefined) {
      const info = this.#describe(event);
      this.#allocations.set(id, { ...info, startedAt: known.startedAt });
      this.#emit(kind === 'moved' ? 'move' : 'refresh', info);
    }
  }

  /** @param {CoreEvent} event @returns {AllocationInfo} */
  #describe({ relay, client, link, username, protocol, relayed, lifetimeSeconds }) {
    return {
      id: relay,
      client: /** @type {TransportAddress} */ (client),
      protocol: this.#clients.get(link)?.protocol ?? 'udp',
      username,
      transport: protocol === TCP ? 'tcp' : 'udp',
      relayedAddresses: relayed,
      lifetimeSeconds,
    };
  }

  /** @param {number} link @param {number} change */
  #count(link, change) {
    const connection = this.#clients.get(link);
    if (connection !== undefined) connection.allocations += change;
  }

  /**
   * @template {keyof ServerEvents} Name
   * @param {Name} name
   * @param {ServerEvents[Name][0]} detail
   */
  #emit(name, detail) {
    try {
      /** @type {EventEmitter} */ (this).emit(name, detail);
    } catch (error) {
      // A listener's, who ends nothing of ours.
      reportException(error);
    }
  }

  #sweep() {
    const now = performance.now();
    this.#engine.tellTime();
    for (const stream of this.#streams) stream.sweep(now);
    this.#clients.sweep(now);
  }

  /** What there is, and what was counted since the start. @returns {ServerStats} */
  stats() {
    return {
      ...this.#engine.stats(),
      connections: this.#clients.size,
      refusedConnections: this.#clients.refused,
      relaySockets: this.#relays.size,
      slowClient: this.#clients.dropped,
      ownAddress: this.#ownAddress,
      coreMemoryBytes: this.#engine.memoryBytes,
    };
  }

  /** The same in the text format of Prometheus. @returns {string} */
  metrics() {
    return serverMetrics(this.stats());
  }

  /** The allocations that there are. @returns {AllocationInfo[]} */
  allocations() {
    return [...this.#allocations.values()].map(({ startedAt: _, ...info }) => info);
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
   */
  setSecureContext(tls) {
    for (const stream of this.#streams) stream.setSecureContext(tls);
  }

  /**
   * Ends without hurting anybody: makes no new allocations, waits until those that are there have ended, then closes.
   *
   * @param {object} [options]
   * @param {number} [options.timeoutMs] then the rest is ended; never when left out
   * @param {AbortSignal} [options.signal] stops waiting: the server goes on as before
   * @returns {Promise<number>} how many allocations were ended by the timeout
   */
  async drain({ timeoutMs, signal } = {}) {
    signal?.throwIfAborted();
    this.#engine.setDraining(true);
    if (this.#allocations.size > 0 && !this.#isClosed) {
      await new Promise((resolve, reject) => {
        const timer = timeoutMs === undefined ? undefined : setTimeout(resolve, timeoutMs);
        const onabort = () => {
          this.#engine.setDraining(false);
          reject(signal?.reason);
        };
        signal?.addEventListener('abort', onabort, { once: true });
        this.#onempty = () => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', onabort);
          resolve(undefined);
        };
        void this.closed.then(this.#onempty);
      });
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
    clearInterval(this.#sweeper);
    this.#engine.endAll();
    this.#isClosed = true;
    this.#engine.close();
    this.#relays.closeAll();
    this.#peers.closeAll();
    this.#clients.closeAll();
    await Promise.all([
      ...[...this.#sockets.values()].map((socket) => socket.close()),
      ...this.#streams.map((stream) => stream.close()),
    ]);
    this.#resolveClosed(end);
  }
}

const LISTEN_HINTS = {
  EADDRINUSE: 'Another program uses the port.',
  EADDRNOTAVAIL: 'This machine has no such address.',
  EACCES: 'The system reserves the port: it needs a privilege (CAP_NET_BIND_SERVICE).',
};

/** As an event listener's exception would be. @param {unknown} error */
function reportException(error) {
  queueMicrotask(() => {
    throw error;
  });
}
