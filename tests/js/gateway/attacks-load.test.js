// Attacks by number and by slowness: sockets that say nothing, servers that are dead or slow, clients that never read. What
// they cost the gateway is bounded and printed, and others are served meanwhile.
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { encode } from '../../../js/codec/index.js';
import {
  channelData,
  cleanUp,
  closedWith,
  onCleanUp,
  openClient,
  startGateway,
  tcpUpstream,
  ticketFor,
  udpUpstream,
} from './support.js';

afterEach(cleanUp);

const MIB = 1024 * 1024;
const HALF_OPEN = 10_000;
const binding = () => encode({ class: 'request', method: 'Binding' });

/** What the tests measured, for who reads their output. @param {string} text */
const tell = (text) => void process.stdout.write(`${text}\n`);

/** How many file descriptors a process may have, as the shell says. */
const descriptors = () =>
  Number(execFileSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).replace('unlimited', '1e9'));

/** @param {string} url @param {string} [localAddress] */
async function isServed(url, localAddress = '127.0.0.9') {
  const client = await openClient(url, { localAddress, ticket: ticketFor() });
  const { class: kind } = await client.ask(binding());
  client.socket.terminate();
  return kind === 'success';
}

/**
 * Opens sockets that say nothing but `head`, each once the system has taken or refused it.
 *
 * @param {number} port @param {number} count @param {(i: number) => string} addressOf @param {string} [head]
 */
async function openSilent(port, count, addressOf, head = '') {
  /** @type {import('node:net').Socket[]} */
  const sockets = [];
  onCleanUp(() => {
    for (const socket of sockets) socket.destroy();
  });
  for (let i = 0; i < count; i++) {
    const socket = connect({ host: '127.0.0.1', port, localAddress: addressOf(i) });
    sockets.push(socket);
    // Not read, it would not notice its end.
    socket.on('error', () => {}).resume();
    await Promise.race([once(socket, 'connect'), once(socket, 'close')]).catch(() => {});
    if (head !== '') socket.write(head);
  }
  return sockets;
}

describe('half-open connections', () => {
  test('10,000 from one address take no more sockets than one address may have', async () => {
    const { upstream } = await udpUpstream();
    const { url, gateway } = await startGateway({ upstream, limits: { connectionsPerIp: 8 } });
    const { port } = /** @type {{ port: number }} */ (gateway.listening);
    const before = process.memoryUsage.rss();
    const sockets = await openSilent(port, HALF_OPEN, () => '127.0.0.1');
    // By now it is known here, too, which of them the gateway has closed.
    expect(await isServed(url)).toBe(true);
    const open = sockets.filter(({ readyState }) => readyState === 'open').length;
    tell(
      `half-open: of ${HALF_OPEN} sockets from one address ${open} stay open (${descriptors()} descriptors), ` +
        `${Math.round((process.memoryUsage.rss() - before) / MIB)} MiB more`,
    );
    expect(open).toBeLessThanOrEqual(8 + 8);
  }, 60_000);

  test('10,000 from as many addresses take no more than all connections together', async () => {
    const { upstream } = await udpUpstream();
    const limits = { connections: 100, requestMs: 2000 };
    const { url, gateway, log } = await startGateway({ upstream, limits });
    const { port } = /** @type {{ port: number }} */ (gateway.listening);
    // One who is in stays in.
    const client = await openClient(url, { ticket: ticketFor() });
    await client.ask(binding());
    const address = (/** @type {number} */ i) => `127.1.${i >> 8}.${i & 255}`;
    const sockets = await openSilent(port, HALF_OPEN, address);
    expect((await client.ask(binding())).class).toBe('success');
    const open = sockets.filter(({ readyState }) => readyState === 'open');
    tell(`half-open: of ${HALF_OPEN} sockets from as many addresses ${open.length} stay open`);
    expect(open.length).toBeLessThanOrEqual(100 + 256);
    // And those go when their time is up.
    await Promise.all(open.map((socket) => socket.destroyed || once(socket, 'close')));
    expect(await isServed(url)).toBe(true);
    expect(log.all('open')).toHaveLength(2);
  }, 60_000);

  test('a request that comes byte by byte is given its time and no more', async () => {
    const { upstream } = await udpUpstream();
    const { url, gateway } = await startGateway({ upstream, limits: { requestMs: 300 } });
    const { port } = /** @type {{ port: number }} */ (gateway.listening);
    const [socket] = await openSilent(port, 1, () => '127.0.0.1', 'GET /turn/main HTTP/1.1\r\nX: ');
    let answer = '';
    socket.setEncoding('latin1').on('data', (text) => {
      answer += text;
    });
    const drip = setInterval(() => socket.write('x'), 20);
    await once(socket, 'close');
    clearInterval(drip);
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(await isServed(url)).toBe(true);
  });

  test('a request that never ends is cut', async () => {
    const { gateway } = await startGateway();
    const { port } = /** @type {{ port: number }} */ (gateway.listening);
    const [socket] = await openSilent(port, 1, () => '127.0.0.1', 'GET / HTTP/1.1\r\n');
    let answer = '';
    socket.setEncoding('latin1').on('data', (text) => {
      answer += text;
    });
    socket.write(`X: ${'x'.repeat(20_000)}\r\n`);
    await once(socket, 'close');
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
  });
});

