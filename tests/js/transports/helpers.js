// What the tests of the transports share: servers on loopback, and events as promises.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

/** @typedef {import('../../../js/transports/transport.js').Transport} Transport */

/** @param {string} name of a file in tests/fixtures/tls */
export const fixture = (name) =>
  readFileSync(new URL(`../../fixtures/tls/${name}.pem`, import.meta.url));

export const text = (/** @type {Uint8Array} */ bytes) => Buffer.from(bytes).toString();

/** The next bytes, with their source. @param {Pick<Transport, 'onbytes'>} transport */
export function received(transport) {
  return new Promise(
    (/** @type {(value: { bytes: Uint8Array, source: any }) => void} */ resolve) => {
      transport.onbytes = (bytes, source) => resolve({ bytes, source });
    },
  );
}

/** What onclose is called with. @param {Pick<Transport, 'onclose'>} transport */
export function closed(transport) {
  return new Promise((/** @type {(error: any) => void} */ resolve) => {
    transport.onclose = resolve;
  });
}

/** What onerror is called with. @param {Pick<Transport, 'onerror'>} transport */
export function failed(transport) {
  return new Promise((/** @type {(error: any) => void} */ resolve) => {
    transport.onerror = resolve;
  });
}

/** @param {Pick<Transport, 'ondrain'>} transport */
export function drained(transport) {
  return new Promise((/** @type {(value?: undefined) => void} */ resolve) => {
    transport.ondrain = () => resolve();
  });
}

/** @type {(() => unknown)[]} */
const cleanUps = [];

/** One more thing for cleanUp() to end. @param {() => unknown} end */
export function cleanUpWith(end) {
  cleanUps.push(end);
}

/** Ends what the helpers have started; for afterEach(). */
export async function cleanUp() {
  for (const end of cleanUps.splice(0).reverse()) await end();
}

/** @template {Transport} T @param {T} transport @returns {T} that cleanUp() closes */
export function tracked(transport) {
  cleanUps.push(() => transport.close());
  return transport;
}

/** A UDP socket of the other side; sends back what comes, unless told otherwise. @param {string} [host] */
export async function udpServer(host = '127.0.0.1', port = 0, isEcho = true) {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  if (isEcho) socket.on('message', (bytes, peer) => socket.send(bytes, peer.port, peer.address));
  socket.bind(port, host);
  await once(socket, 'listening');
  cleanUps.push(
    () => new Promise((/** @type {(v?: undefined) => void} */ done) => socket.close(() => done())),
  );
  return { socket, target: { address: host, port: socket.address().port } };
}

/** A UDP port that nothing listens on. @param {string} [host] */
export async function freeUdpPort(host = '127.0.0.1') {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  socket.bind(0, host);
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}

/**
 * @param {import('node:net').Server} server
 * @param {string} host
 */
async function listening(server, host) {
  /** @type {Set<import('node:net').Socket>} */
  const sockets = new Set();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
  });
  server.listen(0, host);
  await once(server, 'listening');
  cleanUps.push(async () => {
    server.close();
    for (const socket of sockets) socket.destroy();
    await once(server, 'close');
  });
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return { server, sockets, target: { address: host, port } };
}

/**
 * A TCP server; `onConnection` gets each socket.
 *
 * @param {(socket: import('node:net').Socket) => void} onConnection
 * @param {string} [host]
 */
export function tcpServer(onConnection, host = '127.0.0.1') {
  return listening(createServer(onConnection), host);
}

/**
 * A TLS server with the certificate of a fixture.
 *
 * @param {string} certificate
 * @param {(socket: import('node:tls').TLSSocket) => void} [onConnection]
 * @param {import('node:tls').TlsOptions & { host?: string }} [options]
 */
export function tlsServer(certificate, onConnection, { host = '127.0.0.1', ...options } = {}) {
  const server = createTlsServer(
    { key: fixture('server-key'), cert: fixture(certificate), ...options },
    onConnection,
  );
  server.on('secureConnection', (socket) => socket.on('error', () => {}));
  return listening(server, host);
}

/** A few turns of the event loop: what the system has ready by now has been told. */
export async function settled() {
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
}

/** The kinds of the sockets that keep this process alive, one for each. */
export async function openSockets() {
  // What is closed is gone after the closing phase of the event loop.
  await settled();
  return process
    .getActiveResourcesInfo()
    .filter((kind) => /UDP|TCP|TLS/.test(kind))
    .sort();
}
