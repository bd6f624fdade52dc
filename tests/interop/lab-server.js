// Runs in the laboratory's namespace of the server. Argument: a JSON object of createServer()'s options, with `tls` as files
// { cert, key }, and with `web`, an address at which HTTPS answers on port 443, and a WebSocket that echoes at /signal; with
// `gateway`, options of createGateway(), there is a gateway, too. Says { "ready": true } when all of them listen.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createWebServer } from 'node:https';
import { WebSocketServer } from 'ws';
import { createGateway } from '../../js/gateway/index.js';
import { createServer } from '../../js/server/index.js';

const { tls, web, gateway, ...options } = JSON.parse(process.argv[2]);
const files = tls && { cert: readFileSync(tls.cert), key: readFileSync(tls.key) };
await createServer({ ...options, ...(files && { tls: files }) });
if (web !== undefined) {
  const server = createWebServer(files, (_, response) => {
    response.writeHead(204, { 'Access-Control-Allow-Origin': '*' }).end();
  });
  const signalling = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    if (request.url !== '/signal') return;
    signalling.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.on('message', (data, isBinary) => webSocket.send(data, { binary: isBinary }));
    });
  });
  if (gateway !== undefined) await createGateway({ server, ...gateway });
  server.listen(443, web);
  await once(server, 'listening');
}
process.stdout.write('{"ready":true}\n');
process.stdin.on('end', () => process.exit()).resume();
