// The end of a peer's connection, where what the client has said waits in the server still.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { PeerConnections } from '../../../js/server/peer-connections.js';
import { cleanUp, HOST, onCleanUp, tcpSocket } from './support.js';

afterEach(cleanUp);

const BYTES = 16 * 1024 * 1024;
const CONNECTION = 7;
const LINK = 3;

/** A connection that is joined to a client, and the peer's end of it. */
async function joined() {
  const listener = createServer().listen(0, HOST);
  onCleanUp(() => listener.close());
  await once(listener, 'listening');
  const address = /** @type {import('node:net').AddressInfo} */ (listener.address());
  const accepted = once(listener, 'connection');
  const far = await tcpSocket(address);
  const [near] = await accepted;
  onCleanUp(() => near.destroy());
  const engine = { peerAccepted: () => CONNECTION, peerClosed: () => {} };
  const clients = { get: () => ({ join: () => {}, close: () => {} }) };
  const peers = new PeerConnections(
    /** @type {any} */ (engine),
    /** @type {any} */ ({}),
    /** @type {any} */ (clients),
    () => false,
  );
  peers.accepted(1, near);
  const event = /** @type {any} */ ({ connection: CONNECTION, link: LINK });
  peers.join(event);
  return { peers, near, far, event };
}

test('a client that has said all and is gone: the peer gets all of it', async () => {
  const { peers, near, far, event } = await joined();
  near.end(Buffer.alloc(BYTES));
  peers.close(event);
  let bytes = 0;
  for await (const chunk of far) bytes += chunk.length;
  expect(bytes).toBe(BYTES);
});

test('a client that was cut off, or a server that ends: so is the peer', async () => {
  const cut = await joined();
  cut.near.write(Buffer.alloc(BYTES));
  cut.peers.close(cut.event);
  expect(cut.near.destroyed).toBe(true);
  const ended = await joined();
  ended.near.end(Buffer.alloc(BYTES));
  ended.peers.close(ended.event);
  expect(ended.near.destroyed).toBe(false);
  ended.peers.closeAll();
  expect(ended.near.destroyed).toBe(true);
});
