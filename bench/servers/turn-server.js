// npm turn-server, as its documentation says; its peers may be on loopback here.

import { importPeer, peerVersion } from '../impl/peer.js';
import { freePort, HOST, password, realm, serve, username } from './serve.js';

const { createServer } = await importPeer('turn-server');
const port = await freePort();
const server = createServer({
  auth: { mechanism: 'long-term', realm, credentials: { [username]: password } },
  relay: { ip: HOST },
  allowLoopback: true,
});
/** @type {Promise<void>} */
const listening = new Promise((resolve) => server.on('listening', () => resolve()));
server.listen([{ address: HOST, port, transport: 'udp' }]);
await listening;
await serve({ port, version: peerVersion('turn-server'), close: () => server.stop() });