describe('a server behind it', () => {
  test.each([
    ['TCP', '?transport=tcp'],
    ['UDP', ''],
  ])(
    'that is dead: over %s, its clients are told, and those of others served',
    async (_, query) => {
      const { upstream } = await udpUpstream();
      // A port that was free a moment ago.
      const probe = createServer().listen(0, '127.0.0.1');
      await once(probe, 'listening');
      const { port } = /** @type {import('node:net').AddressInfo} */ (probe.address());
      await new Promise((resolve) => probe.close(resolve));
      const dead = {
        url: `turn:127.0.0.1:${port}${query}`,
        allowPrivate: /** @type {true} */ (true),
      };
      const { gateway, log } = await startGateway({ upstreams: { main: upstream, dead } });
      const client = await openClient(`${gateway.url}dead`, {
        ticket: ticketFor({ upstream: 'dead' }),
      });
      client.send(binding());
      expect(await client.closed).toEqual({ code: 4502, reason: 'upstream' });
      expect((await log.when('end')).detail).toBe('ECONNREFUSED');
      expect(await isServed(`${gateway.url}main`)).toBe(true);
    },
  );

  test('that does not answer the handshake', async () => {
    // It reads, so that it notices the end.
    const silent = createServer((socket) => socket.on('error', () => {}).resume());
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    onCleanUp(() => silent.close());
    const { port } = /** @type {import('node:net').AddressInfo} */ (silent.address());
    const upstream = { url: `turns:localhost:${port}`, allowPrivate: /** @type {true} */ (true) };
    const { url } = await startGateway({ upstream, limits: { connectMs: 200 } });
    expect(await closedWith(url)).toEqual({ code: 4504, reason: 'upstream-timeout' });
  });

  test('that takes no bytes: its client is not read, and told in the end', async () => {
    const server = await tcpUpstream((bytes, socket) => {
      socket.pause();
      return encode({
        class: 'success',
        method: 'Allocate',
        transactionId: bytes.subarray(8, 20),
        attributes: { lifetime: 600 },
      });
    });
    const other = await udpUpstream();
    const limits = {
      stuckMs: 500,
      messagesPerSecond: Infinity,
      bytesPerSecond: Infinity,
    };
    const upstreams = { main: server.upstream, other: other.upstream };
    const { gateway, log } = await startGateway({ upstreams, limits });
    const client = await openClient(`${gateway.url}main`);
    await client.allocate();
    const message = channelData(0x4000, Buffer.alloc(60_000));
    const count = 1000;
    for (let i = 0; i < count; i++) client.send(message);
    const served = await openClient(`${gateway.url}other`, {
      localAddress: '127.0.0.9',
      ticket: ticketFor({ upstream: 'other' }),
    });
    expect((await served.ask(binding())).class).toBe('success');
    const end = await log.when('end');
    expect(end).toMatchObject({ code: 4504, reason: 'upstream-stuck' });
    tell(`slow server: ${end.bytesIn} bytes of ${count * message.length} were read`);
    // The buffers of the system on both sides, and ours.
    expect(end.bytesIn).toBeLessThan(32 * MIB);
  });
});

