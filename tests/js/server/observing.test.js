// What a server tells: events, numbers, lists, and text for Prometheus.
import { afterEach, describe, expect, test } from '@jest/globals';
import { serverMetrics } from '../../../js/server/metrics.js';
import { startUdpPeer } from '../../support/udp-peers.js';
import {
  cleanUp,
  HandClient,
  HOST,
  heardExceptions,
  onCleanUp,
  ping,
  relayAt,
  startServer,
  TLS,
  told,
  until,
  wireTo,
} from './support.js';

afterEach(cleanUp);

/** @typedef {import('../../../js/server/index.js').Server} Server */

/** Whatever the server tells, in order. @param {Server} server */
function diary(server) {
  /** @type {[string, any][]} */
  const entries = [];
  for (const name of /** @type {const} */ (['allocation', 'refresh', 'move', 'end'])) {
    server.on(name, (/** @type {any} */ detail) => entries.push([name, detail]));
  }
  return entries;
}

test('the life of an allocation', async () => {
  const server = await startServer();
  const entries = diary(server);
  const peer = await startUdpPeer({ answer: () => Buffer.from('12345') });
  onCleanUp(() => peer.close());
  const relay = await relayAt(server, { lifetimeSeconds: 700, mobility: true });
  const client = { address: HOST, family: 'IPv4', port: relay.localAddress?.port };
  const info = {
    id: expect.any(Number),
    client,
    protocol: 'udp',
    username: 'user',
    transport: 'udp',
    relayedAddresses: [relay.relayedAddress],
    lifetimeSeconds: 700,
  };
  expect(entries).toEqual([['allocation', info]]);
  expect(server.allocations()).toEqual([info]);

  await relay.refresh({ lifetimeSeconds: 800 });
  const renewed = { ...info, lifetimeSeconds: 800 };
  expect(entries.slice(1)).toEqual([['refresh', renewed]]);

  await relay.permit(peer);
  relay.send(Buffer.from('123'), peer);
  await relay[Symbol.asyncIterator]().next();
  await relay.move();
  const moved = { ...renewed, client: { ...client, port: relay.localAddress?.port } };
  // Which is a Refresh as well.
  expect(entries.slice(2)).toEqual([
    ['refresh', moved],
    ['move', moved],
  ]);

  const ended = told(server, 'end');
  await relay.close();
  const traffic = { sentMessages: 1, sentBytes: 3, receivedMessages: 1, receivedBytes: 5 };
  expect(await ended).toEqual({ ...moved, ...traffic, durationMs: expect.any(Number) });
  expect(entries[4][0]).toBe('end');
  expect(entries[4][1].id).toBe(entries[0][1].id);
  expect(server.allocations()).toEqual([]);
});

test.each(['tcp', 'tls', 'ws', 'wss'])(
  '%s: a client that is gone takes its allocation along',
  async (protocol) => {
    const server = await startServer({ listen: [`${protocol}://${HOST}:0`], tls: TLS });
    const entries = diary(server);
    const wire = await wireTo(server, protocol);
    const client = new HandClient(wire);
    await client.allocate();
    wire.close();
    await until(() => entries.length === 2);
    expect(entries).toMatchObject([
      ['allocation', { protocol }],
      ['end', { protocol, username: 'user' }],
    ]);
    await until(() => server.stats().connections === 0);
    expect(server.stats()).toMatchObject({ allocations: 0, relaySockets: 0 });
  },
);

test('listeners that throw end nothing, and are heard of', async () => {
  const server = await startServer();
  const heard = heardExceptions();
  const mistakes = ['allocation', 'refresh', 'end'].map((name) => {
    const error = new Error(`of ${name}`);
    server.on(/** @type {any} */ (name), () => {
      throw error;
    });
    return error;
  });
  const client = new HandClient(await wireTo(server, 'udp'));
  expect((await client.allocate()).class).toBe('success');
  expect((await client.ask('Refresh', { lifetime: 500 })).class).toBe('success');
  expect((await client.ask('Refresh', { lifetime: 0 })).class).toBe('success');
  expect(heard).toEqual(mistakes);
  expect(server.stats()).toMatchObject({ allocations: 0, relaySockets: 0 });
  for (const name of server.eventNames()) server.removeAllListeners(name);
  expect((await client.allocate()).class).toBe('success');
});

test('a listener may close the server', async () => {
  const server = await startServer();
  const entries = diary(server);
  server.once('allocation', () => void server.close());
  const client = new HandClient(await wireTo(server, 'udp'));
  void client.allocate().catch(() => {});
  expect(await server.closed).toEqual({ reason: 'closed' });
  expect(entries.map(([name]) => name)).toEqual(['allocation', 'end']);
});

