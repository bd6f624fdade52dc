// How much one client, one user and everybody together may have; and who takes too long.
import { afterEach, describe, expect, test } from '@jest/globals';
import { startUdpPeer } from '../../support/udp-peers.js';
import { rejection } from '../client/support.js';
import {
  channelData,
  cleanUp,
  cutOff,
  HandClient,
  HOST,
  onCleanUp,
  ping,
  relayAt,
  startServer,
  streamWire,
  TLS,
  tcpSocket,
  told,
  until,
  wireTo,
} from './support.js';

afterEach(cleanUp);

describe('allocations', () => {
  test('of all: 508, until one ends', async () => {
    const server = await startServer({ quota: { allocations: 2 } });
    const relay = await relayAt(server);
    await relayAt(server);
    expect(await rejection(relayAt(server))).toMatchObject({ errorCode: 508 });
    const ended = told(server, 'end');
    await relay.close();
    await ended;
    await relayAt(server);
  });

  test('of a user: 486, and others go on', async () => {
    const server = await startServer({
      quota: { allocationsPerUser: 2 },
      credentials: { user: 'pass:wörd', other: 'word' },
    });
    const relay = await relayAt(server);
    await relayAt(server);
    expect(await rejection(relayAt(server))).toMatchObject({ errorCode: 486 });
    await relayAt(server, { credentials: { username: 'other', password: 'word' } });
    const ended = told(server, 'end');
    await relay.close();
    await ended;
    await relayAt(server);
    expect(server.stats()).toMatchObject({ allocations: 3, allocationsMade: 4, refused: 1 });
  });

  test('of a host: 486, whoever asks from there', async () => {
    const server = await startServer({
      listen: ['udp://0.0.0.0:0'],
      quota: { allocationsPerHost: 1 },
      credentials: { user: 'pass:wörd', other: 'word' },
    });
    await relayAt(server, { localAddress: '127.0.0.1' });
    const other = { username: 'other', password: 'word' };
    expect(
      await rejection(relayAt(server, { localAddress: '127.0.0.1', credentials: other })),
    ).toMatchObject({ errorCode: 486 });
    await relayAt(server, { localAddress: '127.0.0.2' });
  });
});

test('permissions and channels of an allocation: 508', async () => {
  const server = await startServer({ quota: { permissions: 3, channels: 2 } });
  const client = new HandClient(await wireTo(server, 'udp'));
  await client.allocate();
  /** @param {number} host */
  const peer = (host) => ({ address: `127.0.1.${host}`, port: 9 });
  /** @param {import('../../../js/codec/index.js').Message} answer */
  const code = (answer) => answer.attributes.errorCode?.code ?? 0;
  const codes = [];
  for (const host of [1, 2, 3, 4, 1]) {
    codes.push(code(await client.ask('CreatePermission', { xorPeerAddress: peer(host) })));
  }
  expect(codes).toEqual([0, 0, 0, 508, 0]);
  const bound = [];
  for (const host of [1, 2, 3, 1]) {
    const attributes = { channelNumber: 0x4000 + host, xorPeerAddress: peer(host) };
    bound.push(code(await client.ask('ChannelBind', attributes)));
  }
  expect(bound).toEqual([0, 0, 508, 0]);
});

describe('connections', () => {
  test('of one host are limited, and those of others go on', async () => {
    const server = await startServer({
      listen: ['tcp://0.0.0.0:0'],
      quota: { connectionsPerHost: 2 },
    });
    const place = { ...server.addresses[0], address: HOST };
    const [first] = [await tcpSocket(place), await tcpSocket(place)];
    const third = await tcpSocket(place);
    await cutOff(third);
    expect(
      await ping(streamWire(await tcpSocket(place, { localAddress: '127.0.0.2' }))),
    ).toBeDefined();
    expect(server.stats()).toMatchObject({ connections: 3, refusedConnections: 1 });
    first.destroy();
    await until(() => server.stats().connections === 2);
    expect(await ping(streamWire(await tcpSocket(place)))).toBeDefined();
  });

  test('of everybody are limited', async () => {
    const server = await startServer({ listen: [`tcp://${HOST}:0`], quota: { connections: 1 } });
    const first = streamWire(await tcpSocket(server.addresses[0]));
    const second = await tcpSocket(server.addresses[0]);
    await cutOff(second);
    expect(await ping(first)).toBeDefined();
    expect(server.stats().refusedConnections).toBe(1);
  });
});