describe('a client that never reads', () => {
  test.each([
    ['UDP', 1200],
    ['TCP', 1200],
  ])(
    'from a server over %s: memory stays bounded, and others are served',
    async (name, size) => {
      const total = 64 * MIB;
      const message = channelData(0x4000, Buffer.alloc(size));
      const flood = name === 'UDP' ? await udpFlood(message) : await tcpFlood(message);
      const limits = { stuckMs: 700, messagesPerSecond: Infinity, bytesPerSecond: Infinity };
      const { url, gateway, log } = await startGateway({ upstream: flood.upstream, limits });
      const client = await openClient(url);
      await client.allocate();
      client.socket.pause();
      let most = 0;
      /** @type {Promise<unknown>} */
      const ended = log.when('end');
      let isOver = false;
      void ended.then(() => {
        isOver = true;
      });
      const other = await openClient(url, { localAddress: '127.0.0.9', ticket: ticketFor() });
      for (let sent = 0; !isOver; sent += 100 * message.length) {
        if (sent < total) await flood.send(100);
        expect((await other.ask(binding())).class).toBe('success');
        most = Math.max(most, gateway.stats().bufferedBytes);
      }
      expect(await ended).toMatchObject({ connection: 1, code: 1013, reason: 'slow-client' });
      tell(
        `client that never reads, ${name}: at most ${Math.round(most / 1024)} KiB waited for it`,
      );
      // What is ours for one direction, twice (the socket's and the queue), and one read of a stream.
      expect(most).toBeLessThan(2 * 256 * 1024 + 128 * 1024);
      expect(most).toBeGreaterThan(128 * 1024);
      if (name === 'UDP') expect(gateway.stats().dropped['slow-client']).toBeGreaterThan(100);
    },
    30_000,
  );

  test('but one that reads again stays, and gets what is current', async () => {
    const flood = await udpFlood(channelData(0x4000, Buffer.alloc(1200)));
    const limits = {
      stuckMs: 1500,
      // Who does not read does not answer them either, and is gone after three.
      pingMs: 1000,
      messagesPerSecond: Infinity,
      bytesPerSecond: Infinity,
    };
    const { url, gateway, log } = await startGateway({ upstream: flood.upstream, limits });
    const client = await openClient(url);
    await client.allocate();
    client.socket.pause();
    for (let i = 0; i < 2000 && !gateway.stats().dropped['slow-client']; i++) await flood.send(100);
    expect(gateway.stats().dropped['slow-client']).toBeGreaterThan(0);
    client.socket.resume();
    // The clock of the gateway goes on for longer than a client may be stuck.
    for (let i = 0; i < 3; i++) await once(client.socket, 'ping');
    expect((await client.ask(binding())).class).toBe('success');
    expect(gateway.stats().bufferedBytes).toBe(0);
    expect(log.all('end')).toEqual([]);
  }, 30_000);

  const allocated = (/** @type {Buffer} */ bytes) =>
    encode({
      class: 'success',
      method: bytes[1] === 3 ? 'Allocate' : 'Binding',
      transactionId: bytes.subarray(8, 20),
      attributes: { lifetime: 600 },
    });

  /** @param {Buffer} message */
  async function udpFlood(message) {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    onCleanUp(() => socket.close());
    /** @type {import('node:dgram').RemoteInfo | undefined} */
    let victim;
    socket.on('message', (bytes, from) => {
      if (bytes[1] === 3) victim = from;
      socket.send(allocated(bytes), from.port, from.address);
    });
    const upstream = {
      url: `turn:127.0.0.1:${socket.address().port}`,
      allowPrivate: /** @type {true} */ (true),
    };
    const send = async (/** @type {number} */ count) => {
      for (let i = 0; victim && i < count; i++) socket.send(message, victim.port, victim.address);
      // The gateway is in this process: it has its turn.
      await new Promise(setImmediate);
    };
    return { upstream, send };
  }

  /** @param {Buffer} message */
  async function tcpFlood(message) {
    const { upstream, sockets } = await tcpUpstream(allocated);
    const send = async (/** @type {number} */ count) => {
      // The first connection is the victim's.
      for (let i = 0; i < count; i++) sockets[0].write(message);
      await new Promise(setImmediate);
    };
    return { upstream, send };
  }
});
