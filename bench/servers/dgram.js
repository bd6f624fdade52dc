// The same sockets as a TURN server's, and no protocol: one for all clients, one more for each of them. What a client
// sends goes to PEER from its socket, what comes there goes back to the client. It is the least that a relay in Node
// can do.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { HOST, peer, placeOf, serve } from './serve.js';

const to = placeOf(peer);
const RECEIVE_BUFFER_BYTES = 1 << 20;

/** Addresses are no names: nothing is looked up, and nothing waits for that. @type {any} */
const lookup = (/** @type {string} */ address, /** @type {any} */ _, /** @type {any} */ done) =>
  done(null, address, 4);

const near = createSocket({ type: 'udp4', lookup });
/** @type {Map<string, import('node:dgram').Socket>} */
const relays = new Map();

/** @param {import('node:dgram').RemoteInfo} client */
function open({ address, port }) {
  const far = createSocket({ type: 'udp4', lookup });
  far.bind(0, HOST);
  far.on('message', (data) => near.send(data, port, address));
  return far;
}

near.on('message', (data, source) => {
  const client = `${source.address}:${source.port}`;
  let far = relays.get(client);
  if (far === undefined) {
    far = open(source);
    relays.set(client, far);
  }
  far.send(data, to.port, to.address);
});
const listening = once(near, 'listening');
near.bind(0, HOST);
await listening;
near.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
const close = () => {
  near.close();
  for (const far of relays.values()) far.close();
};
await serve({ port: near.address().port, version: process.version, close });
