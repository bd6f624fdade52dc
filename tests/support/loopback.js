// What the proxies for tests share: a server on loopback that knows its sockets, and the way onward.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

/** @typedef {import('node:net').Socket} Socket */

/**
 * @param {(socket: Socket) => void} onConnection
 * @param {{ tls?: import('node:tls').TlsOptions, host?: string }} options
 */
export async function listenOnLoopback(onConnection, { tls, host = '127.0.0.1' }) {
  const server = tls ? createTlsServer(tls) : createServer();
  /** @type {Set<Socket>} */
  const sockets = new Set();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
  });
  server.on(tls ? 'secureConnection' : 'connection', (socket) => {
    socket.on('error', () => {});
    onConnection(socket);
  });
  server.on('tlsClientError', () => {});
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const close = async () => {
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return { port, host, server, sockets, close };
}

/**
 * Joins a client to where it wants to go.
 *
 * @param {Socket} client
 * @param {{ host: string, port: number }} target
 * @param {() => void | Promise<void>} onConnected before anything is passed on
 * @param {() => void} onFailed
 */
export function passOn(client, { host, port }, onConnected, onFailed) {
  const onward = connect({ host, port });
  let isConnected = false;
  onward.on('error', () => {
    if (isConnected) client.destroy();
    else onFailed();
  });
  onward.on('connect', async () => {
    isConnected = true;
    await onConnected();
    client.pipe(onward).pipe(client);
  });
  client.on('close', () => onward.destroy());
  onward.on('close', () => {
    if (isConnected) client.end();
  });
}

/** Writes byte by byte, each in a turn of the event loop of its own. @param {Socket} socket @param {Uint8Array} bytes */
export async function writeSlowly(socket, bytes) {
  socket.setNoDelay(true);
  for (const byte of bytes) {
    socket.write(Uint8Array.of(byte));
    await new Promise(setImmediate);
  }
}
