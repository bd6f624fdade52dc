// What many relays hold in memory, beside as many sockets of Node's: relay-memory.js postern|dgram COUNT [SERVER USER
// PASSWORD], SERVER being address:port. Needs node --expose-gc. Prints one line of JSON.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';

/** So many at a time, so that no server has to hold more requests than its socket. */
const TOGETHER = 20;
/** Until what was needed only for the opening is gone. */
const SETTLE_MS = 300;

const [impl, countText, server, username, password] = process.argv.slice(2);
const count = Number(countText);
const { gc } = globalThis;
if (gc === undefined) throw new Error('needs --expose-gc');

async function measure() {
  await wait(SETTLE_MS);
  // Twice: what finalizers let go is collected by the second.
  for (let i = 0; i < 2; i += 1) {
    gc?.();
    await wait(0);
  }
  const { rss, heapUsed } = process.memoryUsage();
  return { rss, heapUsed };
}

/** @returns {Promise<() => Promise<void>>} what makes one */
async function prepare() {
  if (impl === 'dgram') {
    const port = Number(server.split(':')[1]);
    return async () => {
      const socket = createSocket('udp4');
      socket.on('message', () => {});
      socket.connect(port, '127.0.0.1');
      await once(socket, 'connect');
      open.push(socket);
    };
  }
  const { postern } = await import('./client.js');
  await postern.init();
  return async () => {
    const credentials = { username, password };
    const relay = await postern.allocate(`turn:${server}?transport=udp`, { credentials });
    relay.onmessage = () => {};
    open.push(relay);
  };
}

/** @type {{ close(): unknown }[]} */
const open = [];
const make = await prepare();
const idle = await measure();
while (open.length < count) {
  await Promise.all(Array.from({ length: Math.min(TOGETHER, count - open.length) }, make));
}
const full = await measure();
console.log(
  JSON.stringify({
    impl,
    count,
    rss: full.rss - idle.rss,
    heap: full.heapUsed - idle.heapUsed,
  }),
);
await Promise.all(open.map((one) => one.close()));
