// How a gateway ends, what is due by its clock, and what it tells those who watch it.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, test } from '@jest/globals';
import { encode } from '../../../js/codec/index.js';
import { Hold } from '../../../js/gateway/hold.js';
import { createGateway } from '../../../js/gateway/index.js';
import { Meter } from '../../../js/gateway/meter.js';
import { Retransmissions } from '../../../js/gateway/retransmissions.js';
import {
  channelData,
  cleanUp,
  closedWith,
  get,
  NAME,
  ORIGIN,
  onCleanUp,
  openClient,
  refusedStatus,
  SECRET,
  startGateway,
  tcpUpstream,
  ticketFor,
  udpUpstream,
} from './support.js';

afterEach(cleanUp);

const binding = () => encode({ class: 'request', method: 'Binding' });

describe('close()', () => {
  test('ends all connections, and may be called twice', async () => {
    const { upstream } = await udpUpstream();
    const { gateway, url } = await startGateway({ upstream });
    const clients = [await openClient(url), await openClient(url)];
    for (const client of clients) await client.ask(binding());
    await Promise.all([gateway.close(), gateway.close()]);
    for (const client of clients) {
      expect(await client.closed).toEqual({ code: 1001, reason: 'closed' });
    }
    expect(await gateway.closed).toEqual({ reason: 'closed' });
    expect(gateway.isReady).toBe(false);
    expect(gateway.stats().connections).toBe(0);
    await gateway.drain();
    expect(await refusedStatus(url).catch(({ code }) => code)).toBeNaN();
  });

  test('await using', async () => {
    const { gateway } = await startGateway();
    await gateway[Symbol.asyncDispose]();
    expect(await gateway.closed).toEqual({ reason: 'closed' });
  });

  test('a client that does not say good-bye does not hold it up for ever', async () => {
    const { upstream } = await udpUpstream();
    const { gateway, url } = await startGateway({ upstream });
    const client = await openClient(url);
    await client.ask(binding());
    client.socket.pause();
    await gateway.close();
    expect(gateway.stats().connections).toBe(0);
  });

  test('the signal closes it', async () => {
    const controller = new AbortController();
    const { gateway } = await startGateway({ signal: controller.signal });
    controller.abort();
    expect(await gateway.closed).toEqual({ reason: 'aborted' });
  });

  test('it ends with the server that it stands on', async () => {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { gateway } = await startGateway({ server });
    server.close();
    expect(await gateway.closed).toEqual({ reason: 'server-closed' });
  });
});

