// A WebSocket server of the package ws that sends back what it is sent: no gateway in Node can do with less.

import { once } from 'node:events';
import { WebSocketServer } from 'ws';
import { HOST, serve } from './serve.js';

const server = new WebSocketServer({ host: HOST, port: 0, perMessageDeflate: false });
server.on('connection', (webSocket) => {
  webSocket.on('message', (data) => webSocket.send(data));
});
await once(server, 'listening');
const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
await serve({ port, path: '/', version: process.version, close: () => server.close() });
