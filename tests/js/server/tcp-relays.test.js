// TCP relays (RFC 6062): connections to peers and from them, over each way to the server that is reliable.
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createNetServer } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createWebSocketStream } from 'ws';
import { decode } from '../../../js/codec/index.js';
import { connectTcpPeer, startTcpEcho } from '../../support/tcp-peers.js';
import { rejection } from '../client/support.js';
import {
  cleanUp,
  HandClient,
  HOST,
  onCleanUp,
  openWebSocket,
  placeOf,
  relayAt,
  startServer,
  streamWire,
  TCP,
  TLS,
  tcpSocket,
  tlsSocket,
  until,
  webSocketWire,
  wireTo,
} from './support.js';

/** @typedef {import('../../../js/server/index.js').Server} Server */
/** @typedef {import('../../../js/turn/relay-connection.js').RelayConnection} RelayConnection */

afterEach(cleanUp);

const RELIABLE = ['tcp', 'tls', 'ws', 'wss'];
const MIB = 1024 * 1024;

/** @param {import('../../../js/server/index.js').ServerOptions} [options] */
const start = (options) =>
  startServer({
    listen: ['udp', ...RELIABLE].map((protocol) => `${protocol}://${HOST}:0`),
    tls: TLS,
    ...options,
  });

async function echoHere() {
  const echo = await startTcpEcho();
  onCleanUp(() => echo.close());
  return echo;
}

/** A peer that takes connections and leaves them to the test. */
async function listeningPeer() {
  const server = createNetServer({ allowHalfOpen: true, pauseOnConnect: true });
  server.listen(0, HOST);
  await once(server, 'listening');
  /** @type {import('node:net').Socket[]} */
  const sockets = [];
  server.on('connection', (socket) => sockets.push(socket.on('error', () => {})));
  onCleanUp(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return { address: HOST, port, sockets };
}

/** @param {Parameters<typeof connectTcpPeer>[0]} to @param {Parameters<typeof connectTcpPeer>[1]} [options] */
async function peerConnects(to, options) {
  const peer = await connectTcpPeer(to, options);
  onCleanUp(() => peer.close());
  return peer;
}

/** @param {RelayConnection} connection @param {number} count */
async function readAll(connection, count = Infinity) {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of /** @type {AsyncIterable<Uint8Array>} */ (
    /** @type {unknown} */ (connection.readable)
  )) {
    hash.update(chunk);
    bytes += chunk.length;
    if (bytes >= count) break;
  }
  return { bytes, hash: hash.digest('hex') };
}

/** @param {RelayConnection | undefined} connection */
function duplexOf(connection) {
  const duplex = /** @type {RelayConnection} */ (connection).duplex();
  // It is one when the connection ends before the test does.
  return duplex.on('error', () => {});
}

const hashOf = (/** @type {Uint8Array} */ bytes) =>
  createHash('sha256').update(bytes).digest('hex');

