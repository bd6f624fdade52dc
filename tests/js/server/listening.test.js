// Where a server listens: five protocols, several of them on one port, and what becomes of ports that are taken.
import { once } from 'node:events';
import { connect as connectTcp, createServer as createNetServer } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { afterEach, describe, expect, test } from '@jest/globals';
import { decode, encode } from '../../../js/codec/index.js';
import { createServer } from '../../../js/server/index.js';
import { writeSlowly } from '../../support/loopback.js';
import { ownSockets, rejection } from '../client/support.js';
import { freeUdpPort } from '../transports/helpers.js';
import {
  CA,
  cleanUp,
  cutOff,
  DEFAULTS,
  HOST,
  onCleanUp,
  openWebSocket,
  ping,
  relayAt,
  startServer,
  streamWire,
  TLS,
  tcpSocket,
  tlsSocket,
  wireTo,
} from './support.js';

afterEach(cleanUp);

const STREAMS = ['tcp', 'tls', 'ws', 'wss'];
const ALL = ['udp', ...STREAMS];
const request = () => Buffer.from(encode({ class: 'request', method: 'Binding' }));

/** A TCP port of loopback that nobody has. */
async function freePort() {
  const holder = createNetServer().listen(0, HOST);
  await once(holder, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (holder.address());
  holder.close();
  await once(holder, 'close');
  return port;
}

/** All streams on one port. */
async function sharedPort() {
  const port = await freePort();
  const listen = STREAMS.map((protocol) => `${protocol}://${HOST}:${port}`);
  return startServer({ listen, tls: TLS });
}

test('five protocols, told in their order', async () => {
  const listen = ALL.map((protocol) => `${protocol}://${HOST}:0`);
  const server = await startServer({ listen, tls: TLS });
  expect(server.addresses.map(({ protocol }) => protocol)).toEqual(ALL);
  expect(new Set(server.addresses.map(({ port }) => port)).size).toBe(5);
  const [udp, tcp, tls, ws, wss] = server.addresses.map(({ port }) => `${HOST}:${port}`);
  expect(server.urls).toEqual([
    `turn:${udp}?transport=udp`,
    `turn:${tcp}?transport=tcp`,
    `turns:${tls}?transport=tcp`,
    `ws://${ws}/`,
    `wss://${wss}/`,
  ]);
  for (const protocol of ALL) {
    const wire = await wireTo(server, protocol);
    expect(await ping(wire)).toMatchObject({ address: HOST, family: 'IPv4' });
  }
});

test('the port that the system gives is the one that is told', async () => {
  const server = await startServer({ listen: [`tcp://${HOST}:0`] });
  const wire = streamWire(await tcpSocket(server.addresses[0]));
  expect(await ping(wire)).toEqual({ ...wire.local, family: 'IPv4' });
});

test('what clients are told where a translator stands before the server', async () => {
  const server = await startServer({
    listen: ['udp://0.0.0.0:0', `tcp://${HOST}:0`, 'ws://0.0.0.0:0'],
    relay: { addresses: [HOST], external: { [HOST]: '203.0.113.5' } },
  });
  expect(server.addresses.map(({ address }) => address)).toEqual(['0.0.0.0', HOST, '0.0.0.0']);
  const [udp, tcp, ws] = server.addresses.map(({ port }) => `203.0.113.5:${port}`);
  expect(server.urls).toEqual([
    `turn:${udp}?transport=udp`,
    `turn:${tcp}?transport=tcp`,
    `ws://${ws}/`,
  ]);
});

describe('TURN, TLS and WebSocket on one port', () => {
  test('all four are served', async () => {
    const server = await sharedPort();
    expect(new Set(server.addresses.map(({ port }) => port)).size).toBe(1);
    const wires = await Promise.all(STREAMS.map((protocol) => wireTo(server, protocol)));
    for (const wire of wires) expect(await ping(wire)).toMatchObject({ address: HOST });
    for (const protocol of STREAMS) {
      const relay = await relayAt(server, { protocol });
      expect(relay.relayedAddress.address).toBe(HOST);
    }
    expect(server.allocations().map(({ protocol }) => protocol)).toEqual(STREAMS);
  });

  test('a STUN message byte by byte', async () => {
    const socket = await tcpSocket((await sharedPort()).addresses[0]);
    const wire = streamWire(socket);
    await writeSlowly(socket, request());
    expect(decode(await wire.next()).class).toBe('success');
    // And a few behind it, in one piece.
    socket.write(Buffer.concat([request(), request(), request()]));
    for (let i = 0; i < 3; i += 1) expect(decode(await wire.next()).class).toBe('success');
  });

  test('an HTTP request byte by byte', async () => {
    const socket = await tcpSocket((await sharedPort()).addresses[0]);
    await writeSlowly(
      socket,
      Buffer.from(
        `GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
          'Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Protocol: turn\r\n\r\n',
      ),
    );
    const [head] = await once(socket, 'data');
    expect(`${head}`).toMatch(/^HTTP\/1\.1 101 /);
    expect(`${head}`).toMatch(/\r\nSec-WebSocket-Protocol: turn\r\n/i);
    // A masked frame (RFC 6455 section 5.2), whose mask is 0.
    await writeSlowly(socket, Buffer.concat([Buffer.from([0x82, 0x94, 0, 0, 0, 0]), request()]));
    const [frame] = await once(socket, 'data');
    expect(frame[0]).toBe(0x82);
    expect(decode(Uint8Array.from(frame.subarray(2))).class).toBe('success');
  });

  test.each([
    ['TURN', async (/** @type {any} */ secure) => void secure.write(request()), /^.{6}¤B/s],
    [
      'HTTP',
      async (/** @type {any} */ secure) => void secure.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
      /^HTTP\/1\.1 426 /,
    ],
  ])('a TLS handshake byte by byte, and %s in it', async (_, speak, expected) => {
    const { address, port } = (await sharedPort()).addresses[0];
    const raw = connectTcp({ host: address, port, noDelay: true });
    onCleanUp(() => raw.destroy());
    await once(raw, 'connect');
    // What TLS has to say goes out byte by byte.
    let sent = Promise.resolve();
    const slow = new Duplex({
      read() {},
      write(chunk, _encoding, done) {
        sent = sent.then(() => writeSlowly(raw, chunk));
        void sent.then(() => done());
      },
    });
    raw.on('data', (chunk) => slow.push(chunk));
    const secure = connectTls({ socket: slow, ca: CA, host: HOST });
    await once(secure, 'secureConnect');
    await speak(secure);
    const [answer] = await once(secure, 'data');
    expect(answer.toString('latin1')).toMatch(expected);
  });

  test('what is none of them ends the connection', async () => {
    const server = await sharedPort();
    const socket = await tcpSocket(server.addresses[0]);
    socket.write('\x80\x81 whatever this is');
    await cutOff(socket);
    expect(await ping(await wireTo(server, 'tcp'))).toBeDefined();
  });
});

describe('what a port is not for', () => {
  test('TLS and HTTP at a port for TURN alone', async () => {
    const server = await startServer({ listen: [`tcp://${HOST}:0`] });
    const [{ address, port }] = server.addresses;
    const socket = await tcpSocket({ address, port });
    // As TURN it is 8,192 bytes and more of an unknown protocol.
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await cutOff(socket);
    const secure = connectTls({ host: address, port, ca: CA });
    await expect(once(secure, 'secureConnect')).rejects.toThrow();
    expect(server.stats().brokenStreams).toBe(2);
  });

  test('TURN at a port for WebSocket', async () => {
    const server = await startServer({ listen: [`ws://${HOST}:0`] });
    const socket = await tcpSocket(server.addresses[0]);
    socket.write(request());
    await cutOff(socket);
  });

  test('TURN without TLS at a port of TLS', async () => {
    const server = await startServer({ listen: [`tls://${HOST}:0`], tls: TLS });
    const socket = await tcpSocket(server.addresses[0]);
    socket.write(request());
    await cutOff(socket);
    expect(await ping(await wireTo(server, 'tls'))).toBeDefined();
  });

  test('HTTP that asks for no WebSocket is told so', async () => {
    const server = await startServer({ listen: [`ws://${HOST}:0`] });
    const { port } = server.addresses[0];
    const answer = await fetch(`http://${HOST}:${port}/`);
    expect(answer.status).toBe(426);
    expect(answer.headers.get('upgrade')).toBe('websocket');
  });
});

describe('WebSockets', () => {
  /** @param {string} url @param {string[]} protocols @param {Record<string, string>} [headers] */
  async function refusedWith(url, protocols, headers = {}) {
    const { WebSocket } = await import('ws');
    const webSocket = new WebSocket(url, protocols, { headers });
    onCleanUp(() => webSocket.terminate());
    const [error] = await once(webSocket, 'error');
    return error.message;
  }

  test('that do not offer the sub-protocol get no further', async () => {
    const server = await startServer({ listen: [`ws://${HOST}:0`] });
    expect(await refusedWith(server.urls[0], ['chat'])).toMatch(/400/);
    expect(await refusedWith(server.urls[0], [])).toMatch(/400/);
  });

  test('of pages: those of `origins`', async () => {
    const origins = ['https://app.example.org'];
    const server = await startServer({ listen: [`ws://${HOST}:0`], origins });
    const foreign = { origin: 'https://evil.example.org' };
    expect(await refusedWith(server.urls[0], ['turn'], foreign)).toMatch(/403/);
    const { WebSocket } = await import('ws');
    const own = new WebSocket(server.urls[0], ['chat', 'turn'], {
      headers: { origin: origins[0] },
    });
    await once(own, 'open');
    expect(own.protocol).toBe('turn');
    own.terminate();
    // Who is no page sends no origin.
    await openWebSocket(server.urls[0]);
  });

  test('at any path', async () => {
    const server = await startServer({ listen: [`ws://${HOST}:0`] });
    await openWebSocket(`${server.urls[0]}any/path?and=query`);
  });
});

describe('ports that cannot be had', () => {
  /** @param {readonly string[]} listen */
  const refused = (listen) =>
    rejection(createServer(/** @type {any} */ ({ ...DEFAULTS, listen, tls: TLS })));

  test.each(['udp', 'tcp', 'tls', 'ws', 'wss'])(
    '%s: in use; nothing stays open',
    async (protocol) => {
      const holder = await startServer({ listen: [`udp://${HOST}:0`, `tcp://${HOST}:0`] });
      const { port } = holder.addresses[protocol === 'udp' ? 0 : 1];
      const before = await ownSockets();
      const place = `${protocol}://${HOST}:${port}`;
      const error = await refused([`udp://${HOST}:0`, `tcp://${HOST}:0`, place]);
      expect(error).toMatchObject({
        name: 'PosternError',
        code: 'ERR_SERVER_LISTEN',
        message: `The server can't listen at ${place}.`,
        hint: 'Another program uses the port.',
        cause: { code: 'EADDRINUSE' },
      });
      expect(await ownSockets()).toEqual(before);
    },
  );

  test('no such address', async () => {
    const error = await refused(['tcp://192.0.2.1:0']);
    expect(error).toMatchObject({
      code: 'ERR_SERVER_LISTEN',
      hint: 'This machine has no such address.',
      cause: { code: 'EADDRNOTAVAIL' },
    });
    expect(error.message).toBe("The server can't listen at tcp://192.0.2.1:0.");
    const six = await refused(['udp://[2001:db8::1]:0']);
    expect(six.message).toBe("The server can't listen at udp://[2001:db8::1]:0.");
  });
});

test('IPv6: all protocols, and relays', async () => {
  const listen = ALL.map((protocol) => `${protocol}://[::1]:0`);
  const relay = { addresses: ['::1'] };
  const policy = { allow: ['::1'] };
  const server = await startServer({ listen, tls: TLS, relay, policy });
  expect(server.addresses.every(({ family }) => family === 'IPv6')).toBe(true);
  expect(server.urls[0]).toBe(`turn:[::1]:${server.addresses[0].port}?transport=udp`);
  for (const protocol of ALL) {
    expect(await ping(await wireTo(server, protocol))).toMatchObject({ address: '::1' });
    const { relayedAddress } = await relayAt(server, { protocol, relayFamily: 6 });
    expect(relayedAddress).toMatchObject({ address: '::1', family: 'IPv6' });
  }
});

test('a new certificate is for connections that come after it', async () => {
  const server = await startServer({ listen: [`tls://${HOST}:0`], tls: TLS });
  const before = await tlsSocket(server.addresses[0]);
  const { fixture } = await import('../transports/helpers.js');
  server.setSecureContext({ key: TLS.key, cert: fixture('wrong-name') });
  const error = await rejection(tlsSocket(server.addresses[0]));
  expect(error.code).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  expect(() => server.setSecureContext({ key: TLS.key, cert: 'none' })).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', argument: 'tls' }),
  );
  expect(await ping(streamWire(before))).toBeDefined();
});

test('a UDP port is not taken twice, not even by a server of the same process', async () => {
  const port = await freeUdpPort();
  const listen = [`udp://${HOST}:${port}`];
  await startServer({ listen });
  const error = await rejection(createServer(/** @type {any} */ ({ ...DEFAULTS, listen })));
  expect(error.code).toBe('ERR_SERVER_LISTEN');
});