describe('who takes too long is let go', () => {
  const patience = { handshakeTimeoutMs: 1, idleTimeoutMs: 60_000 };

  test.each([
    ['TLS, before the handshake', 'tls', ''],
    ['TLS, in the middle of it', 'tls', '\x16\x03\x01\x02\x00\x01'],
    ['WebSocket, before the request', 'ws', ''],
    ['WebSocket, in the middle of it', 'ws', 'GET / HTTP/1.1\r\nHost: x\r\n'],
    ['WebSocket over TLS', 'wss', ''],
  ])('%s', async (_, protocol, beginning) => {
    const server = await startServer({
      listen: [`${protocol}://${HOST}:0`],
      tls: TLS,
      ...patience,
    });
    const socket = await tcpSocket(server.addresses[0]);
    socket.write(beginning);
    await cutOff(socket);
    await until(() => server.stats().connections === 0);
  });

  test('a shared port, before the first byte; one that has said what it is stays', async () => {
    const free = await startServer({ listen: [`tcp://${HOST}:0`] });
    const { port } = free.addresses[0];
    await free.close();
    const listen = [`tcp://${HOST}:${port}`, `ws://${HOST}:${port}`];
    const server = await startServer({ listen, ...patience });
    const known = streamWire(await tcpSocket(server.addresses[0]));
    expect(await ping(known)).toBeDefined();
    const silent = await tcpSocket(server.addresses[0]);
    await cutOff(silent);
    expect(await ping(known)).toBeDefined();
  });

  test.each(['tcp', 'tls', 'ws', 'wss'])(
    '%s: connections without allocation, not those with one',
    async (protocol) => {
      const server = await startServer({
        listen: [`${protocol}://${HOST}:0`],
        tls: TLS,
        idleTimeoutMs: 1,
      });
      const busy = new HandClient(await wireTo(server, protocol));
      await busy.allocate();
      const idle = await wireTo(server, protocol);
      await idle.closed;
      expect((await busy.ask('Refresh', { lifetime: 0 })).class).toBe('success');
      await until(() => server.stats().connections === 0);
    },
  );
});

test.each(['tcp', 'ws'])(
  'a client over %s that never reads costs little, and loses its own data alone',
  async (protocol) => {
    const server = await startServer({ listen: [`udp://${HOST}:0`, `${protocol}://${HOST}:0`] });
    const peer = await startUdpPeer();
    onCleanUp(() => peer.close());
    const wire = await wireTo(server, protocol);
    const client = new HandClient(wire);
    const { attributes } = await client.allocate();
    await client.ask('ChannelBind', { channelNumber: 0x4000, xorPeerAddress: peer });
    const relayed = /** @type {import('../../../js/codec/index.js').TransportAddress} */ (
      attributes.xorRelayedAddress
    );
    wire.pause();
    const before = process.memoryUsage();
    const data = Buffer.alloc(60_000);
    while (server.stats().slowClient < 100) {
      for (let i = 0; i < 20; i += 1) await peer.send(data, relayed);
      await new Promise(setImmediate);
    }
    const after = process.memoryUsage();
    const grown = after.arrayBuffers - before.arrayBuffers;
    process.stdout.write(`slow client over ${protocol}: buffers grew by ${grown} bytes\n`);
    expect(grown).toBeLessThan(64 * 1024 * 1024);
    // Others do not wait for it.
    const other = await relayAt(server, { protocol: 'udp' });
    await other.permit(peer);
    other.send(Buffer.from('x'), peer);
    expect((await other[Symbol.asyncIterator]().next()).value?.data).toHaveLength(1);
    // It may go on when it reads again.
    wire.resume();
    expect(await wire.next()).toEqual(channelData(0x4000, data));
  },
);