describe.each(RELIABLE)('over %s', (protocol) => {
  test('a connection to a peer comes from the relayed address', async () => {
    const server = await start();
    const echo = await echoHere();
    const relay = await relayAt(server, { protocol, relayTransport: 'tcp' });
    expect(server.allocations()).toMatchObject([{ transport: 'tcp', protocol }]);
    const connection = await relay.connect(echo);
    expect(echo.sources).toEqual([
      { address: relay.relayedAddress.address, port: relay.relayedAddress.port },
    ]);
    const duplex = duplexOf(connection);
    duplex.write('hello');
    expect(`${(await once(duplex, 'data'))[0]}`).toBe('hello');
    await connection.close();
    await until(() => echo.open === 0);
    const ended = once(server, 'end');
    await relay.close();
    const [{ sentBytes, receivedBytes }] = await ended;
    expect({ sentBytes, receivedBytes }).toEqual({ sentBytes: 5, receivedBytes: 5 });
  });

  test('connections of a peer are taken, and carry data both ways', async () => {
    const server = await start();
    const relay = await relayAt(server, { protocol, relayTransport: 'tcp' });
    await relay.permit(HOST);
    const incoming = relay.connections();
    const first = incoming.next();
    const peer = await peerConnects(relay.relayedAddress);
    const { value: connection } = await first;
    expect(connection?.peer).toEqual({ address: HOST, port: peer.port, family: 'IPv4' });
    await peer.write(Buffer.from('from the peer'));
    const duplex = duplexOf(connection);
    expect(`${(await once(duplex, 'data'))[0]}`).toBe('from the peer');
    duplex.write('to the peer');
    expect(`${await peer.read(11)}`).toBe('to the peer');
    peer.end();
    expect(await connection?.closed).toEqual({});
  });

  test('as a stream of Node it ends when the peer does, and takes chunks of any length', async () => {
    const server = await start();
    const relay = await relayAt(server, { protocol, relayTransport: 'tcp' });
    await relay.permit(HOST);
    const first = relay.connections().next();
    const peer = await peerConnects(relay.relayedAddress);
    const { value: connection } = await first;
    const duplex = /** @type {RelayConnection} */ (connection).duplex();
    const chunk = randomBytes(200_000);
    duplex.write(chunk);
    expect(hashOf(await peer.read(chunk.length))).toBe(hashOf(chunk));
    await peer.write(Buffer.from('the last words'));
    peer.end();
    let said = '';
    for await (const part of duplex) said += part;
    expect(said).toBe('the last words');
    expect(await connection?.closed).toEqual({});
    expect(duplex.errored).toBeNull();
  });

  test('what a peer sends before anybody takes its connection is kept', async () => {
    const server = await start();
    const relay = await relayAt(server, { protocol, relayTransport: 'tcp' });
    await relay.permit(HOST);
    const peer = await peerConnects(relay.relayedAddress);
    await peer.write(Buffer.from('early'));
    const { value: connection } = await relay.connections().next();
    const duplex = duplexOf(connection);
    expect(`${(await once(duplex, 'data'))[0]}`).toBe('early');
  });

  test('8 MiB there and back are the same bytes', async () => {
    const server = await start();
    const echo = await echoHere();
    const relay = await relayAt(server, { protocol, relayTransport: 'tcp' });
    const connection = await relay.connect(echo);
    const data = randomBytes(8 * MIB);
    const writer = connection.writable.getWriter();
    const written = (async () => {
      for (let at = 0; at < data.length; at += 50_000) {
        await writer.ready;
        await writer.write(data.subarray(at, at + 50_000));
      }
    })();
    const got = await readAll(connection, data.length);
    await written;
    expect(got).toEqual({ bytes: data.length, hash: hashOf(data) });
    expect(echo.bytes).toBe(data.length);
  });

  test('8 MiB of a peer that then ends arrive whole, and then the end', async () => {
    const server = await start();
    const relay = await relayAt(server, { protocol, relayTransport: 'tcp' });
    const peer = await listeningPeer();
    const connection = await relay.connect(peer);
    await until(() => peer.sockets.length === 1);
    const data = randomBytes(8 * MIB);
    peer.sockets[0].end(data);
    expect(await readAll(connection)).toEqual({ bytes: data.length, hash: hashOf(data) });
    expect(await connection.closed).toEqual({});
  });
});

/**
 * A connection to a peer as bytes, made by hand.
 *
 * @param {Server} server
 * @param {string} protocol
 * @param {{ address: string, port: number }} peer
 */
