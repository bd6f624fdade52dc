// Where clients arrive: the server's sockets, its ports with streams, and the connections that came of them.

import { PosternError } from '../errors.js';
import { Clients } from './clients.js';
import { StreamConnection, WebSocketConnection } from './connection.js';
import { isStream, urlOf } from './listen.js';
import { natDiscoveryLinks } from './nat-discovery-links.js';
import { openStreamListener } from './stream-listener.js';
import { openUdpListener } from './udp-listener.js';

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('./clients.js').ClientConnection} ClientConnection */
/** @typedef {import('./engine.js').Destination} Destination */
/** @typedef {import('./engine.js').ServerEngine} ServerEngine */
/** @typedef {import('./listen.js').Listen} Listen */
/** @typedef {import('./listen.js').ListenProtocol} ListenProtocol */
/** @typedef {import('./server-options.js').ServerSettings} ServerSettings */
/** @typedef {import('./stream-listener.js').StreamListener} StreamListener */
/** @typedef {import('./udp-listener.js').UdpListener} UdpListener */

const LISTEN_HINTS = {
  EADDRINUSE: 'Another program uses the port.',
  EADDRNOTAVAIL: 'This machine has no such address.',
  EACCES: 'The system reserves the port: it needs a privilege (CAP_NET_BIND_SERVICE).',
};

export class Front {
  #settings;
  #engine;
  #bindUdp;
  /** @type {Map<number, UdpListener>} */ #sockets = new Map();
  /** @type {StreamListener[]} */ #streams = [];
  #nextLink = 1;
  #isClosed = false;
  /** @type {(TransportAddress & { protocol: ListenProtocol })[]} */ addresses = [];
  /** @type {string[]} */ urls = [];
  /** What serves HTTP, by path; complete before open(). @type {Map<string, import('node:http').RequestListener>} */
  handlers = new Map();

  /** @param {ServerEngine} engine @param {ServerSettings} settings @param {import('./platform.js').ServerPlatform['bindUdp']} bindUdp */
  constructor(engine, settings, bindUdp) {
    this.#bindUdp = bindUdp;
    this.#engine = engine;
    this.#settings = settings;
    this.clients = new Clients({ ...settings.quota, ...settings });
  }

  /** Opens what the options name. @returns {Promise<void>} rejects with ERR_SERVER_LISTEN */
  async open() {
    const { listens } = this.#settings;
    /** Streams that share a port. @type {Map<string, { listen: Listen, protocols: Set<ListenProtocol>, places: number[] }>} */
    const shared = new Map();
    for (const [place, listen] of listens.entries()) {
      if (!isStream(listen)) {
        const socket = await this.#opened(listen, () => openUdpListener(listen, this.#bindUdp));
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
    const others = natDiscoveryLinks([...this.#sockets.values()]);
    for (const socket of this.#sockets.values()) {
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
        onconnect: (socket) => this.clients.admit(socket),
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
              new WebSocketConnection(
                protocol,
                { webSocket, socket, asStream },
                local,
                remote,
                handlers,
              ),
          ),
        requests: this.handlers,
        onfailure: () => {
          this.clients.refused += 1;
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
        this.clients.delete(link);
        this.#engine.removeLink(link);
      },
    });
    connection.link = link;
    this.clients.add(link, connection);
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

  /** @param {number} link @param {Uint8Array} bytes @param {Destination} to */
  send(link, bytes, to) {
    const socket = this.#sockets.get(link);
    if (socket !== undefined) socket.send(bytes, to);
    else this.clients.get(link)?.send(bytes);
  }

  /** Gives up those that do nothing. @param {number} now */
  sweep(now) {
    for (const stream of this.#streams) stream.sweep(now);
    this.clients.sweep(now);
  }

  /** @param {import('node:tls').SecureContextOptions} tls */
  setSecureContext(tls) {
    for (const stream of this.#streams) stream.setSecureContext(tls);
  }

  /** Says good-bye to the clients, and lets go of the ports. */
  async close() {
    this.#isClosed = true;
    this.clients.closeAll();
    await Promise.all([
      ...[...this.#sockets.values()].map((socket) => socket.close()),
      ...this.#streams.map((stream) => stream.close()),
    ]);
  }
}
