// A STUN server for this machine: it tells those who ask their address, over UDP and TCP. For
// trying things out and for tests; without authentication, so not for the Internet.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, isIP, isIPv6 } from 'node:net';
import { decode, encode, StreamDeframer } from '../codec/index.js';
import { argumentError } from '../errors.js';
import { codeOf } from '../system-error.js';

/** @typedef {import('../codec/index.js').Message} Message */
/** @typedef {{ address: string, port: number }} Peer */

/**
 * @typedef {object} ResponderOptions
 * @property {string} [host] address to listen on; '127.0.0.1' when left out
 * @property {number} [port] for UDP and TCP; 0, or left out: any that is free for both
 * @property {string} [software] SOFTWARE of the answers
 */

/**
 * @typedef {AsyncDisposable & ResponderHandle} StunResponder
 */

/**
 * @typedef {object} ResponderHandle
 * @property {string} host
 * @property {number} udpPort
 * @property {number} tcpPort the same number
 * @property {() => Promise<void>} close idempotent; resolves when sockets and connections are gone
 */

/** Comprehension-required attributes of a request that do not change this server's answer. */
const HARMLESS = new Set([
  'USERNAME',
  'USERHASH',
  'REALM',
  'NONCE',
  'PASSWORD-ALGORITHM',
  'MESSAGE-INTEGRITY',
  'MESSAGE-INTEGRITY-SHA256',
]);
/** Types from here on may be ignored (RFC 8489 section 14). */
const COMPREHENSION_OPTIONAL = 0x8000;

// A Binding request has no need of more; what a connection can make this process hold is bounded.
const MAX_FRAME_BYTES = 2048;
const MAX_CONNECTIONS = 64;
const IDLE_TIMEOUT_MS = 60_000;
// A port that is free for TCP may be taken for UDP.
const PORT_TRIES = 16;

/** @param {Message} request @returns {number[]} */
function notUnderstood(request) {
  const types = [...request]
    .filter(({ type, name, counts }) => {
      return counts && type < COMPREHENSION_OPTIONAL && !HARMLESS.has(name ?? '');
    })
    .map(({ type }) => type);
  return [...new Set(types)];
}

/**
 * @param {Uint8Array} bytes
 * @param {Peer} peer
 * @param {string} software
 * @returns {Uint8Array | undefined} the answer, if one is due
 */
function answer(bytes, peer, software) {
  let request;
  try {
    request = decode(bytes, { allowClassic: true });
  } catch {
    return undefined;
  }
  if (request.class !== 'request' || request.method !== 'Binding') return undefined;
  if (request.fingerprint === 'invalid') return undefined;

  const { transactionId, isClassic } = request;
  const fingerprint = request.fingerprint === 'valid';
  const unknownAttributes = notUnderstood(request);
  if (unknownAttributes.length > 0) {
    const errorCode = { code: 420 };
    const attributes = { errorCode, unknownAttributes, software: isClassic ? undefined : software };
    return encode({ class: 'error', method: 'Binding', transactionId, attributes, fingerprint });
  }
  const address = { address: peer.address.replace(/%.*/, ''), port: peer.port };
  // RFC 5389 section 12.2: classic clients know nothing of the XOR form.
  const attributes = isClassic
    ? { mappedAddress: address }
    : { xorMappedAddress: address, software };
  return encode({ class: 'success', method: 'Binding', transactionId, attributes, fingerprint });
}

/** @param {import('node:net').Socket} socket @param {string} software */
function serveConnection(socket, software) {
  const { remoteAddress, remotePort } = socket;
  socket.on('error', () => socket.destroy());
  if (remoteAddress === undefined || remotePort === undefined) {
    socket.destroy();
    return;
  }
  const peer = { address: remoteAddress, port: remotePort };
  const deframer = new StreamDeframer({ maxFrameBytes: MAX_FRAME_BYTES });
  socket.setNoDelay(true);
  socket.setTimeout(IDLE_TIMEOUT_MS, () => socket.destroy());
  socket.on('drain', () => socket.resume());
  socket.on('data', (chunk) => {
    let frames;
    try {
      frames = deframer.push(chunk);
    } catch {
      socket.destroy();
      return;
    }
    for (const { type, bytes } of frames) {
      const response = type === 'stun' ? answer(bytes, peer, software) : undefined;
      // Who does not read the answers gets to ask no more.
      if (response && !socket.write(response)) socket.pause();
    }
  });
}

/**
 * One server of each kind on one port.
 *
 * @param {string} host
 * @param {number} port
 * @param {(socket: import('node:net').Socket) => void} onConnection
 */
async function listen(host, port, onConnection) {
  const isV6 = isIPv6(host);
  const tcp = createServer(onConnection);
  tcp.maxConnections = MAX_CONNECTIONS;
  tcp.listen({ host, port, ipv6Only: isV6, exclusive: true });
  await once(tcp, 'listening');
  const bound = /** @type {import('node:net').AddressInfo} */ (tcp.address()).port;
  const udp = createSocket({ type: isV6 ? 'udp6' : 'udp4', ipv6Only: isV6 });
  try {
    udp.bind({ address: host, port: bound, exclusive: true });
    await once(udp, 'listening');
  } catch (error) {
    udp.close();
    tcp.close();
    throw error;
  }
  return { udp, tcp, port: bound };
}

/**
 * @param {string} host
 * @param {number} port
 * @param {(socket: import('node:net').Socket) => void} onConnection
 */
async function listenOnBoth(host, port, onConnection) {
  for (let tries = 1; ; tries++) {
    try {
      return await listen(host, port, onConnection);
    } catch (error) {
      if (port !== 0 || codeOf(error) !== 'EADDRINUSE' || tries === PORT_TRIES) throw error;
    }
  }
}

/**
 * Starts a STUN server that answers Binding requests (RFC 8489 section 6.3.1, and RFC 3489),
 * refuses those that demand what it does not know with 420, and drops everything else.
 *
 * @param {ResponderOptions} [options]
 * @returns {Promise<StunResponder>}
 * @throws {Error} of node:net or node:dgram, such as EADDRINUSE
 */
export async function startStunResponder(options = {}) {
  const { host = '127.0.0.1', port: wantedPort = 0, software = 'postern' } = options;
  if (isIP(host) === 0) throw argumentError('options.host', 'an IP address');
  /** @type {Set<import('node:net').Socket>} */
  const connections = new Set();
  const { udp, tcp, port } = await listenOnBoth(host, wantedPort, (socket) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
    serveConnection(socket, software);
  });
  udp.on('error', () => {}); // Windows tells of clients that are gone
  udp.on('message', (bytes, peer) => {
    const response = answer(bytes, peer, software);
    if (response) udp.send(response, peer.port, peer.address, () => {});
  });

  const shutDown = async () => {
    const closed = [once(udp, 'close'), once(tcp, 'close')];
    udp.close();
    tcp.close();
    for (const socket of connections) socket.destroy();
    await Promise.all(closed);
  };
  /** @type {Promise<void> | undefined} */
  let closing;
  const close = () => {
    closing ??= shutDown();
    return closing;
  };
  return { host, udpPort: port, tcpPort: port, close, [Symbol.asyncDispose]: close };
}
