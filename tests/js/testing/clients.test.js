// Our clients and servers in a simulated network: whole lives of relays in no time.
import { describe, expect, jest, test } from '@jest/globals';
import { createCredentials } from '../../../js/credentials/index.js';
import {
  allocate,
  checkIceServers,
  getMappedAddress,
  openStunClient,
  PosternError,
} from '../../../js/index.js';
import { addStunServer, addTurnServer } from '../../../js/testing/index.js';
import { startServer } from '../../../js/testing/server/elsewhere.js';
import { bytesOf, inboxOf, network } from './support.js';

const USER = { username: 'alice', credential: 'secret' };
const CREDENTIALS = { alice: 'secret' };
const HOUR_MS = 3_600_000;

/** A relay behind a NAT, and a peer behind another. @param {import('./support.js').NatOptions} [kind] @param {import('./support.js').NetworkOptions} [options] @param {object} [allocateOptions] */
async function relayed(kind, options, allocateOptions = {}) {
  const world = network(options);
  const { server, urls, host } = await addTurnServer(world, {
    name: 'turn.example.org',
    credentials: CREDENTIALS,
  });
  const client = world.addHost({ name: 'client', nat: world.addNat({ name: 'home', ...kind }) });
  const peerNat = world.addNat({ name: 'office' });
  const peer = world.addHost({ name: 'peer', nat: peerNat }).openUdp();
  const { transport } = client;
  const relay = await world.runUntil(
    allocate({ urls, ...USER }, { transport, ...allocateOptions }),
  );
  return { world, server, host, client, relay, peer, peerNat };
}

/** Where the peer is seen, and its packets pass by then. @param {Awaited<ReturnType<typeof relayed>>} all */
async function acquainted({ world, relay, peer, peerNat }) {
  peer.send(bytesOf('hole'), relay.relayedAddress);
  await world.run();
  return peerNat.mappings()[0].outside;
}

describe('STUN', () => {
  test('the mapped address, by name and by address', async () => {
    const world = network();
    const { urls, host } = await addStunServer(world, { name: 'stun.example.org' });
    const nat = world.addNat();
    const { transport } = world.addHost({ nat });
    const expected = {
      address: nat.addresses[0],
      roundTripMs: 20,
      localAddress: { address: '10.0.0.1' },
      serverAddress: { address: host.addresses[0], port: 3478 },
      phases: { dns: 0, connect: 0, request: 20 },
      otherAddress: undefined,
    };
    for (const url of ['stun:stun.example.org', urls[0]]) {
      const result = await world.runUntil(getMappedAddress(url, { transport }));
      expect(result).toMatchObject(expected);
    }
  });

  test('requests are sent again as RFC 8489 says, in virtual time', async () => {
    const world = network();
    const { transport } = world.addHost();
    world.addHost({ name: 'deaf' });
    const asked = world.runUntil(getMappedAddress('stun:deaf', { transport }));
    await expect(asked).rejects.toMatchObject({ code: 'ERR_STUN_TIMEOUT' });
    // Section 6.2.1: requests at these times, and 39.5 s in all.
    expect(world.packets.map(({ sentAt }) => sentAt)).toEqual([
      0, 500, 1500, 3500, 7500, 15_500, 31_500,
    ]);
    expect(world.now).toBe(39_500);
    expect(world.stats().dropped['no-socket']).toBe(7);
  });

  test('timeoutMs goes by the same clock', async () => {
    const world = network();
    const { transport } = world.addHost();
    const asked = world.runUntil(
      getMappedAddress('stun:192.0.2.9', { transport, timeoutMs: 2000 }),
    );
    await expect(asked).rejects.toMatchObject({ code: 'ERR_STUN_TIMEOUT' });
    expect(world.now).toBe(2000);
  });

  test('under fake timers of a test framework, as in life', async () => {
    const world = network({ clock: 'platform', latencyMs: 100 });
    const { urls } = await addStunServer(world);
    const { transport } = world.addHost({ nat: world.addNat() });
    jest.useFakeTimers();
    try {
      const start = performance.now();
      world.setConditions({ loss: 1 });
      const asked = getMappedAddress(urls[0], { transport });
      await jest.advanceTimersByTimeAsync(600);
      world.setConditions({ loss: 0 });
      await jest.advanceTimersByTimeAsync(1200);
      expect(await asked).toMatchObject({ requestsSent: 3, phases: { request: 1700 } });
      expect(performance.now() - start).toBe(1800);
    } finally {
      jest.useRealTimers();
    }
  });

  test('a client that stays open keeps the binding of its NAT', async () => {
    const world = network();
    const { urls } = await addStunServer(world);
    const nat = world.addNat({ mappingLifetimeMs: 30_000 });
    const { transport } = world.addHost({ nat });
    const client = await world.runUntil(openStunClient(urls[0], { transport }));
    const { port } = await world.runUntil(client.bind());
    for (let i = 0; i < 10; i += 1) {
      await world.advance(20_000);
      client.keepAlive();
    }
    expect((await world.runUntil(client.bind())).port).toBe(port);
    await world.advance(30_000);
    expect((await world.runUntil(client.bind())).port).not.toBe(port);
    await world.runUntil(client.close());
  });

  test('what cannot be', async () => {
    const world = network();
    const { transport } = world.addHost();
    for (const [url, code] of [
      ['stun:nobody.example.org', 'ERR_DNS'],
      ['stuns:192.0.2.1', 'ERR_TRANSPORT_UNSUPPORTED'],
      ['turn:192.0.2.1?transport=tcp', 'ERR_TRANSPORT_UNSUPPORTED'],
      ['stun:[2001:db8::1]', 'ERR_TRANSPORT_CONNECT'],
    ]) {
      await expect(world.runUntil(getMappedAddress(url, { transport }))).rejects.toMatchObject({
        code,
      });
    }
    const taken = world.addHost();
    taken.openUdp({ port: 4000 });
    const options = { transport: taken.transport, localPort: 4000 };
    await expect(world.runUntil(getMappedAddress('stun:192.0.2.1', options))).rejects.toMatchObject(
      {
        code: 'ERR_INVALID_ARGUMENT',
      },
    );
  });
});

