// TCP through coturn (RFC 6062), over everything reliable that leads there.
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { allocate } from '../../js/index.js';
import { connectTcpPeer, startTcpEcho } from '../support/tcp-peers.js';
import { openBridge } from '../support/websocket-bridge.js';
import { describeWithCoturn, startCoturn } from './coturn.js';
import { fixtureCertificate, rejection } from './support.js';
import {
  Belongings,
  bytesOf,
  openSockets,
  options,
  relayUrl,
  textOf,
  until,
  users,
} from './turn-support.js';

jest.setTimeout(60_000);

/** @typedef {import('../../js/index.js').RelayConnection} RelayConnection */

const BULK = randomBytes(5 << 20);
const CHUNK_BYTES = 60_000;
const digestOf = (/** @type {Uint8Array} */ bytes) =>
  createHash('sha256').update(bytes).digest('hex');

/** @param {Uint8Array} bytes */
function* chunksOf(bytes) {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    yield bytes.subarray(at, at + CHUNK_BYTES);
  }
}

/** @param {ReadableStream<Uint8Array>} readable @param {number} length */
async function readExactly(readable, length) {
  const reader = readable.getReader();
  const parts = [];
  for (let left = length; left > 0; ) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`it ended ${left} bytes early`);
    parts.push(value);
    left -= value.length;
  }
  reader.releaseLock();
  return Buffer.concat(parts);
}

/** @param {RelayConnection} connection @param {string} words */
async function expectEcho(connection, words) {
  const writer = connection.writable.getWriter();
  await writer.write(bytesOf(words));
  writer.releaseLock();
  expect(textOf(await readExactly(connection.readable, words.length))).toBe(words);
}