describe('drain()', () => {
  test('takes nobody in, says so, and lets those that are there go one after the other', async () => {
    const { upstream } = await udpUpstream();
    const { gateway, url, log } = await startGateway({ upstream, admin: { port: 0 } });
    const { port } = /** @type {{ port: number }} */ (gateway.adminListening);
    const clients = [];
    for (let i = 0; i < 4; i++) {
      clients.push(await openClient(url));
      await clients[i].ask(binding());
    }
    expect((await get(`http://127.0.0.1:${port}/readyz`)).status).toBe(200);
    /** @type {number[]} */
    const left = [];
    for (const client of clients) {
      void client.closed.then(() => left.push(gateway.stats().connections));
    }
    const draining = gateway.drain({ timeoutMs: 600 });
    expect((await get(`http://127.0.0.1:${port}/readyz`)).status).toBe(503);
    expect((await get(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
    expect(await refusedStatus(url)).toBe(503);
    await draining;
    for (const client of clients) {
      expect(await client.closed).toEqual({ code: 1012, reason: 'drain' });
    }
    // Not all in one tick of the clock.
    const times = log.all('end').map(({ time }) => time);
    expect(new Set(times).size).toBeGreaterThan(1);
    expect(await gateway.closed).toEqual({ reason: 'drained' });
  });

  test('with no time, and with nobody there', async () => {
    const { gateway, url } = await startGateway({ upstream: (await udpUpstream()).upstream });
    const client = await openClient(url);
    await gateway.drain({ timeoutMs: 0 });
    expect((await client.closed).code).toBe(1012);
    const empty = await startGateway();
    await empty.gateway.drain();
    expect(await empty.gateway.closed).toEqual({ reason: 'drained' });
  });

  test('close() does not wait for its time', async () => {
    const { gateway, url } = await startGateway({ upstream: (await udpUpstream()).upstream });
    const client = await openClient(url);
    await client.ask(binding());
    const draining = gateway.drain({ timeoutMs: 3_600_000 });
    await gateway.close();
    await draining;
    expect([1001, 1012]).toContain((await client.closed).code);
  });

  test.each([[-1], ['soon']])('%p is no time', async (timeoutMs) => {
    const { gateway } = await startGateway();
    await expect(gateway.drain(/** @type {any} */ ({ timeoutMs }))).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      argument: 'options.timeoutMs',
    });
  });
});

describe('what is due', () => {
  test('the first message', async () => {
    const { upstream } = await udpUpstream();
    const { url } = await startGateway({ upstream, limits: { firstMessageMs: 1 } });
    expect(await closedWith(url)).toEqual({ code: 4408, reason: 'first-message' });
  });

  test('a message now and then, or an allocation', async () => {
    const { upstream } = await udpUpstream();
    const { url } = await startGateway({ upstream, limits: { idleMs: 1 } });
    const holder = await openClient(url);
    await holder.allocate();
    const idle = await openClient(url);
    await idle.ask(binding());
    expect(await idle.closed).toEqual({ code: 4408, reason: 'idle' });
    expect((await holder.ask(binding())).class).toBe('success');
    await holder.ask(encode({ class: 'request', method: 'Refresh', attributes: { lifetime: 0 } }));
    expect(await holder.closed).toEqual({ code: 4408, reason: 'idle' });
  });

  test('an end', async () => {
    const { upstream } = await udpUpstream();
    const { url } = await startGateway({ upstream, limits: { sessionMs: 1 } });
    expect(await closedWith(url)).toEqual({ code: 4408, reason: 'session' });
  });

  test('answers to pings', async () => {
    const { upstream } = await udpUpstream();
    const { url, log } = await startGateway({ upstream, limits: { pingMs: 1 } });
    const good = await openClient(url);
    await good.ask(binding());
    const pings = [once(good.socket, 'ping'), once(good.socket, 'ping')];
    await Promise.all(pings);
    const gone = await openClient(url);
    await gone.ask(binding());
    gone.socket.pause();
    expect(await log.when('end')).toMatchObject({ connection: 2, reason: 'no-pong' });
    for (let i = 0; i < 3; i++) await once(good.socket, 'ping');
    expect((await good.ask(binding())).class).toBe('success');
  });
});

describe('rates', () => {
  test.each([
    ['UDP', udpUpstream],
    ['TCP', tcpUpstream],
  ])('over %s, who sends too fast waits, and loses nothing of it', async (_, start) => {
    // A stream brings the request behind data.
    const server = await start((bytes) => {
      const last = bytes.subarray(-28);
      const at = last.indexOf(Uint8Array.of(0x21, 0x12, 0xa4, 0x42)) - 4;
      return at < 0 ? undefined : allocated(last.subarray(at));
    });
    const limits = { messagesPerSecond: 50 };
    const { url, gateway } = await startGateway({ upstream: server.upstream, limits });
    const client = await openClient(url);
    await client.allocate();
    const message = channelData(0x4000, 'abcd');
    for (let i = 0; i < 60; i++) client.send(message);
    await client.ask(binding());
    expect(gateway.stats()).toMatchObject({ messagesIn: 62, dropped: {} });
  });

  test('who is over the rate is not read, and others are', async () => {
    const { upstream } = await udpUpstream();
    // One message is more than a second's worth, and half a minute goes by before the next one may come.
    const { url, gateway } = await startGateway({ upstream, limits: { bytesPerSecond: 1 } });
    const client = await openClient(url);
    await client.ask(binding());
    client.send(binding());
    const other = await openClient(url, { localAddress: '127.0.0.2' });
    await other.ask(binding());
    expect(gateway.stats().messagesIn).toBe(2);
  });

  test.each([
    ['of a user, over all connections', { bytesPerSecondPerUser: 1 }, ['ann', 'ann', 'bob'], 1],
    ['of an address, over all connections', { bytesPerSecondPerIp: 1 }, ['ann', 'bob', 'eve'], 1],
  ])('%s', async (_, limits, users, held) => {
    const { upstream } = await udpUpstream();
    const { url, gateway } = await startGateway({ upstream, limits: { ...limits, pingMs: 1 } });
    const [a, b, other] = await Promise.all(
      users.map((user, i) =>
        openClient(url, {
          ticket: ticketFor({ user }),
          localAddress: i === 2 ? '127.0.0.2' : '127.0.0.1',
        }),
      ),
    );
    await a.ask(binding());
    // A tick of the clock has charged what has passed: who is held up is asked for nothing.
    await once(other.socket, 'ping');
    await once(other.socket, 'ping');
    b.send(binding());
    await other.ask(binding());
    expect(gateway.stats().messagesIn).toBe(3 - held);
  });

  test('datagrams from a server that are too many get lost, and are counted', async () => {
    const server = await udpUpstream();
    const limits = { messagesPerSecond: 20 };
    const { url, gateway } = await startGateway({ upstream: server.upstream, limits });
    const client = await openClient(url);
    await client.allocate();
    for (let i = 0; i < 100; i++) server.send(channelData(0x4000, 'abcd'));
    await client.ask(binding());
    const { dropped, messagesOut } = gateway.stats();
    expect(dropped.rate).toBeGreaterThan(50);
    expect(dropped.rate + messagesOut).toBe(102);
  });

  /** @param {Buffer} bytes */
  function allocated(bytes) {
    const method = bytes[1] === 3 ? 'Allocate' : 'Binding';
    return encode({
      class: 'success',
      method,
      transactionId: bytes.subarray(8, 20),
      attributes: { lifetime: 600 },
    });
  }
});

describe('Meter', () => {
  test('a second at once, then the rate', () => {
    const meter = new Meter(10, 1000, 0);
    for (let i = 0; i < 9; i++) expect(meter.take(1, 1)).toBe(true);
    expect(meter.take(1, 1)).toBe(false);
    meter.fill(50);
    expect(meter.hasLeft).toBe(true);
    meter.fill(50);
    expect(meter.take(1, 1)).toBe(false);
    meter.fill(10_000);
    expect(meter.take(1, 999)).toBe(true);
    expect(meter.take(1, 1)).toBe(false);
  });

  test('none', () => {
    const meter = new Meter(Infinity, Infinity, 0);
    expect(meter.take(1e9, 1e12)).toBe(true);
    meter.fill(100);
    expect(meter.hasLeft).toBe(true);
  });
});

test('Hold: it goes on when the last lets go', () => {
  /** @type {string[]} */
  const calls = [];
  const hold = new Hold(
    () => calls.push('stop'),
    () => calls.push('go'),
  );
  hold.add(1);
  hold.add(2);
  hold.add(2);
  hold.remove(1);
  hold.remove(1);
  expect(calls).toEqual(['stop']);
  hold.remove(2);
  hold.remove(4);
  expect(calls).toEqual(['stop', 'go']);
});

describe('Retransmissions', () => {
  const message = binding();

  test('at the times of RFC 8489 section 6.2.1, seven times in all', () => {
    /** @type {number[]} */
    const times = [];
    let now = 0;
    const retransmissions = new Retransmissions(() => times.push(now));
    retransmissions.sent(message);
    for (now = 0; now <= 100_000; now += 100) retransmissions.tick(now);
    expect(times).toEqual([500, 1500, 3500, 7500, 15_500, 31_500]);
  });

  test('until it is answered', () => {
    let count = 0;
    const retransmissions = new Retransmissions(() => count++);
    retransmissions.sent(message);
    retransmissions.tick(0);
    retransmissions.tick(500);
    retransmissions.answered(new Uint8Array(3));
    retransmissions.answered(binding());
    retransmissions.tick(1500);
    retransmissions.answered(message);
    retransmissions.tick(100_000);
    expect(count).toBe(2);
  });

  test('of so many', () => {
    let count = 0;
    const retransmissions = new Retransmissions(() => count++);
    for (let i = 0; i < 100; i++) retransmissions.sent(binding());
    retransmissions.tick(0);
    retransmissions.tick(500);
    expect(count).toBe(32);
  });
});

describe('for those who watch', () => {
  test('metrics, health and readiness, on a listener of their own', async () => {
    const { upstream } = await udpUpstream();
    const { gateway, url } = await startGateway({ upstream, admin: { port: 0 } });
    const client = await openClient(url);
    await client.allocate();
    client.send(channelData(0x4000, 'abcd'));
    await client.next();
    await closedWith(url, { ticket: null });
    const { port, address } = /** @type {{ port: number, address: string }} */ (
      gateway.adminListening
    );
    expect(address).toBe('127.0.0.1');
    const { body, headers, status } = await get(`http://127.0.0.1:${port}/metrics`);
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(body).toBe(gateway.metrics());
    for (const line of [
      'postern_gateway_ready 1',
      'postern_gateway_connections{upstream="main"} 1',
      'postern_gateway_allocations 1',
      'postern_gateway_refused_total{reason="ticket-missing"} 1',
      'postern_gateway_messages_total{direction="in",kind="data"} 1',
      'postern_gateway_messages_total{direction="out",kind="control"} 1',
      'postern_gateway_bytes_total{direction="in"} 36',
      'postern_gateway_connect_seconds_count 1',
    ]) {
      expect(body.split('\n')).toContain(line);
    }
    // Each name is declared once, and each line is of the format.
    const types = [...body.matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name);
    expect(new Set(types).size).toBe(types.length);
    for (const line of body.trimEnd().split('\n')) {
      expect(line).toMatch(
        /^(# (HELP|TYPE) \w+ .+|\w+(\{\w+="[^"\\\n]*"(,\w+="[^"\\\n]*")*\})? [\d.e+-]+)$/,
      );
    }
  });

  test('a page whose name was made to lead there reads nothing', async () => {
    const { gateway } = await startGateway({ admin: { port: 0 } });
    const { port } = /** @type {{ port: number }} */ (gateway.adminListening);
    const rebound = { Host: 'evil.example.org' };
    expect((await get(`http://127.0.0.1:${port}/metrics`, rebound)).status).toBe(403);
    const exposed = await startGateway({ admin: { port: 0, exposed: true } });
    const { port: other } = /** @type {{ port: number }} */ (exposed.gateway.adminListening);
    expect((await get(`http://127.0.0.1:${other}/metrics`, rebound)).status).toBe(200);
    expect((await get(`http://127.0.0.1:${other}/`)).status).toBe(404);
    expect((await fetch(`http://127.0.0.1:${other}/metrics`, { method: 'POST' })).status).toBe(405);
  });

  test('the log as lines of JSON', async () => {
    const stream = new PassThrough();
    const gateway = await createGateway({
      port: 0,
      upstreams: { [NAME]: 'turn:192.0.1.1' },
      origins: [ORIGIN],
      tickets: { secret: SECRET },
      log: stream,
    });
    await gateway.close();
    const lines = String(stream.read())
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toEqual([
      { time: expect.any(String), event: 'listening' },
      { time: expect.any(String), event: 'closed', reason: 'closed' },
    ]);
  });

  test('a session from its beginning to its end', async () => {
    const { upstream } = await udpUpstream();
    const { url, log } = await startGateway({ upstream });
    const client = await openClient(url);
    await client.ask(binding());
    client.socket.close();
    const end = await log.when('end');
    expect(log.entries.map(({ event }) => event)).toEqual([
      'listening',
      'open',
      'connected',
      'end',
    ]);
    expect(end).toMatchObject({
      connection: 1,
      upstream: NAME,
      reason: 'client',
      code: 1005,
      messagesIn: 1,
      messagesOut: 1,
      bytesIn: 20,
      dropped: 0,
    });
  });
});

test('a gateway does not keep the process alive by its clock', async () => {
  const server = createServer();
  onCleanUp(() => server.close());
  const { gateway } = await startGateway({ server });
  const resources = process.getActiveResourcesInfo().filter((name) => name === 'Timeout');
  await gateway.close();
  expect(process.getActiveResourcesInfo().filter((name) => name === 'Timeout')).toEqual(resources);
});
