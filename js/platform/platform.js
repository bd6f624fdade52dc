// What the files of this folder provide; '#platform' in package.json chooses one. Types only.

/** @typedef {import('../resolve/resolve-server.js').Candidate} Candidate */
/** @typedef {import('../resolve/resolve-server.js').ResolveOptions} ResolveOptions */
/** @typedef {import('../transports/transport.js').OpenOptions} OpenOptions */
/** @typedef {import('../transports/transport.js').Transport} Transport */
/** @typedef {import('../turn/turn-socket.js').SocketRelay} SocketRelay */
/** @typedef {import('../turn/turn-socket.js').TurnSocketOptions} TurnSocketOptions */
/** @typedef {import('../uri.js').ServerUri} ServerUri */

/**
 * What the transports take, each what it knows.
 *
 * @typedef {OpenOptions & {
 *   tls?: import('../transports/tls.js').TlsOptions,
 *   WebSocket?: import('../transports/websocket.js').WebSocketConstructor,
 *   ticket?: import('../transports/websocket.js').TicketSource,
 *   alpn?: import('../transports/tls.js').AlpnLabel,
 *   proxy?: string,
 *   proxyTls?: import('../transports/tls.js').TlsOptions,
 * }} TransportOptions
 */

/**
 * @typedef {object} Platform
 * @property {(uri: ServerUri, options: ResolveOptions & { proxy?: string }) => Promise<Candidate[]>} resolveServer
 * @property {(candidate: Candidate, options: TransportOptions) => Promise<Transport>} openTransport
 * @property {(streams: { readable: ReadableStream<Uint8Array>, writable: WritableStream<Uint8Array> }) =>
 *   import('node:stream').Duplex} toDuplex
 * @property {(relay: SocketRelay, options: TurnSocketOptions) => import('node:dgram').Socket} dgramSocket
 */

export {};