async function connectByHand(server, protocol, peer) {
  const control = new HandClient(await wireTo(server, protocol));
  const allocated = await control.allocate({ requestedTransport: TCP });
  expect(allocated.class).toBe('success');
  const connected = await control.ask('Connect', { xorPeerAddress: peer });
  const connectionId = /** @type {number} */ (connected.attributes.connectionId);
  const place = placeOf(server, protocol);
  if (protocol === 'ws') {
    const webSocket = await openWebSocket(server.urls[server.addresses.indexOf(place)]);
    const wire = webSocketWire(webSocket);
    const bound = await new HandClient(wire).bind(connectionId);
    expect(bound.class).toBe('success');
    webSocket.removeAllListeners('message');
    return createWebSocketStream(webSocket);
  }
  const socket = await (protocol === 'tls' ? tlsSocket(place) : tcpSocket(place));
  socket.allowHalfOpen = true;
  const bound = await new HandClient(streamWire(socket)).bind(connectionId);
  expect(bound.class).toBe('success');
  socket.removeAllListeners('data').pause();
  return socket;
}

/** @param {import('node:stream').Readable} stream */
async function drained(stream) {
  const hash = createHash('sha256');
  let bytes = 0;
  stream.on('data', (chunk) => {
    hash.update(chunk);
    bytes += chunk.length;
  });
  await once(stream.resume(), 'end');
  return { bytes, hash: hash.digest('hex') };
}

describe.each(['tcp', 'tls'])('ends over %s, each for itself', (protocol) => {
  test('the client has said all, and still hears what the peer says', async () => {
    const server = await start();
    const peer = await listeningPeer();
    const client = await connectByHand(server, protocol, peer);
    const data = randomBytes(4 * MIB);
    client.end(data);
    const [far] = peer.sockets;
    expect(await drained(far)).toEqual({ bytes: data.length, hash: hashOf(data) });
    const answer = randomBytes(4 * MIB);
    far.end(answer);
    expect(await drained(client)).toEqual({ bytes: answer.length, hash: hashOf(answer) });
    await until(() => server.stats().connections === 1);
  });

  test('the peer has said all, and still hears what the client says, however slowly', async () => {
    const server = await start();
    const peer = await listeningPeer();
    const client = await connectByHand(server, protocol, peer);
    const [far] = peer.sockets;
    far.end('good-bye');
    expect(await drained(client)).toMatchObject({ bytes: 8 });
    // More than fits on the way: then the last of it waits in the server when the client is gone.
    const data = randomBytes(16 * MIB);
    client.end(data);
    const hash = createHash('sha256');
    let bytes = 0;
    while (!far.readableEnded) {
      const chunk = far.read(4096) ?? far.read();
      if (chunk !== null) hash.update(chunk);
      bytes += chunk?.length ?? 0;
      await new Promise(setImmediate);
    }
    expect({ bytes, hash: hash.digest('hex') }).toEqual({ bytes: data.length, hash: hashOf(data) });
    await until(() => server.stats().connections === 1);
  });
});

test('over WebSocket the end of one is the end of both', async () => {
  const server = await start();
  const peer = await listeningPeer();
  const client = await connectByHand(server, 'ws', peer);
  const data = randomBytes(4 * MIB);
  for (let at = 0; at < data.length; at += 60_000) client.write(data.subarray(at, at + 60_000));
  client.end();
  expect(await drained(peer.sockets[0])).toEqual({ bytes: data.length, hash: hashOf(data) });
});

test('a message of a WebSocket that is too long ends its connection, and nothing else', async () => {
  const server = await start();
  const peer = await listeningPeer();
  const client = await connectByHand(server, 'ws', peer);
  client.on('error', () => {}).write(Buffer.alloc(MIB));
  expect(await drained(peer.sockets[0])).toMatchObject({ bytes: 0 });
  await until(() => server.stats().connections === 1);
  const other = await connectByHand(server, 'ws', peer);
  other.end('hello');
  expect(await drained(peer.sockets[1])).toMatchObject({ bytes: 5 });
});

