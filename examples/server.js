// A TURN server in the process, its users in a table of yours, and a client that it relays for.
//   node examples/server.js               over UDP, TCP and WebSocket on loopback
//   node examples/server.js 192.0.2.10    at an address of this machine, until it is interrupted
import { allocate } from 'postern';
import { createServer } from 'postern/server';

const [address = '127.0.0.1'] = process.argv.slice(2);
const isTrial = address === '127.0.0.1';
const port = isTrial ? 0 : 3478;
const users = new Map([['alice', 'secret']]); // your database

const server = await createServer({
  listen: ['udp', 'tcp', 'ws'].map((protocol) => ({ protocol, address, port })),
  credentials: async (username) => users.get(username),
  policy: isTrial ? { allow: ['127.0.0.0/8'] } : {}, // otherwise: peers on the public Internet only
  quota: { allocationsPerUser: 10 },
});
server.on('allocation', ({ username, protocol, relayedAddresses: [relayed] }) =>
  console.log(`${username} over ${protocol}: relayed at ${relayed.address}:${relayed.port}`),
);
server.on('end', ({ username, durationMs, sentBytes, receivedBytes }) =>
  console.log(`${username}: ${Math.round(durationMs)} ms, ${sentBytes} + ${receivedBytes} bytes`),
);
console.log('clients take', server.urls);

if (isTrial) {
  const iceServer = { urls: server.urls[0], username: 'alice', credential: 'secret' };
  const [one, two] = [await allocate(iceServer), await allocate(iceServer)];
  const text = new Promise((resolve) => {
    two.onmessage = (data) => resolve(new TextDecoder().decode(data));
  });
  await two.permit(one.relayedAddress);
  one.send(new TextEncoder().encode('hello'), two.relayedAddress);
  console.log('from relay to relay:', await text);
  await Promise.all([one.close(), two.close()]);
  await server.close();
} else {
  process.once('SIGINT', () => server.drain({ timeoutMs: 30_000 }));
}
