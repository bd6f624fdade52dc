// Runs in the laboratory's namespace of the server. Argument: a JSON object of createServer()'s options, with `tls` as files
// { cert, key }, and with `web`, an address at which HTTPS answers on port 443, and a WebSocket that echoes. Says
// { "ready": true } when all of them listen.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createWebServer } from 'node:https';
import { WebSocketServer } from 'ws';
import { createServer } from '../../js/server/index.js';

const { tls, web, ...options } = JSON.parse(process.argv[2]);
const files = tls && { cert: readFileSync(tls.cert), key: readFileSync(tls.key) };
await createServer({ ...options, ...(files && { tls: files }) });
if (web !== undefined) {
  const server = createWebServer(files, (_, response) => {
    response.writeHead(204, { 'Access-Control-Allow-Origin': '*' }).end();
  });
  new WebSocketServer({ server }).on('connection', (socket) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  server.listen(443, web);
  await once(server, 'listening');
}
process.stdout.write('{"ready":true}\n');
process.stdin.on('end', () => process.exit()).resume();
