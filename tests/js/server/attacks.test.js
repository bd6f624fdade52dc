// What strangers and bad clients try, each by its name; and that others are served meanwhile.
import { once } from 'node:events';
import { afterEach, describe, expect, test } from '@jest/globals';
import { encode } from '../../../js/codec/index.js';
import {
  channelData,
  cleanUp,
  cutOff,
  HandClient,
  HOST,
  openWebSocket,
  ping,
  placeOf,
  relayAt,
  startServer,
  streamWire,
  TLS,
  tcpSocket,
  tlsSocket,
  udpWire,
  until,
  webSocketWire,
  wireTo,
} from './support.js';

afterEach(cleanUp);

const MIB = 1024 * 1024;

describe('floods over UDP', () => {
  test('unauthenticated requests from many ports of a host are answered so often, others as ever', async () => {
    const server = await startServer({
      listen: ['udp://0.0.0.0:0'],
      quota: { unauthenticatedPerSecond: 1, unauthenticatedBurst: 20 },
    });
    const place = { ...server.addresses[0], address: HOST };
    const relay = await relayAt(server);
    // The client before has had two answers without credentials.
    const wires = await Promise.all(
      Array.from({ length: 100 }, () => udpWire(place, { host: '127.0.0.9' })),
    );
    const request = encode({ class: 'request', method: 'Allocate' });
    let answers = 0;
    for (const wire of wires) {
      void wire.next().then(
        () => {
          answers += 1;
        },
        () => {},
      );
      wire.send(request);
    }
    await until(() => server.stats().rateLimited + answers >= 100);
    // One more for each second that the machine took.
    expect(answers).toBeGreaterThanOrEqual(20);
    expect(answers).toBeLessThan(60);
    // Another host, and who is authentic.
    expect(await ping(await udpWire(place, { host: '127.0.0.10' }))).toBeDefined();
    await relay.refresh();
  });

  test('no answer to a stranger is much longer than what was asked', async () => {
    const server = await startServer({ realm: 'r'.repeat(100), software: 's'.repeat(100) });
    const wire = await wireTo(server, 'udp');
    for (const method of /** @type {const} */ ([
      'Binding',
      'Allocate',
      'Refresh',
      'CreatePermission',
    ])) {
      const request = encode({ class: 'request', method });
      wire.send(request);
      const answer = await wire.next();
      // Realm, nonce and algorithms have to be in it (RFC 8489 section 9.2.4), and nothing more.
      expect(answer.length).toBeLessThan(request.length + 100 + 140);
    }
  });

  test('random bytes of any length are dropped and counted', async () => {
    const server = await startServer();
    const wire = await wireTo(server, 'udp');
    const { randomBytes } = await import('node:crypto');
    for (let length = 0; length < 300; length += 1) {
      const bytes = randomBytes(length);
      // No ChannelData, and no STUN.
      if (length > 0) bytes[0] = 0x80 | bytes[0];
      wire.send(bytes);
    }
    await until(() => server.stats().malformed >= 250);
    expect(await ping(wire)).toBeDefined();
  });
});

describe('data without allocation', () => {
  test.each(['udp', 'tcp', 'ws'])('over %s', async (protocol) => {
    const server = await startServer({ listen: [`${protocol}://${HOST}:0`] });
    const wire = await wireTo(server, protocol);
    for (let i = 0; i < 50; i += 1) {
      wire.send(channelData(0x4000, Buffer.from('data')));
      const xorPeerAddress = { address: HOST, port: 9 };
      wire.send(
        encode({
          class: 'indication',
          method: 'Send',
          attributes: { xorPeerAddress, data: Buffer.from('data') },
        }),
      );
    }
    await until(() => server.stats().withoutAllocation === 100);
    expect(server.stats().relayedToPeers).toBe(0);
    expect(await ping(wire)).toBeDefined();
  });
});

test('one user takes all allocations that there may be of one, and no more; others get theirs', async () => {
  const server = await startServer({
    quota: { allocationsPerUser: 10, allocations: 12 },
    credentials: { user: 'pass:wörd', other: 'word' },
  });
  const wires = await Promise.all(Array.from({ length: 30 }, () => wireTo(server, 'udp')));
  const codes = [];
  for (const wire of wires) {
    codes.push((await new HandClient(wire).allocate()).attributes.errorCode?.code ?? 0);
  }
  expect(codes).toEqual([...new Array(10).fill(0), ...new Array(20).fill(486)]);
  expect(server.stats()).toMatchObject({ allocations: 10, relaySockets: 10 });
  await relayAt(server, { credentials: { username: 'other', password: 'word' } });
});

test('ports are given out in no order', async () => {
  const server = await startServer();
  const ports = [];
  for (let i = 0; i < 12; i += 1) ports.push((await relayAt(server)).relayedAddress.port);
  const steps = ports.slice(1).map((port, i) => port - ports[i]);
  expect(new Set(steps).size).toBeGreaterThan(8);
  expect(Math.max(...ports) - Math.min(...ports)).toBeGreaterThan(1000);
});

