// A WebSocket server of the package ws, with a socket to a TURN server for each connection, and nothing that looks at what
// goes through: the least that a gateway in Node can do. The option is where the TURN server is.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { WebSocketServer } from 'ws';
import { HOST, option, placeOf, serve } from './serve.js';

const { address, port: upstreamPort } = placeOf(option);
const server = new WebSocketServer({ host: HOST, port: 0, perMessageDeflate: false });
server.on('connection', (webSocket) => {
  const socket = createSocket('udp4');
  const connected = new Promise((resolve) =>
    socket.connect(upstreamPort, address, () => resolve(true)),
  );
  let isConnected = false;
  void connected.then(() => {
    isConnected = true;
  });
  socket.on('message', (data) => webSocket.send(data));
  webSocket.on('message', (data) => {
    if (isConnected) socket.send(/** @type {Buffer} */ (data));
    else void connected.then(() => socket.send(/** @type {Buffer} */ (data)));
  });
  webSocket.on('close', () => socket.close());
});
await once(server, 'listening');
const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
await serve({ port, path: '/', version: process.version, close: () => server.close() });