describe.each(['tcp', 'tls', 'ws'])('back-pressure over %s', (protocol) => {
  test('a client that does not read holds the peer up', async () => {
    const server = await start();
    const peer = await listeningPeer();
    const client = await connectByHand(server, protocol, peer);
    const [far] = peer.sockets;
    let sent = 0;
    const chunk = Buffer.alloc(MIB);
    // Until the system takes no more: 64 MiB would not fit anywhere on the way.
    while (far.write(chunk) || far.writableLength === 0) sent += 1;
    await new Promise((resolve) => setImmediate(resolve));
    const stuck = far.writableLength;
    for (let i = 0; i < 64; i += 1) {
      far.write(chunk);
      sent += 1;
    }
    for (let i = 0; i < 200; i += 1) await new Promise(setImmediate);
    expect(far.writableLength).toBeGreaterThan(stuck + 32 * MIB);
    far.end();
    expect((await drained(client)).bytes).toBe((sent + 1) * MIB);
  });

  test('a peer that does not read holds the client up', async () => {
    const server = await start();
    const peer = await listeningPeer();
    const client = await connectByHand(server, protocol, peer);
    const chunk = Buffer.alloc(MIB / 16);
    for (let i = 0; i < 1024; i += 1) client.write(chunk);
    for (let i = 0; i < 200; i += 1) await new Promise(setImmediate);
    expect(client.writableLength).toBeGreaterThan(32 * MIB);
    client.end();
    expect((await drained(peer.sockets[0])).bytes).toBe(64 * MIB);
  });
});

describe('what goes wrong', () => {
  test('nobody listens there: 447, and the relay goes on', async () => {
    const server = await start();
    const relay = await relayAt(server, { protocol: 'tcp', relayTransport: 'tcp' });
    const gone = await startTcpEcho();
    await gone.close();
    expect(await rejection(relay.connect(gone))).toMatchObject({ errorCode: 447 });
    const echo = await echoHere();
    await relay.connect(echo);
    expect(echo.accepted).toBe(1);
  });

  test('no way leads there: 447, and the server goes on', async () => {
    const policy = { allow: ['127.0.0.0/8', '192.0.2.0/24'] };
    const server = await start({ policy });
    const relay = await relayAt(server, { protocol: 'tcp', relayTransport: 'tcp' });
    // From loopback the system connects to nothing but loopback.
    const far = { address: '192.0.2.1', port: 9 };
    expect(await rejection(relay.connect(far))).toMatchObject({ errorCode: 447 });
    const echo = await echoHere();
    await relay.connect(echo);
    expect(echo.accepted).toBe(1);
  });

  test('a second connection to the same peer: 446', async () => {
    const server = await start();
    const echo = await echoHere();
    const relay = await relayAt(server, { protocol: 'tcp', relayTransport: 'tcp' });
    await relay.connect(echo);
    expect(await rejection(relay.connect(echo))).toMatchObject({ errorCode: 446 });
  });

  test('peers without permission, and those beyond the quota, are turned away', async () => {
    const server = await start({ quota: { peerConnections: 1 } });
    const relay = await relayAt(server, { protocol: 'tcp', relayTransport: 'tcp' });
    const stranger = await peerConnects(relay.relayedAddress, { localAddress: '127.0.0.2' });
    await stranger.ended;
    await relay.permit(HOST);
    const first = relay.connections().next();
    const friend = await peerConnects(relay.relayedAddress);
    await first;
    const oneMore = await peerConnects(relay.relayedAddress);
    await oneMore.ended;
    await friend.write(Buffer.from('x'));
    expect(server.stats()).toMatchObject({ strayPeerData: 2 });
    const echo = await echoHere();
    expect(await rejection(relay.connect(echo))).toMatchObject({ errorCode: 508 });
  });

  test('a client that asks for peers over UDP is refused', async () => {
    const server = await start();
    const client = new HandClient(await wireTo(server, 'udp'));
    const { attributes } = await client.allocate({ requestedTransport: TCP });
    // RFC 6062 section 5.1.
    expect(attributes.errorCode?.code).toBe(400);
  });

  test('where there are no TCP relays', async () => {
    const server = await start({ relay: { addresses: [HOST], tcp: false } });
    expect(
      await rejection(relayAt(server, { protocol: 'tcp', relayTransport: 'tcp' })),
    ).toMatchObject({ errorCode: 442 });
  });

  test('another user cannot take a connection', async () => {
    const mallory = { username: 'mallory', password: 'word' };
    const server = await start({ credentials: { user: 'pass:wörd', mallory: 'word' } });
    const echo = await echoHere();
    const control = new HandClient(await wireTo(server, 'tcp'));
    await control.allocate({ requestedTransport: TCP });
    const { attributes } = await control.ask('Connect', { xorPeerAddress: echo });
    const connectionId = /** @type {number} */ (attributes.connectionId);
    const thief = new HandClient(await wireTo(server, 'tcp'), mallory);
    expect((await thief.bind(connectionId)).attributes.errorCode?.code).toBe(441);
    const owner = new HandClient(await wireTo(server, 'tcp'));
    expect((await owner.bind(connectionId)).class).toBe('success');
    const again = new HandClient(await wireTo(server, 'tcp'));
    expect((await again.bind(connectionId)).attributes.errorCode?.code).toBe(400);
  });
});

