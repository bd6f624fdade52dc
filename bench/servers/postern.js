// postern's server, as an application embeds it; by its path, because bench/ is a package of its own. The option is what
// it listens for: 'udp' or 'ws'.

import { createRequire } from 'node:module';
import { HOST, option, password, realm, serve, username } from './serve.js';

const ENTRY = new URL('../../dist/server.js', import.meta.url).href;
/** @type {typeof import('../../js/server/index.js')} */
const { createServer } = await import(ENTRY);
const { version } = createRequire(import.meta.url)('../../package.json');

const server = await createServer({
  listen: [`${option || 'udp'}://${HOST}:0`],
  relay: { addresses: [HOST] },
  credentials: { [username]: password },
  realm,
  policy: { allow: ['127.0.0.0/8'] },
  // All clients come from one address.
  quota: {
    unauthenticatedPerSecond: 1_000_000,
    unauthenticatedBurst: 1_000_000,
    connectionsPerHost: 16_384,
  },
});
const [{ port }] = server.addresses;
const path = option === 'ws' ? '/' : undefined;
await serve({ port, path, version, close: () => server.close(), stats: () => server.stats() });
