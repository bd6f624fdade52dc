// postern's gateway, with all that it looks at but tickets, which are the handshake's; by its path, because bench/ is a package of
// its own. The option is where the TURN server is.

import { createRequire } from 'node:module';
import { option, serve } from './serve.js';

const ENTRY = new URL('../../dist/gateway.js', import.meta.url).href;
/** @type {typeof import('../../js/gateway/index.js')} */
const { createGateway } = await import(ENTRY);
const { version } = createRequire(import.meta.url)('../../package.json');

const gateway = await createGateway({
  port: 0,
  origins: ['https://bench.example.org'], // what ../native/load says
  tickets: false,
  upstreams: { turn: { url: `turn:${option}?transport=udp`, allowPrivate: true } },
  policy: { allow: ['127.0.0.0/8'] },
  // All that is sent comes from one address.
  limits: {
    connections: 16_384,
    connectionsPerIp: Infinity,
    connectionsPerUser: Infinity,
    connectsPerMinutePerIp: Infinity,
    messagesPerSecond: Infinity,
    bytesPerSecond: Infinity,
  },
});
const { port, pathname } = new URL(gateway.url ?? '');
const path = `${pathname.replace(/\/$/, '')}/turn`;
await serve({
  port: Number(port),
  path,
  version,
  close: () => gateway.close(),
  stats: () => gateway.stats(),
});