test('thousands of connections that say nothing: others are served, and memory is bounded', async () => {
  // Each is two files of this process.
  const wanted = 10_000;
  const limit = fileLimit();
  const possible = Math.min(wanted, Math.floor((limit - 500) / 2));
  const server = await startServer({
    listen: ['tcp://0.0.0.0:0', 'udp://0.0.0.0:0'],
    quota: { connections: 20_000 },
  });
  const { port } = placeOf(server, 'tcp');
  const before = process.memoryUsage().rss;
  // No more than 256 of one host.
  for (let opened = 0; opened < possible; ) {
    const batch = Array.from({ length: Math.min(250, possible - opened) }, () =>
      tcpSocket(
        { address: HOST, port },
        { localAddress: `127.0.1.${1 + Math.floor(opened / 250)}` },
      ),
    );
    const sockets = await Promise.all(batch);
    for (const socket of sockets) socket.on('error', () => {});
    opened += sockets.length;
  }
  await until(() => server.stats().connections === possible);
  const each = Math.round((process.memoryUsage().rss - before) / possible);
  process.stdout.write(
    `${possible} connections open, ${each} bytes for both ends of each; the limit of files is ${limit}\n`,
  );
  expect(each).toBeLessThan(40_000);
  const wire = streamWire(await tcpSocket({ address: HOST, port }, { localAddress: '127.0.2.1' }));
  expect((await new HandClient(wire).allocate()).class).toBe('success');
  await relayAt(server, { protocol: 'udp' });
  await server.close();
  await until(() => server.stats().connections === 0);
});

function fileLimit() {
  const { userLimits } = /** @type {any} */ (process.report.getReport());
  const { soft } = userLimits.open_files;
  return soft === 'unlimited' ? 1_000_000 : Number(soft);
}