describe('TURN', () => {
  test('a relay lives for hours behind a NAT that forgets, with a tenth of the packets lost', async () => {
    const all = await relayed({ mappingLifetimeMs: 30_000 }, { loss: 0.1, jitterMs: 10 });
    const { world, server, relay, peer } = all;
    const outside = await acquainted(all);
    await world.runUntil(relay.permit(outside.address));
    const inbox = inboxOf(peer);
    await world.advance(6 * HOUR_MS);
    expect(server.stats().allocations).toBe(1);
    /** @type {string[]} */
    const received = [];
    relay.onmessage = (data) => void received.push(new TextDecoder().decode(data));
    peer.onmessage = (bytes, from) => {
      inbox.push({ text: new TextDecoder().decode(bytes), from: `${from.address}:${from.port}` });
      peer.send(bytesOf('back'), from);
    };
    for (let i = 0; i < 20; i += 1) {
      peer.send(bytesOf('hole'), relay.relayedAddress);
      relay.send(bytesOf('there'), await acquainted(all));
      await world.run();
    }
    expect(inbox.length).toBeGreaterThan(10);
    const { address, port } = relay.relayedAddress;
    expect(inbox[0]).toEqual({ text: 'there', from: `${address}:${port}` });
    expect(received).toContain('back');
    await world.runUntil(relay.close());
    await world.runUntil(server.close());
  });

  test('given back, or left to run out', async () => {
    const { world, server, host, relay, client } = await relayed();
    expect(relay.phases).toMatchObject({ dns: 0, connect: 0, challenge: 20, allocate: 20 });
    /** @type {[string, number][]} */
    const ended = [];
    server.on('end', ({ username, durationMs }) => void ended.push([username, durationMs]));
    await world.advance(60_000);
    await world.runUntil(relay.close());
    expect(server.stats().allocations).toBe(0);
    const { transport } = client;
    const url = `turn:${host.addresses[0]}`;
    const lost = await world.runUntil(allocate({ urls: url, ...USER }, { transport }));
    client.close();
    expect((await world.runUntil(lost.closed)).reason).toBe('transport');
    await world.runUntil(() => server.stats().allocations === 0, { limitMs: HOUR_MS });
    // From its making to its end; RFC 8656 section 7.2: ten minutes.
    expect(ended).toEqual([
      ['alice', expect.closeTo(60_020, -2)],
      ['alice', expect.closeTo(600_000, -4)],
    ]);
  });

  test('a server that has gone shows by silence', async () => {
    const { world, host, relay } = await relayed();
    host.close();
    const { reason, error } = await world.runUntil(relay.closed, { limitMs: HOUR_MS });
    expect(reason).toBe('timeout');
    expect(error).toBeInstanceOf(PosternError);
  });

  test('time-limited credentials run out by the network’s clock', async () => {
    const world = network();
    const { urls, server } = await addTurnServer(world, { secret: 'north' });
    const { transport } = world.addHost();
    const made = await createCredentials({ secret: 'north', userId: 'alice', ttlSeconds: 3600 });
    const iceServer = { urls, username: made.username, credential: made.credential };
    const relay = await world.runUntil(allocate(iceServer, { transport }));
    await world.runUntil(relay.close());
    await world.advance(HOUR_MS + 2000);
    await expect(world.runUntil(allocate(iceServer, { transport }))).rejects.toMatchObject({
      errorCode: 401,
    });
    expect(server.stats().allocations).toBe(0);
  });

  test('a relay moves to another address of its host', async () => {
    const world = network();
    const { urls, server } = await addTurnServer(world, { credentials: CREDENTIALS });
    const host = world.addHost({ address: ['198.51.100.1', '198.51.100.2'] });
    const { transport } = host;
    const relay = await world.runUntil(allocate({ urls, ...USER }, { transport, mobility: true }));
    await world.runUntil(relay.move({ localAddress: '198.51.100.2' }));
    expect(server.allocations()).toMatchObject([{ client: { address: '198.51.100.2' } }]);
    const peer = world.addHost().openUdp();
    // RFC 8016 section 3.2.2: until it has sent something, what comes from peers goes to the old address.
    relay.send(bytesOf('x'), peer.localAddress);
    await world.run();
    peer.send(bytesOf('after the move'), relay.relayedAddress);
    const got = new Promise((resolve) => {
      relay.onmessage = (data) => resolve(new TextDecoder().decode(data));
    });
    expect(await world.runUntil(got)).toBe('after the move');
  });

  test('two hosts behind symmetric NATs exchange data over their relays', async () => {
    const world = network({ loss: 0.05 });
    const { urls } = await addTurnServer(world, { credentials: CREDENTIALS });
    const kind = { mapping: 'address-and-port-dependent', filtering: 'address-and-port-dependent' };
    const hosts = [1, 2].map(() => world.addHost({ nat: world.addNat(/** @type {any} */ (kind)) }));
    const [one, other] = await world.runUntil(
      Promise.all(hosts.map(({ transport }) => allocate({ urls, ...USER }, { transport }))),
    );
    await world.runUntil(
      Promise.all([
        one.permit(other.relayedAddress.address),
        other.permit(one.relayedAddress.address),
      ]),
    );
    const texts = new Set();
    other.onmessage = (data) => void texts.add(new TextDecoder().decode(data));
    for (let i = 0; i < 40; i += 1) one.send(bytesOf(`${i}`), other.relayedAddress);
    await world.run();
    expect(texts.size).toBeGreaterThan(25);
  });

  test('checkIceServers() with data through the relay', async () => {
    const world = network();
    const { urls } = await addTurnServer(world, { credentials: CREDENTIALS });
    const { transport } = world.addHost({ nat: world.addNat() });
    const [row] = await world.runUntil(
      checkIceServers([{ urls, ...USER }], /** @type {any} */ ({ transport })),
    );
    expect(row).toMatchObject({ ok: true });
  });

  test('a drain that takes too long ends by the network’s clock', async () => {
    const { world, server, relay } = await relayed();
    expect(await world.runUntil(server.drain({ timeoutMs: 90_000 }))).toBe(1);
    expect(world.now).toBeGreaterThanOrEqual(90_000);
    expect((await world.runUntil(relay.closed, { limitMs: HOUR_MS })).reason).not.toBe('closed');
  });

  test('ports that are taken are left alone', async () => {
    const world = network();
    const { host, urls } = await addTurnServer(world, {
      credentials: CREDENTIALS,
      relay: { ports: [50_000, 50_001] },
    });
    host.openUdp({ port: 50_000 });
    const { transport } = world.addHost();
    const relay = await world.runUntil(allocate({ urls, ...USER }, { transport }));
    expect(relay.relayedAddress.port).toBe(50_001);
    await expect(world.runUntil(allocate({ urls, ...USER }, { transport }))).rejects.toMatchObject({
      errorCode: 508,
    });
  });

  test.each(
    /** @type {[any, any, string][]} */ ([
      [undefined, {}, 'network'],
      [network(), undefined, 'options'],
      [network(), {}, 'options.credentials'],
      [network(), { credentials: CREDENTIALS, ports: [0] }, 'options.ports[0]'],
      [network(), { credentials: CREDENTIALS, addresses: ['x'] }, 'options.addresses[0]'],
      [network(), { credentials: CREDENTIALS, listen: 'udp://192.0.2.1:1' }, 'options.listen'],
      [network(), { credentials: CREDENTIALS, mirror: {} }, 'options.mirror'],
    ]),
  )('%#: wrong arguments', async (world, options, argument) => {
    await expect(addTurnServer(world, options)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      argument,
    });
  });

  test('in a browser there is none', async () => {
    const given = /** @type {any} */ ({});
    await expect(startServer(given, given, [], {})).rejects.toMatchObject({
      code: 'ERR_TRANSPORT_UNSUPPORTED',
    });
  });
});
