// What a transport is: the one contract of all files in this folder. Types only.

/** @typedef {import('../address.js').TransportAddress} TransportAddress */

/**
 * Where to connect to; a Candidate of resolveServer() is one.
 *
 * @typedef {object} TransportTarget
 * @property {string} address an IP address; through a proxy also a name
 * @property {number} port 1 to 65535
 * @property {import('../address.js').AddressFamily} [family] of the address; of a name, what it is taken for
 * @property {string} [host] TLS: whom the certificate has to name; the address when left out
 * @property {string} [url] WebSocket: the ws:// or wss:// URL, which says all that the others say
 */

/**
 * @typedef {object} OpenOptions
 * @property {AbortSignal} [signal] ends the opening; what is open stays open
 * @property {string} [localAddress] address of this machine to use
 * @property {number} [localPort] 0, or left out: any that is free
 */

/** @typedef {{ address: string, port: number }} Destination */
/** @typedef {(bytes: Uint8Array, source: TransportAddress | undefined) => void} OnBytes */

/**
 * How long the steps of opening took, in milliseconds, where they can be told apart.
 *
 * @typedef {object} OpenPhases
 * @property {number} [connect] the TCP connection, to the proxy where there is one; of a WebSocket, everything
 * @property {number} [proxy] until the proxy had opened its tunnel, with the proxy's own TLS where it has that
 * @property {number} [tls] the handshake with the server
 */

/**
 * A way to a server. Bytes go and come in the units of the medium: whole messages when `framed`,
 * pieces of a stream otherwise.
 *
 * Set the handlers before anything else is awaited: a datagram that finds no `onbytes` is lost. What
 * is reliable waits until `onbytes` is set, and an `onclose` that is set too late is called still.
 *
 * @typedef {object} Transport
 * @property {string} kind 'udp', 'tcp', 'tls', 'ws', or a name of the implementer's
 * @property {boolean} reliable nothing is lost and the order is kept, so nothing is sent twice
 * @property {boolean} framed the unit of send() and `onbytes` is one whole message (UDP, WebSocket);
 *   false: messages have to be cut out of a stream (TCP, TLS)
 * @property {OpenPhases} [phases]
 * @property {TransportAddress} localAddress what is not known is '' and 0 (WebSocket)
 * @property {TransportAddress} remoteAddress the server's, as it was asked for: through a proxy, and of
 *   a WebSocket, it may be a name
 * @property {OnBytes | undefined} onbytes
 *   gets the received buffer itself, which the transport never uses again; `source` only with
 *   datagrams
 * @property {((error: Error | undefined) => void) | undefined} onclose the transport is gone, for
 *   good: by close(), by the other side, or by the error. Called once
 * @property {((error: Error) => void) | undefined} onerror something failed that need not be the
 *   end, such as an ICMP error that a datagram met; the transport stays open
 * @property {(() => void) | undefined} ondrain send() may be called again after it returned false
 * @property {(bytes: Uint8Array, destination?: Destination) => boolean} send
 *   Sends one message, or appends to the stream. The bytes are the transport's from then on: it
 *   may read them later, so a view of WebAssembly memory must be copied first. They are always
 *   taken, but after a false the caller should wait for `ondrain`. After close() they are dropped,
 *   and false is returned. Only unconnected UDP takes a `destination`
 * @property {() => void} close idempotent; no more bytes come or go, `onclose` follows
 * @property {() => void} [end] like close(), but what was sent leaves first and what comes is read until the other side
 *   closes too; one that takes no bytes holds that up, until close()
 * @property {() => void} ref lets an open transport keep the process alive (the default)
 * @property {() => void} unref lets the process end in spite of it
 */

/**
 * Opens a transport; openUdp, openTcp, openTls and openWebSocket are such functions.
 *
 * Rejects with `signal.reason`, or with a PosternError: ERR_TRANSPORT_CONNECT, ERR_TRANSPORT_TLS or
 * ERR_TRANSPORT_UNSUPPORTED.
 *
 * One that has a `clock` opens transports that live by that clock: so do the timers of their clients then.
 *
 * @typedef {((target: TransportTarget, options: OpenOptions) => Promise<Transport>) & { clock?: import('../clock.js').Clock }}
 *   OpenTransport
 */

export {};