describe('slow-loris: a little at a time, and never enough', () => {
  const options = { idleTimeoutMs: 1, handshakeTimeoutMs: 1, tls: TLS };

  /** Keeps sending until the other side has enough of it. @param {import('node:net').Socket} socket @param {(i: number) => Uint8Array | string} next */
  async function trickle(socket, next) {
    let isOpen = true;
    const cut = cutOff(socket).then(() => {
      isOpen = false;
    });
    for (let i = 0; isOpen; i += 1) {
      socket.write(next(i));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await cut;
  }

  test('over TCP', async () => {
    const server = await startServer({ listen: [`tcp://${HOST}:0`], ...options });
    const socket = await tcpSocket(server.addresses[0]);
    // The longest message that a stranger may send.
    const message = Buffer.alloc(2048);
    message.set(encode({ class: 'request', method: 'Binding' }));
    message.writeUInt16BE(2028, 2);
    await trickle(socket, (i) => message.subarray(Math.min(i, 2046), Math.min(i, 2046) + 1));
    await until(() => server.stats().connections === 0);
  });

  test('over TLS, in the handshake', async () => {
    const server = await startServer({ listen: [`tls://${HOST}:0`], ...options });
    const socket = await tcpSocket(server.addresses[0]);
    // A handshake record of 16,384 bytes that never ends.
    const head = Buffer.from('16030140000100', 'hex');
    await trickle(socket, (i) => (i < head.length ? head.subarray(i, i + 1) : Buffer.alloc(1)));
  });

  test('over TLS, behind it', async () => {
    const server = await startServer({
      listen: [`tls://${HOST}:0`],
      ...options,
      handshakeTimeoutMs: 10_000,
    });
    await trickle(await tlsSocket(server.addresses[0]), (i) => Buffer.from(i === 0 ? [0] : []));
  });

  test('in the HTTP request of a WebSocket', async () => {
    const server = await startServer({ listen: [`ws://${HOST}:0`], ...options });
    const socket = await tcpSocket(server.addresses[0]);
    const head = 'GET / HTTP/1.1\r\nHost: x\r\n';
    await trickle(socket, (i) => (i < head.length ? head[i] : i % 2 === 0 ? 'x' : ':'));
  });

  test('in a message of a WebSocket', async () => {
    const server = await startServer({
      listen: [`ws://${HOST}:0`],
      ...options,
      handshakeTimeoutMs: 10_000,
    });
    const webSocket = await openWebSocket(server.urls[0]);
    const closed = once(webSocket, 'close');
    const { _socket: socket } = /** @type {any} */ (webSocket);
    // A frame of 126 bytes, of which some come.
    socket.write(Buffer.from('82fe007e00000000', 'hex'));
    socket.write('xx');
    await closed;
  });
});

describe('what is announced and never comes', () => {
  test('64 KiB on a stream: who has no allocation is cut off at once', async () => {
    const server = await startServer({ listen: [`tcp://${HOST}:0`] });
    for (const head of ['4000ffff', `0001fffc2112a442${'00'.repeat(12)}`]) {
      const socket = await tcpSocket(server.addresses[0]);
      const cut = cutOff(socket);
      socket.write(Buffer.from(head, 'hex'));
      await cut;
    }
    expect(server.stats().brokenStreams).toBe(2);
  });

  test('64 KiB of who has one: a buffer for one frame, and no more', async () => {
    const server = await startServer({ listen: [`tcp://${HOST}:0`] });
    const wires = await Promise.all(Array.from({ length: 20 }, () => wireTo(server, 'tcp')));
    for (const wire of wires) await new HandClient(wire).allocate();
    const before = server.stats().coreMemoryBytes;
    for (const wire of wires) wire.send(Buffer.from('4000ffff00', 'hex'));
    for (const wire of wires) wire.send(Buffer.alloc(40_000));
    expect(await ping(await wireTo(server, 'tcp'))).toBeDefined();
    const grown = server.stats().coreMemoryBytes - before;
    process.stdout.write(`20 frames of 64 KiB under way: the core grew by ${grown} bytes\n`);
    expect(grown).toBeLessThan(8 * MIB);
  });

  test('a message of 1 GiB on a WebSocket', async () => {
    const server = await startServer({ listen: [`ws://${HOST}:0`] });
    const webSocket = await openWebSocket(server.urls[0]);
    const closed = once(webSocket, 'close');
    /** @type {any} */ (webSocket)._socket.write(
      Buffer.from('82ff000000004000000000000000', 'hex'),
    );
    const [code] = await closed;
    expect(code).toBe(1009);
    await until(() => server.stats().connections === 0);
  });

  test('a message of a WebSocket in a million fragments', async () => {
    const server = await startServer({ listen: [`ws://${HOST}:0`] });
    const webSocket = await openWebSocket(server.urls[0]);
    const closed = once(webSocket, 'close');
    const { _socket: socket } = /** @type {any} */ (webSocket);
    socket.write(Buffer.from('028100000000aa', 'hex'));
    const fragments = Buffer.concat(new Array(1000).fill(Buffer.from('008100000000aa', 'hex')));
    let isOpen = true;
    void closed.then(() => {
      isOpen = false;
    });
    while (isOpen) {
      socket.write(fragments);
      await new Promise((resolve) => setImmediate(resolve));
    }
    // Too many fragments, or too many bytes, whichever the package ws minds first.
    expect([1008, 1009]).toContain((await closed)[0]);
  });
});

test('text on a WebSocket is no message: 1008', async () => {
  const server = await startServer({ listen: [`ws://${HOST}:0`] });
  const webSocket = await openWebSocket(server.urls[0]);
  webSocket.send('hello');
  const [code] = await once(webSocket, 'close');
  expect(code).toBe(1008);
});

test('garbage in messages of a WebSocket is dropped, and the connection goes on', async () => {
  const server = await startServer({ listen: [`ws://${HOST}:0`] });
  const webSocket = await openWebSocket(server.urls[0]);
  const wire = webSocketWire(webSocket);
  wire.send(Buffer.alloc(0));
  wire.send(Buffer.alloc(65_000, 0xff));
  wire.send(Buffer.from('x'));
  expect(await ping(wire)).toBeDefined();
  expect(server.stats().malformed).toBe(3);
});

test('a long HTTP head is refused: 431', async () => {
  const server = await startServer({ listen: [`ws://${HOST}:0`] });
  const socket = await tcpSocket(server.addresses[0]);
  const cut = cutOff(socket);
  const [answer] = await Promise.all([
    once(socket, 'data'),
    socket.write(`GET / HTTP/1.1\r\nx: ${'x'.repeat(100_000)}`),
  ]);
  expect(`${answer}`).toMatch(/^HTTP\/1\.1 431 /);
  await cut;
});

test('connections that are reset at any moment leave nothing', async () => {
  const server = await startServer({
    listen: ['tcp', 'tls', 'ws', 'wss'].map((protocol) => `${protocol}://${HOST}:0`),
    tls: TLS,
    // TLS does not hear of a reset in the middle of its handshake.
    handshakeTimeoutMs: 100,
  });
  const beginning = encode({ class: 'request', method: 'Binding' });
  for (const place of server.addresses) {
    for (let i = 0; i < 20; i += 1) {
      const socket = await tcpSocket(place);
      socket.on('error', () => {});
      if (i % 4 > 0) socket.write(beginning.subarray(0, i));
      if (i % 2 > 0) await new Promise((resolve) => setImmediate(resolve));
      socket.resetAndDestroy();
    }
  }
  await until(() => server.stats().connections === 0);
  expect(await ping(await wireTo(server, 'wss'))).toBeDefined();
});

test('a password cannot be guessed faster than any other stranger is answered', async () => {
  const server = await startServer({
    quota: { unauthenticatedPerSecond: 1, unauthenticatedBurst: 5 },
  });
  const wire = await wireTo(server, 'udp');
  const guess = { username: 'user', password: 'guess' };
  const client = new HandClient(wire, guess);
  expect((await client.allocate()).attributes.errorCode?.code).toBe(401);
  for (let i = 0; i < 50; i += 1) wire.send(client.signed('Allocate', { requestedTransport: 17 }));
  await until(() => server.stats().wrongPassword + server.stats().rateLimited >= 50);
  await until(() => server.stats().rateLimited > 30);
  expect(server.stats().allocations).toBe(0);
});
