// npm node-turn, as its documentation says: UDP, long-term credentials; it relays to any address.

import { once } from 'node:events';
import { peerVersion, requirePeer } from '../impl/peer.js';
import { freePort, HOST, password, realm, serve, username } from './serve.js';

const Turn = requirePeer('node-turn');
const port = await freePort();
const server = new Turn({
  listeningIps: [HOST],
  relayIps: [HOST],
  listeningPort: port,
  authMech: 'long-term',
  credentials: { [username]: password },
  realm,
  debugLevel: 'OFF',
});
server.start();
await once(server.network.sockets[0], 'listening');
await serve({ port, version: peerVersion('node-turn'), close: () => server.stop() });
