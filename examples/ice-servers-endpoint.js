// A web service that hands out ICE servers with credentials that run out, by node:http alone.
//   TURN_SECRET=north node examples/ice-servers-endpoint.js stun:stun.example.org turn:turn.example.org
//   curl -H 'Authorization: Bearer demo' http://127.0.0.1:8080/ice-servers
// A page: new RTCPeerConnection(await (await fetch('/ice-servers', { headers })).json())
import { createServer } from 'node:http';
import { createIceServers } from 'postern/credentials';

const urls = process.argv.slice(2);
const secret = process.env.TURN_SECRET; // coturn: use-auth-secret, static-auth-secret
if (!secret || urls.length === 0) {
  console.error('usage: TURN_SECRET=… node examples/ice-servers-endpoint.js <STUN or TURN URI>...');
  process.exit(64);
}
await createIceServers({ urls, secret }); // what is wrong with them shows now, and not to the first user

/** Who asks, by your sessions; an opaque name, since it goes over the network. */
const sessions = new Map([['demo', 'u-7f3a']]);

const server = createServer(async (request, response) => {
  const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
  const userId = sessions.get(token);
  if (request.url !== '/ice-servers') response.writeHead(404).end();
  else if (userId === undefined) response.writeHead(401).end();
  else {
    const servers = await createIceServers({ urls, secret, userId, ttlSeconds: 3600 });
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
    response.end(JSON.stringify(servers));
  }
});
server.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () =>
  console.log('listening', server.address()),
);
