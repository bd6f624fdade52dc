// A gateway from WebSocket to a TURN server that speaks TCP or UDP, as one would stand in front of it: each connection
// of a WebSocket gets one of its own to the server. For tests and benches, on loopback.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, isIPv6 } from 'node:net';
import { WebSocketServer } from 'ws';
import { StreamDeframer } from '../../js/codec/index.js';

/** @typedef {import('ws').WebSocket} WebSocket */
/** @typedef {{ transport?: 'tcp' | 'udp', address: string, port: number }} Upstream `transport` is 'tcp' when left out */

/**
 * One message of the server's side, whole and without padding; or its end.
 *
 * @typedef {object} UpstreamHandlers
 * @property {(message: Uint8Array) => void} onmessage
 * @property {() => void} ondrain it takes messages again
 * @property {(failed: boolean) => void} onend
 */

/**
 * @typedef {object} UpstreamSocket
 * @property {(message: Buffer) => boolean} send false: wait for ondrain
 * @property {() => void} pause no more messages until resume()
 * @property {() => void} resume
 * @property {() => void} close
 */

const SUB_PROTOCOL = 'turn';
/** Close codes of RFC 6455 section 7.4.1 and its registry. */
const PROTOCOL_ERROR = 1002;
const UNSUPPORTED_DATA = 1003;
const NORMAL_CLOSURE = 1000;
const BAD_GATEWAY = 1014;
/** No STUN message or ChannelData is longer. */
const MAX_MESSAGE_BYTES = 65_552;
/** Bytes on their way to a WebSocket from which its server is read no more, until half of them are gone. */
const HIGH_WATER_MARK_BYTES = 256 * 1024;

/** The type of a success response to ConnectionBind (RFC 6062 section 6.1): the connection is a peer's from then on. */
const BOUND = 0x010b;
/** RFC 8489 section 5. */
const STUN_HEADER_BYTES = 20;
/** RFC 8656 section 12.4. */
const CHANNEL_DATA_HEADER_BYTES = 4;

/**
 * A message as it goes over a stream: ChannelData padded to a multiple of 4 (RFC 8656 section 12.5), STUN as it is.
 *
 * @param {Buffer} message
 * @returns {Buffer | undefined} undefined when it is neither
 */
export function toStream(message) {
  if (message.length < CHANNEL_DATA_HEADER_BYTES) return undefined;
  const length = message.readUInt16BE(2);
  if (message[0] < 0x40) {
    return message.length === STUN_HEADER_BYTES + length ? message : undefined;
  }
  const end = CHANNEL_DATA_HEADER_BYTES + length;
  // It may come padded already.
  if (message[0] > 0x4f || message.length < end || message.length > end + 3) return undefined;
  const padded = (end + 3) & ~3;
  if (message.length === padded) return message;
  const whole = Buffer.alloc(padded);
  message.copy(whole, 0, 0, end);
  return whole;
}