describeWithCoturn('TCP relays', () => {
  const FORBIDDEN = '127.0.0.9';
  const servers = new Belongings();
  const belongings = new Belongings();
  /** @type {import('./coturn.js').Coturn} */ let server;
  /** @type {Awaited<ReturnType<typeof openBridge>>} */ let bridge;
  beforeAll(async () => {
    server = await servers.hold(
      startCoturn({ users, tls: fixtureCertificate.files, deniedPeers: [FORBIDDEN] }),
    );
    const upstream = { address: '127.0.0.1', port: server.port };
    bridge = await servers.hold(openBridge({ upstream }));
  });
  afterAll(() => servers.release());
  afterEach(() => belongings.release());

  describe.each(/** @type {const} */ (['tcp', 'tls', 'ws']))('%s', (transport) => {
    const relayOf = (more = {}) =>
      belongings.hold(
        allocate(transport === 'ws' ? bridge.url : relayUrl('127.0.0.1', server, transport), {
          ...options,
          relayTransport: 'tcp',
          ...more,
        }),
      );
    const echoOf = () => belongings.hold(startTcpEcho());

    test('5 MB to a peer and back', async () => {
      const relay = await relayOf();
      const echo = await echoOf();
      const connection = await relay.connect(echo);
      expect(connection.peer).toEqual({ address: echo.address, port: echo.port, family: 'IPv4' });
      expect(echo.sources).toEqual([
        { address: relay.relayedAddress.address, port: relay.relayedAddress.port },
      ]);
      const writer = connection.writable.getWriter();
      const came = [];
      for (const chunk of chunksOf(BULK)) {
        await writer.write(chunk);
        came.push(await readExactly(connection.readable, chunk.length));
      }
      expect(digestOf(Buffer.concat(came))).toBe(digestOf(BULK));
      expect(echo.bytes).toBe(BULK.length);
      await connection.close();
      expect(await connection.closed).toEqual({});
      await until(() => echo.open === 0);
    });

    test('as a stream of Node', async () => {
      const relay = await relayOf();
      const echo = await echoOf();
      const duplex = (await relay.connect(echo)).duplex();
      const hash = createHash('sha256');
      let left = 0;
      const chunks = chunksOf(BULK);
      const writeNext = () => {
        const { value } = chunks.next();
        if (value === undefined) return false;
        left = value.length;
        return duplex.write(value) || true;
      };
      writeNext();
      for await (const chunk of duplex) {
        hash.update(chunk);
        left -= chunk.length;
        if (left === 0 && !writeNext()) break;
      }
      expect(hash.digest('hex')).toBe(digestOf(BULK));
      await until(() => echo.open === 0);
    });

    test('5 MB one way, then the end', async () => {
      /** @type {Buffer[]} */
      const parts = [];
      let length = 0;
      /** @type {Promise<unknown> | undefined} */
      let ended;
      const sink = createServer((socket) => {
        ended = new Promise((resolve) => socket.once('close', resolve));
        socket.on('error', () => {});
        socket.on('data', (bytes) => {
          parts.push(bytes);
          length += bytes.length;
        });
      });
      sink.listen(0, '127.0.0.1');
      await belongings.hold({ close: () => sink.close() });
      await once(sink, 'listening');
      const { port } = /** @type {import('node:net').AddressInfo} */ (sink.address());
      const relay = await relayOf();
      const connection = await relay.connect({ address: '127.0.0.1', port });
      const writer = connection.writable.getWriter();
      for (const chunk of chunksOf(BULK)) await writer.write(chunk);
      // What coturn has in hand when a connection ends may be lost.
      await until(() => length === BULK.length);
      expect(digestOf(Buffer.concat(parts))).toBe(digestOf(BULK));
      await writer.close();
      await ended;
      expect(await connection.closed).toEqual({});
    });

    test('the peer ends: so does the connection', async () => {
      const relay = await relayOf();
      const echo = await echoOf();
      const connection = await relay.connect(echo);
      await expectEcho(connection, 'last words');
      const reading = connection.readable
        .getReader()
        .read()
        .catch((error) => error);
      echo.endConnections();
      // Over TCP, coturn ends connections with a reset.
      const { error } = await connection.closed;
      if (error === undefined) expect(await reading).toEqual({ value: undefined, done: true });
      else {
        expect(error).toMatchObject({ code: 'ERR_TRANSPORT_CLOSED' });
        expect(await reading).toBe(error);
      }
    });

    test('peers connect, once they have permission', async () => {
      const relay = await relayOf();
      await relay.permit('127.0.0.1');
      const connections = relay.connections();
      const waiting = connections.next();
      const peer = await belongings.hold(connectTcpPeer(relay.relayedAddress));
      await peer.write(bytesOf('may I come in?'));
      const { value: connection } = await waiting;
      if (connection === undefined) throw new Error('there is no connection');
      expect(connection.peer).toMatchObject({ address: peer.address, port: peer.port });
      expect(textOf(await readExactly(connection.readable, 14))).toBe('may I come in?');
      const writer = connection.writable.getWriter();
      const reading = peer.read(BULK.length);
      for (const chunk of chunksOf(BULK)) await writer.write(chunk);
      expect(digestOf(await reading)).toBe(digestOf(BULK));
      peer.end();
      await connection.closed;
    });

    test('many at once, out and in', async () => {
      const relay = await relayOf();
      const echo = await echoOf();
      await relay.permit('127.0.0.1');
      const incoming = relay.connections();
      /** @type {RelayConnection[]} */
      const taken = [];
      const taking = (async () => {
        for await (const connection of incoming) {
          taken.push(connection);
          if (taken.length === 8) break;
        }
      })();
      const peers = await Promise.all(
        Array.from({ length: 8 }, () => belongings.hold(connectTcpPeer(relay.relayedAddress))),
      );
      // A relay has one connection to each peer: the peers are different ones.
      const echoes = await Promise.all(Array.from({ length: 8 }, () => echoOf()));
      const out = await Promise.all([echo, ...echoes].map((one) => relay.connect(one)));
      await Promise.all(out.map((connection, i) => expectEcho(connection, `hello ${i}`)));
      await taking;
      const byPort = new Map(taken.map((connection) => [connection.peer.port, connection]));
      for (const peer of peers) {
        const writer = byPort.get(peer.port)?.writable.getWriter();
        await writer?.write(bytesOf(String(peer.port).padStart(5)));
        expect(Number(textOf(await peer.read(5)))).toBe(peer.port);
      }
      await relay.close();
      for (const connection of [...out, ...taken]) await connection.closed;
      await Promise.all(peers.map(({ ended }) => ended));
    });

    test('refused: 403 for the address, 447 where nobody listens, 446 for a second one', async () => {
      const relay = await relayOf();
      const echo = await echoOf();
      const refusal = { code: 'ERR_STUN_RESPONSE', phase: 'peer' };
      expect(await rejection(relay.connect({ address: FORBIDDEN, port: 9 }))).toMatchObject({
        ...refusal,
        errorCode: 403,
      });
      const gone = await startTcpEcho();
      await gone.close();
      const error = await rejection(relay.connect(gone));
      expect(error).toMatchObject({ ...refusal, errorCode: 447 });
      expect(error.hint).toMatch(/\w/);
      const connection = await relay.connect(echo);
      expect(await rejection(relay.connect(echo))).toMatchObject({ ...refusal, errorCode: 446 });
      await expectEcho(connection, 'and it goes on');
    });

    test('it leaves no socket behind', async () => {
      await until(() => openSockets() === 0);
      const relay = await relayOf();
      const echo = await echoOf();
      await expectEcho(await relay.connect(echo), 'left open');
      const controller = new AbortController();
      const connecting = rejection(relay.connect(echo, { signal: controller.signal }));
      controller.abort();
      await connecting;
      await relay.close();
      await echo.close();
      await until(() => openSockets() === 0);
    });
  });

  test('asked for over UDP: said before anything is sent', async () => {
    const url = relayUrl('127.0.0.1', server, 'udp');
    const asking = allocate(url, { ...options, relayTransport: 'tcp' });
    expect(await rejection(asking)).toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
  });
});
