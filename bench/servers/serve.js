// What the servers of the benches share: how they say where they are, and how they end.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export const HOST = '127.0.0.1';

/** What the servers know their clients by; where these send to (address:port); and what only some are told. */
export const [username, password, realm, peer, option] = process.argv.slice(2);

/** @param {string} text address:port, IPv4 */
export function placeOf(text) {
  const [address, port] = text.split(':');
  return { address, port: Number(port) };
}

/**
 * Prints where the server is, then answers each line of stdin with the memory it holds. At the end of stdin it ends.
 *
 * @param {object} server
 * @param {number} server.port
 * @param {string} [server.path] of its WebSockets
 * @param {string} server.version
 * @param {() => unknown} server.close
 * @param {() => object} [server.stats] to be told with the memory
 */
export async function serve({ port, path, version, close, stats = () => ({}) }) {
  process.stdout.on('error', () => process.exit()); // nobody listens any more
  const say = (/** @type {object} */ line) => process.stdout.write(`${JSON.stringify(line)}\n`);
  say({ address: HOST, port, path, version });
  for await (const _ of createInterface({ input: process.stdin })) {
    // Twice: what finalizers let go is collected by the second.
    for (let i = 0; i < 2; i += 1) {
      globalThis.gc?.();
      await new Promise(setImmediate);
    }
    const { rss, heapUsed, external } = process.memoryUsage();
    say({ rss, heapUsed, external, stats: stats() });
  }
  await close();
  process.exit(); // those of others keep timers
}

/** A port that is free, for those who cannot be told to take any. */
export async function freePort() {
  const socket = createSocket('udp4').bind(0, HOST);
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}
