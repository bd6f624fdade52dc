// A WebSocket gateway in front of a TURN server, the tickets that open it, and a client of it.
//   node examples/gateway.js turn:turn.example.org user password
// TURN servers of this machine or a private network are allowed here; leave that out where yours is on the Internet.

import { randomBytes } from 'node:crypto';
import { allocate } from 'postern';
import { createGateway, createTicket } from 'postern/gateway';
import { WebSocket } from 'ws';

const [url = 'turn:127.0.0.1:3478', username = 'user', credential = 'password'] =
  process.argv.slice(2);
const secret = randomBytes(32);

const gateway = await createGateway({
  port: 0,
  upstreams: { main: { url, allowPrivate: true } },
  origins: false, // no pages: this client is a program, and has a ticket that says so
  tickets: { secret },
  log: process.stderr,
});
console.log(`the gateway is ${gateway.url}main`);

const relay = await allocate(
  { urls: `${gateway.url}main`, username, credential },
  {
    WebSocket, // Node has one of its own from version 22 on
    ticket: () => createTicket({ secret, upstream: 'main', origin: null }).ticket,
  },
);
console.log('peers reach this client at', relay.relayedAddress);
await relay.close();
await gateway.close();