/** @param {Upstream} upstream @param {UpstreamHandlers} handlers @returns {UpstreamSocket} */
function openTcp({ address, port }, { onmessage, ondrain, onend }) {
  const socket = connect({ host: address, port, noDelay: true });
  const deframer = new StreamDeframer();
  let failed = false;
  /** What comes and goes is a peer's, in no messages. */
  let isBound = false;
  socket.on('data', (chunk) => {
    // Alone on its connection and short, the answer to ConnectionBind comes in one piece on loopback.
    if (!isBound && chunk.length >= STUN_HEADER_BYTES && chunk.readUInt16BE() === BOUND) {
      isBound = true;
      const end = STUN_HEADER_BYTES + chunk.readUInt16BE(2);
      onmessage(chunk.subarray(0, end));
      chunk = chunk.subarray(end);
    }
    if (isBound) {
      if (chunk.length > 0) onmessage(chunk);
      return;
    }
    try {
      for (const { bytes } of deframer.push(chunk)) onmessage(bytes);
    } catch (error) {
      socket.destroy(/** @type {Error} */ (error));
    }
  });
  socket.on('drain', ondrain);
  socket.on('error', () => {
    failed = true;
  });
  socket.on('close', () => onend(failed));
  return {
    send: (message) => {
      const bytes = isBound ? message : toStream(message);
      return bytes === undefined || socket.write(bytes);
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    // What was written still arrives, unless nobody reads it.
    close: () => (socket.writableLength === 0 ? socket.destroySoon() : socket.destroy()),
  };
}

/** @param {Upstream} upstream @param {UpstreamHandlers} handlers @returns {UpstreamSocket} */
function openUdp({ address, port }, { onmessage, onend }) {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  let isPaused = false;
  let isClosed = false;
  socket.on('message', (bytes) => {
    // Datagrams may be lost, and are, while the WebSocket is slow.
    if (!isPaused) onmessage(bytes);
  });
  // ICMP: the client asks again, or gives up.
  socket.on('error', () => {});
  socket.on('close', () => onend(false));
  socket.connect(port, address);
  const connected = once(socket, 'connect');
  connected.catch(() => {});
  return {
    send: (message) => {
      connected.then(
        () => isClosed || socket.send(message),
        () => {},
      );
      return true;
    },
    pause: () => {
      isPaused = true;
    },
    resume: () => {
      isPaused = false;
    },
    close: () => {
      if (isClosed) return;
      isClosed = true;
      socket.close();
    },
  };
}

/** Ties a WebSocket to a server until either ends. @param {WebSocket} webSocket @param {Upstream} upstream */
function bridge(webSocket, upstream) {
  const open = upstream.transport === 'udp' ? openUdp : openTcp;
  let isFull = false;
  const sent = () => {
    if (!isFull || webSocket.bufferedAmount > HIGH_WATER_MARK_BYTES / 2) return;
    isFull = false;
    server.resume();
  };
  const server = open(upstream, {
    onmessage: (message) => {
      webSocket.send(message, sent);
      if (isFull || webSocket.bufferedAmount <= HIGH_WATER_MARK_BYTES) return;
      isFull = true;
      server.pause();
    },
    ondrain: () => webSocket.resume(),
    onend: (failed) => {
      // A paused one would not read the answer to the close.
      webSocket.resume();
      webSocket.close(failed ? BAD_GATEWAY : NORMAL_CLOSURE);
    },
  });
  webSocket.on('message', (data, isBinary) => {
    if (!isBinary) webSocket.close(UNSUPPORTED_DATA);
    else if (!server.send(/** @type {Buffer} */ (data))) webSocket.pause();
  });
  webSocket.on('error', () => webSocket.terminate());
  webSocket.on('close', () => server.close());
}

/**
 * Starts a gateway.
 *
 * @param {object} options
 * @param {Upstream} options.upstream the TURN server
 * @param {string} [options.host] address to listen on; '127.0.0.1' when left out
 * @param {{ cert: string | Buffer, key: string | Buffer }} [options.tls] listens for wss:// with these
 * @param {import('node:http').Server | import('node:https').Server} [options.server] serves on this one, which listens
 *   already and stays open, instead of one of its own
 * @param {(webSocket: WebSocket) => void} [options.onconnection]
 * @returns {Promise<{ url: string, port: number, connections: ReadonlySet<WebSocket>, close: () => Promise<void> }>}
 *   `connections`: those that are open; `close` ends them all at once
 */
export async function openBridge({ upstream, host = '127.0.0.1', tls, server, onconnection }) {
  const listener = server ?? (tls === undefined ? createServer() : createTlsServer(tls));
  if (server === undefined) {
    listener.listen(0, host);
    await once(listener, 'listening');
  }
  const { port } = /** @type {import('node:net').AddressInfo} */ (listener.address());
  const webSockets = new WebSocketServer({
    server: listener,
    maxPayload: MAX_MESSAGE_BYTES,
    handleProtocols: (offered) => offered.has(SUB_PROTOCOL) && SUB_PROTOCOL,
  });
  webSockets.on('connection', (webSocket) => {
    if (webSocket.protocol === SUB_PROTOCOL) bridge(webSocket, upstream);
    else webSocket.close(PROTOCOL_ERROR, `This gateway speaks the sub-protocol '${SUB_PROTOCOL}'.`);
    onconnection?.(webSocket);
  });

  const shutDown = async () => {
    const { clients } = webSockets;
    const gone = [...clients].map((client) => once(client, 'close'));
    for (const client of clients) client.terminate();
    webSockets.close();
    await Promise.all(gone);
    if (server !== undefined) return;
    const closed = once(listener, 'close');
    listener.close();
    listener.closeAllConnections();
    await closed;
  };
  /** @type {Promise<void> | undefined} */
  let closing;
  const isSecure = tls !== undefined || (server !== undefined && 'setSecureContext' in server);
  return {
    url: `${isSecure ? 'wss' : 'ws'}://${isIPv6(host) ? `[${host}]` : host}:${port}/`,
    port,
    connections: webSockets.clients,
    close: () => {
      closing ??= shutDown();
      return closing;
    },
  };
}