test('twenty connections at once, all from the relayed port, while peers connect to it', async () => {
  const server = await start();
  const relay = await relayAt(server, { protocol: 'tcp', relayTransport: 'tcp' });
  const { relayedAddress } = relay;
  const echoes = await Promise.all(Array.from({ length: 20 }, echoHere));
  const connections = await Promise.all(echoes.map((echo) => relay.connect(echo)));
  for (const echo of echoes) {
    expect(echo.sources).toEqual([{ address: HOST, port: relayedAddress.port }]);
  }
  for (const [i, connection] of connections.entries()) {
    const duplex = duplexOf(connection);
    duplex.write(`to ${i}`);
    expect(`${(await once(duplex, 'data'))[0]}`).toBe(`to ${i}`);
  }
  // Peers still find it, and when the relay is gone nobody does.
  await relay.permit(HOST);
  const incoming = relay.connections().next();
  await peerConnects(relayedAddress);
  expect((await incoming).value?.peer).toMatchObject({ address: HOST });
  await relay.close();
  await until(() => server.stats().relaySockets === 0);
  expect(await rejection(connectTcpPeer(relayedAddress))).toMatchObject({ code: 'ECONNREFUSED' });
  await until(() => echoes.every(({ open }) => open === 0));
});

test('what lies behind a ConnectionBind in the same bytes goes to the peer', async () => {
  const server = await start();
  const peer = await listeningPeer();
  const control = new HandClient(await wireTo(server, 'tcp'));
  await control.allocate({ requestedTransport: TCP });
  const { attributes } = await control.ask('Connect', { xorPeerAddress: peer });
  const socket = await tcpSocket(placeOf(server, 'tcp'));
  const wire = streamWire(socket);
  const client = new HandClient(wire);
  // Learns the nonce of this connection.
  expect((await client.bind(1)).attributes.errorCode?.code).toBe(400);
  const bind = client.signed('ConnectionBind', { connectionId: attributes.connectionId });
  const behind = randomBytes(100_000);
  socket.write(Buffer.concat([bind, behind]));
  expect(decode(await wire.next()).class).toBe('success');
  socket.end('and this');
  const whole = Buffer.concat([behind, Buffer.from('and this')]);
  expect(await drained(peer.sockets[0])).toEqual({ bytes: whole.length, hash: hashOf(whole) });
});

test('the end of the allocation is the end of its connections', async () => {
  const server = await start();
  const echo = await echoHere();
  const relay = await relayAt(server, { protocol: 'tls', relayTransport: 'tcp' });
  const connection = await relay.connect(echo);
  const closed = connection.closed;
  await relay.close();
  await closed;
  await until(() => echo.open === 0 && server.stats().connections === 0);
  expect(server.stats()).toMatchObject({ allocations: 0, relaySockets: 0 });
});