describe('numbers', () => {
  test('of what came of requests', async () => {
    const server = await startServer();
    const stats = () => server.stats();
    const wire = await wireTo(server, 'udp');
    const client = new HandClient(wire);
    await client.allocate();
    expect(stats()).toMatchObject({
      challenged: 1,
      authenticated: 1,
      allocations: 1,
      allocationsMade: 1,
    });
    await client.ask('ChannelBind', { channelNumber: 1 });
    expect(stats()).toMatchObject({ authenticated: 2, refused: 1 });
    for (const [bytes, counter] of /** @type {[Buffer, keyof ReturnType<typeof stats>][]} */ ([
      [Buffer.from('rubbish'), 'malformed'],
      [Buffer.from('4000000441424344', 'hex'), 'unknownChannel'],
      [Buffer.from('010100002112a442000000000000000000000000', 'hex'), 'unexpected'],
      [Buffer.from('001600002112a442000000000000000000000000', 'hex'), 'badIndication'],
    ])) {
      wire.send(bytes);
      await until(() => stats()[counter] === 1);
    }
    const stranger = await wireTo(server, 'udp');
    stranger.send(Buffer.from('4000000441424344', 'hex'));
    await until(() => stats().withoutAllocation === 1);
  });

  test('of connections and memory', async () => {
    const server = await startServer({ listen: [`tcp://${HOST}:0`] });
    expect(server.stats()).toMatchObject({ connections: 0, relaySockets: 0 });
    const client = new HandClient(await wireTo(server, 'tcp'));
    await client.allocate();
    const stats = server.stats();
    expect(stats).toMatchObject({ connections: 1, relaySockets: 1, slowClient: 0, ownAddress: 0 });
    expect(stats.coreMemoryBytes).toBeGreaterThan(100_000);
    expect(Object.values(stats).every((value) => Number.isFinite(value))).toBe(true);
  });

  test('stay when the server is closed', async () => {
    const server = await startServer();
    await relayAt(server);
    await server.close();
    expect(server.stats()).toMatchObject({ allocations: 0, allocationsMade: 1, relaySockets: 0 });
    expect(server.metrics()).toContain('postern_server_allocations_made_total 1\n');
  });
});

/**
 * Reads the text format (version 0.0.4) as strictly as its description is: HELP and TYPE of each metric once, before its
 * samples, which stand together.
 *
 * @param {string} text
 */
function parseExposition(text) {
  expect(text.endsWith('\n')).toBe(true);
  /** @type {Map<string, { type: string, samples: Map<string, number> }>} */
  const metrics = new Map();
  let current = '';
  let hasType = false;
  for (const line of text.slice(0, -1).split('\n')) {
    const help = /^# HELP ([a-z_][a-z0-9_]*) (\S.*)$/.exec(line);
    const type = /^# TYPE ([a-z_][a-z0-9_]*) (counter|gauge)$/.exec(line);
    const sample =
      /^([a-z_][a-z0-9_]*)(\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)+\})? (-?\d+(?:\.\d+)?(?:e[+-]\d+)?)$/.exec(
        line,
      );
    if (help) {
      current = help[1];
      hasType = false;
      expect(metrics.has(current)).toBe(false);
      metrics.set(current, { type: '', samples: new Map() });
    } else if (type) {
      expect([type[1], hasType]).toEqual([current, false]);
      hasType = true;
      /** @type {any} */ (metrics.get(current)).type = type[2];
    } else if (sample) {
      const [, name, labels = '', value] = sample;
      expect([name, hasType]).toEqual([current, true]);
      const { samples } = /** @type {any} */ (metrics.get(current));
      expect(samples.has(labels)).toBe(false);
      samples.set(labels, Number(value));
    } else throw new Error(`no line of the format: ${line}`);
  }
  return metrics;
}

describe('metrics for Prometheus', () => {
  test('say what stats() says, each counter once', async () => {
    const server = await startServer();
    const stats = /** @type {any} */ (server.stats());
    // Each of another value, so that none is told for another.
    const names = Object.keys(stats);
    const marked = Object.fromEntries(names.map((name, i) => [name, 1000 + i]));
    const metrics = parseExposition(serverMetrics(/** @type {any} */ (marked)));
    const values = [...metrics.values()].flatMap(({ samples }) => [...samples.values()]);
    const told = names.filter((name) => values.includes(marked[name]));
    expect(values.sort()).toEqual(told.map((name) => marked[name]).sort());
    expect(names.filter((name) => !told.includes(name))).toEqual([]);
    for (const [name, { type, samples }] of metrics) {
      expect(name).toMatch(/^postern_server_/);
      expect(name.endsWith('_total')).toBe(type === 'counter');
      expect(samples.size).toBeGreaterThan(0);
    }
  });

  test('of a server that has something to tell', async () => {
    const server = await startServer();
    const peer = await startUdpPeer();
    onCleanUp(() => peer.close());
    const relay = await relayAt(server);
    await relay.permit(peer);
    relay.send(Buffer.from('12345'), peer);
    await relay[Symbol.asyncIterator]().next();
    await ping(await wireTo(server, 'udp'));
    const metrics = parseExposition(server.metrics());
    /** @param {string} name */
    const samples = (name) =>
      Object.fromEntries(metrics.get(`postern_server_${name}`)?.samples ?? []);
    expect(samples('allocations')).toEqual({ '': 1 });
    expect(samples('relay_sockets')).toEqual({ '': 1 });
    expect(samples('relayed_messages_total')).toEqual({
      '{direction="to-peer"}': 1,
      '{direction="to-client"}': 1,
    });
    expect(samples('relayed_bytes_total')).toEqual({
      '{direction="to-peer"}': 5,
      '{direction="to-client"}': 5,
    });
    expect(samples('authentications_total')).toMatchObject({
      '{result="challenged"}': 1,
      '{result="accepted"}': 2,
    });
  });
});
