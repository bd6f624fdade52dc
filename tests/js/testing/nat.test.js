// The NATs of postern/testing are what RFC 4787 calls them.
import { describe, expect, test } from '@jest/globals';
import { DEPENDENCES } from '../../../js/testing/nat-words.js';
import { behindNat, bytesOf, inboxOf, network, seenAs } from './support.js';

/** @typedef {import('../../../js/testing/nat-words.js').Dependence} Dependence */

/** How many different places are seen where the first two share nothing, a port's host, or all. @type {Record<Dependence, [boolean, boolean]>} */
const SAME = {
  'endpoint-independent': [true, true],
  'address-dependent': [true, false],
  'address-and-port-dependent': [false, false],
};

describe.each(DEPENDENCES)('%s', (kind) => {
  test('mapping (section 4.1)', async () => {
    const { world, socket, places } = behindNat({ mapping: kind });
    const [first, otherPort, otherAddress, again] = [
      await seenAs(world, socket, places.first),
      await seenAs(world, socket, places.otherPort),
      await seenAs(world, socket, places.otherAddress),
      await seenAs(world, socket, places.first),
    ];
    expect(first?.address).toBe('203.0.113.1');
    expect(again).toEqual(first);
    expect([first?.port === otherPort?.port, first?.port === otherAddress?.port]).toEqual(
      SAME[kind],
    );
  });

  test('filtering (section 5)', async () => {
    const { world, socket, places } = behindNat({ filtering: kind });
    const outside = /** @type {any} */ (await seenAs(world, socket, places.first));
    const inbox = inboxOf(socket);
    for (const [name, place] of Object.entries(places)) place.send(bytesOf(name), outside);
    await world.run();
    const passes = {
      'endpoint-independent': ['first', 'otherPort', 'otherAddress'],
      'address-dependent': ['first', 'otherPort'],
      'address-and-port-dependent': ['first'],
    };
    expect(inbox.map(({ text }) => text)).toEqual(passes[kind]);
    expect(world.stats().dropped.filtered).toBe(3 - passes[kind].length);
  });

  test('filtering of one socket is opened by no other', async () => {
    const { world, inside, socket, places } = behindNat({ filtering: kind });
    const outside = /** @type {any} */ (await seenAs(world, socket, places.first));
    const neighbour = inside.openUdp();
    await seenAs(world, neighbour, places.otherAddress);
    const inbox = inboxOf(socket);
    places.otherAddress.send(bytesOf('x'), outside);
    await world.run();
    expect(inbox).toHaveLength(kind === 'endpoint-independent' ? 1 : 0);
  });
});

test('what a filter lets in depends on the socket inside, not on which of its mappings it comes to', async () => {
  const { world, socket, places } = behindNat({
    mapping: 'address-and-port-dependent',
    filtering: 'address-dependent',
  });
  const first = /** @type {any} */ (await seenAs(world, socket, places.first));
  await seenAs(world, socket, places.otherAddress);
  const inbox = inboxOf(socket);
  places.otherAddress.send(bytesOf('to the mapping of another'), first);
  await world.run();
  expect(inbox).toHaveLength(1);
});

test('nobody outside comes in before somebody inside has gone out', async () => {
  const { world, nat, places } = behindNat({ filtering: 'endpoint-independent' });
  expect(nat.mappings()).toEqual([]);
  places.first.send(bytesOf('hello?'), { address: '203.0.113.1', port: 5000 });
  await world.run();
  expect(world.packets[0]).toMatchObject({
    outcome: 'dropped',
    endedBy: nat.name,
    because: 'no-mapping',
  });
});

describe('hairpinning (section 6)', () => {
  /** @param {boolean} hairpinning @param {Dependence} filtering */
  async function twoBehind(hairpinning, filtering) {
    const { world, nat, socket, places } = behindNat({ hairpinning, filtering });
    const neighbour = world.addHost({ address: '10.0.0.3', nat }).openUdp({ port: 6000 });
    const [own, other] = [
      await seenAs(world, socket, places.first),
      await seenAs(world, neighbour, places.first),
    ];
    const inbox = inboxOf(neighbour);
    socket.send(bytesOf('over the NAT'), /** @type {any} */ (other));
    await world.run();
    return { world, inbox, own, socket, neighbour, other };
  }

  test('where it is supported, the sender is seen as from outside', async () => {
    const { inbox, own } = await twoBehind(true, 'endpoint-independent');
    expect(inbox).toEqual([{ text: 'over the NAT', from: `${own?.address}:${own?.port}` }]);
  });

  test('the filter holds there too, and is opened in the same way', async () => {
    const { world, inbox, own, socket, neighbour, other } = await twoBehind(
      true,
      'address-and-port-dependent',
    );
    expect(inbox).toEqual([]);
    neighbour.send(bytesOf('open'), /** @type {any} */ (own));
    socket.send(bytesOf('now'), /** @type {any} */ (other));
    await world.run();
    expect(inbox.map(({ text }) => text)).toEqual(['now']);
  });

  test('where it is not, it is dropped, and the log says by whom', async () => {
    const { world, inbox } = await twoBehind(false, 'endpoint-independent');
    expect(inbox).toEqual([]);
    expect(world.packets.at(-1)).toMatchObject({ because: 'hairpinning', endedBy: 'NAT 1' });
  });
});

describe('the lifetime of a mapping (section 4.3)', () => {
  /** @param {'outbound' | 'inbound' | 'both'} refresh @param {'out' | 'in' | 'none'} traffic */
  async function isAliveAfter(
    refresh,
    traffic,
    filtering = /** @type {Dependence} */ ('address-and-port-dependent'),
  ) {
    const { world, nat, socket, places } = behindNat({
      mappingLifetimeMs: 10_000,
      refresh,
      filtering,
    });
    const outside = /** @type {any} */ (await seenAs(world, socket, places.first));
    for (let i = 0; i < 4; i += 1) {
      await world.advance(4000);
      if (traffic === 'out') socket.send(bytesOf('x'), places.first.localAddress);
      if (traffic === 'in') places.first.send(bytesOf('x'), outside);
      await world.run();
    }
    await world.advance(5000);
    const inbox = inboxOf(socket);
    places.first.send(bytesOf('still there?'), outside);
    await world.run();
    const isThere = nat.mappings().some((mapping) => mapping.outside.port === outside.port);
    expect(isThere).toBe(inbox.length === 1);
    return inbox.length === 1;
  }

  test.each(
    /** @type {const} */ ([
      ['outbound', 'out', true],
      ['outbound', 'in', false],
      ['outbound', 'none', false],
      ['inbound', 'in', true],
      ['inbound', 'out', false],
      ['both', 'in', true],
      ['both', 'out', true],
    ]),
  )('refreshed by %s, with packets %s: %s', async (refresh, traffic, isAlive) => {
    expect(await isAliveAfter(refresh, traffic)).toBe(isAlive);
    expect(await isAliveAfter(refresh, traffic, 'endpoint-independent')).toBe(isAlive);
  });

  test('it ends at its time, to the millisecond', async () => {
    const { world, socket, places } = behindNat({ mappingLifetimeMs: 10_000 }, { latencyMs: 0 });
    const outside = /** @type {any} */ (await seenAs(world, socket, places.first));
    const inbox = inboxOf(socket);
    await world.advance(9999);
    places.first.send(bytesOf('before'), outside);
    await world.advance(1);
    places.first.send(bytesOf('after'), outside);
    await world.run();
    expect(inbox.map(({ text }) => text)).toEqual(['before']);
  });

  test('a mapping that is kept for one lets others in no longer than they were written to', async () => {
    const { world, nat, socket, places } = behindNat({ mappingLifetimeMs: 10_000 });
    const outside = /** @type {any} */ (await seenAs(world, socket, places.first));
    for (let i = 0; i < 3; i += 1) {
      await world.advance(4000);
      await seenAs(world, socket, places.otherAddress);
    }
    expect(nat.mappings()).toHaveLength(1);
    const inbox = inboxOf(socket);
    places.first.send(bytesOf('first'), outside);
    places.otherAddress.send(bytesOf('otherAddress'), outside);
    await world.run();
    expect(inbox.map(({ text }) => text)).toEqual(['otherAddress']);
  });

  test('another takes its place, and old permissions go with it', async () => {
    const { world, socket, places } = behindNat({
      mappingLifetimeMs: 10_000,
      filtering: 'address-dependent',
    });
    const before = await seenAs(world, socket, places.first);
    await world.advance(10_000);
    const after = /** @type {any} */ (await seenAs(world, socket, places.otherAddress));
    expect(after.port).not.toBe(before?.port);
    const inbox = inboxOf(socket);
    places.first.send(bytesOf('x'), after);
    await world.run();
    expect(inbox).toEqual([]);
  });

  test('a NAT that has been restarted knows nothing', async () => {
    const { world, nat, socket, places } = behindNat({ filtering: 'endpoint-independent' });
    const outside = /** @type {any} */ (await seenAs(world, socket, places.first));
    nat.forget();
    places.first.send(bytesOf('x'), outside);
    await world.run();
    expect(world.stats().dropped['no-mapping']).toBe(1);
  });
});

describe('ports (section 4.2)', () => {
  /** Outer ports of sockets that have these. @param {import('./support.js').NatOptions} kind @param {number[]} ports */
  async function outerPorts(kind, ports) {
    const { world, nat, places } = behindNat({ ...kind });
    const found = [];
    for (const [i, port] of ports.entries()) {
      const host = world.addHost({ address: `10.0.0.${10 + i}`, nat });
      found.push((await seenAs(world, host.openUdp({ port }), places.first))?.port);
    }
    return { found, world, nat, places };
  }

  test('preserving: where it is free', async () => {
    const { found } = await outerPorts({ portAssignment: 'preserving' }, [7000, 7000, 7001]);
    expect(found).toEqual([7000, expect.any(Number), 7001]);
    expect(found[1]).not.toBe(7000);
  });

  test('overloading: always, and who sent last to somebody gets the answer', async () => {
    const { found, world, nat, places } = await outerPorts(
      { portAssignment: 'overloading' },
      [7000, 7000],
    );
    expect(found).toEqual([7000, 7000]);
    expect(nat.mappings().map(({ inside }) => inside.address)).toEqual(['10.0.0.10', '10.0.0.11']);
    const far = world.addHost().openUdp({ port: 4444 });
    far.send(bytesOf('filtered'), { address: '203.0.113.1', port: 7000 });
    await world.run();
    expect(world.packets.at(-1)?.because).toBe('filtered');
    places.first.send(bytesOf('answer'), { address: '203.0.113.1', port: 7000 });
    await world.run();
    expect(world.packets.at(-1)?.hops[0].destination).toEqual({ address: '10.0.0.11', port: 7000 });
  });

  test('sequential', async () => {
    const { found } = await outerPorts(
      { portAssignment: 'sequential', ports: [3000, 3002] },
      [1, 2, 3],
    );
    expect(found).toEqual([3000, 3001, 3002]);
  });

  test('random, within the range, and none twice', async () => {
    const { found } = await outerPorts({ ports: [3000, 3009] }, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(new Set(found).size).toBe(10);
    expect(found.every((port) => port !== undefined && port >= 3000 && port <= 3009)).toBe(true);
    expect(found).not.toEqual([...found].sort());
  });

  test('when none is left, packets are dropped, until one is free again', async () => {
    const { found, world, nat } = await outerPorts(
      { ports: [3000, 3001], mappingLifetimeMs: 60_000 },
      [1, 2, 3],
    );
    expect(found[2]).toBe(undefined);
    expect(world.stats().dropped['no-port']).toBe(1);
    await world.advance(60_000);
    const late = world.addHost({ address: '10.0.0.99', nat }).openUdp();
    late.send(bytesOf('x'), { address: '192.0.2.1', port: 1111 });
    await world.run();
    expect(world.packets.at(-1)?.outcome).toBe('delivered');
  });

  test('parity', async () => {
    const ports = Array.from({ length: 40 }, (_, i) => 5000 + i);
    const { found } = await outerPorts({ portParity: true }, ports);
    expect(found.map((port) => Number(port) % 2)).toEqual(ports.map((port) => port % 2));
    const { found: others } = await outerPorts({}, ports);
    expect(others.map((port) => Number(port) % 2)).not.toEqual(ports.map((port) => port % 2));
  });
});

describe('several outer addresses (section 4.1)', () => {
  const addresses = ['203.0.113.1', '203.0.113.2', '203.0.113.3'];

  /** The addresses as which each of ten hosts is seen with ten sockets. @param {'paired' | 'arbitrary'} pooling */
  async function addressesSeen(pooling) {
    const { world, nat, places } = behindNat({ addresses, pooling });
    const seen = [];
    for (let i = 0; i < 10; i += 1) {
      const host = world.addHost({ address: `10.0.1.${i}`, nat });
      const own = new Set();
      for (let j = 0; j < 10; j += 1) {
        own.add((await seenAs(world, host.openUdp(), places.first))?.address);
      }
      seen.push(own);
    }
    return seen;
  }

  test('paired: a host has always the same, and not all hosts the same', async () => {
    const seen = await addressesSeen('paired');
    expect(seen.map(({ size }) => size)).toEqual(Array(10).fill(1));
    expect(new Set(seen.flatMap((own) => [...own])).size).toBe(3);
  });

  test('arbitrary: each socket has any', async () => {
    const seen = await addressesSeen('arbitrary');
    expect(seen.every(({ size }) => size > 1)).toBe(true);
  });

  test('of each family its own', async () => {
    const world = network();
    const nat = world.addNat({ addresses: ['203.0.113.1', '2001:db8:1::1'] });
    const host = world.addHost({ address: ['10.0.0.2', 'fd00::2'], nat });
    const far = world.addHost({ address: ['192.0.2.1', '2001:db8::1'] });
    for (const [own, there, seen] of [
      ['10.0.0.2', '192.0.2.1', '203.0.113.1'],
      ['fd00::2', '2001:db8::1', '2001:db8:1::1'],
    ]) {
      const socket = host.openUdp({ address: own });
      expect((await seenAs(world, socket, far.openUdp({ address: there })))?.address).toBe(seen);
    }
    const onlyOld = world.addNat({ addresses: ['203.0.113.9'] });
    const late = world.addHost({ address: 'fd00::3', nat: onlyOld }).openUdp();
    late.send(bytesOf('x'), { address: '2001:db8::1', port: 1 });
    await world.run();
    expect(world.stats().dropped['no-address']).toBe(1);
  });
});

describe('NATs in a row', () => {
  test('each translates, and both have to let in', async () => {
    const world = network();
    const carrier = world.addNat({ name: 'carrier', filtering: 'address-dependent' });
    const home = world.addNat({ name: 'home', behind: carrier, filtering: 'endpoint-independent' });
    const socket = world.addHost({ nat: home }).openUdp();
    const [friend, stranger] = [world.addHost().openUdp(), world.addHost().openUdp()];
    const outside = /** @type {any} */ (await seenAs(world, socket, friend));
    expect(outside.address).toBe(carrier.addresses[0]);
    expect(world.packets[0].hops.map(({ name, source }) => [name, source.address])).toEqual([
      ['home', home.addresses[0]],
      ['carrier', carrier.addresses[0]],
    ]);
    const inbox = inboxOf(socket);
    friend.send(bytesOf('friend'), outside);
    stranger.send(bytesOf('stranger'), outside);
    await world.run();
    expect(inbox.map(({ text }) => text)).toEqual(['friend']);
    expect(world.packets.at(-1)).toMatchObject({ endedBy: 'carrier', because: 'filtered' });
  });

  test('neighbours behind one carrier meet by its hairpinning, or inside it', async () => {
    const world = network();
    const carrier = world.addNat({ hairpinning: true, filtering: 'endpoint-independent' });
    const homes = [1, 2].map(() =>
      world.addNat({ behind: carrier, filtering: 'endpoint-independent' }),
    );
    const [one, other] = homes.map((nat) =>
      world.addHost({ nat, address: '192.168.1.2' }).openUdp(),
    );
    const far = world.addHost().openUdp();
    await seenAs(world, one, far);
    const outside = /** @type {any} */ (await seenAs(world, other, far));
    const inbox = inboxOf(other);
    one.send(bytesOf('round the corner'), outside);
    // As the carrier sees the other home.
    one.send(bytesOf('straight'), homes[1].mappings()[0].outside);
    await world.run();
    expect(inbox.map(({ text }) => text).sort()).toEqual(['round the corner', 'straight']);
  });
});

describe('firewalls', () => {
  test('leave addresses as they are, and let in what answers', async () => {
    const world = network();
    const firewall = world.addFirewall({ name: 'office' });
    const host = world.addHost({ address: '203.0.113.50', nat: firewall });
    const socket = host.openUdp({ port: 5000 });
    const [friend, stranger] = [world.addHost().openUdp(), world.addHost().openUdp()];
    stranger.send(bytesOf('early'), socket.localAddress);
    await world.run();
    expect(world.packets[0]).toMatchObject({ because: 'no-mapping', endedBy: 'office' });
    expect(await seenAs(world, socket, friend)).toEqual({ address: '203.0.113.50', port: 5000 });
    const inbox = inboxOf(socket);
    friend.send(bytesOf('friend'), socket.localAddress);
    stranger.send(bytesOf('stranger'), socket.localAddress);
    await world.run();
    expect(inbox.map(({ text }) => text)).toEqual(['friend']);
  });

  test('behind a NAT', async () => {
    const world = network();
    const nat = world.addNat({ filtering: 'endpoint-independent' });
    const firewall = world.addFirewall({ behind: nat });
    const socket = world.addHost({ nat: firewall }).openUdp();
    const [friend, stranger] = [world.addHost().openUdp(), world.addHost().openUdp()];
    const outside = /** @type {any} */ (await seenAs(world, socket, friend));
    expect(outside.address).toBe(nat.addresses[0]);
    stranger.send(bytesOf('x'), outside);
    await world.run();
    expect(world.packets.at(-1)).toMatchObject({ because: 'filtered', endedBy: firewall.name });
  });

  const STUN_COOKIE = [0x21, 0x12, 0xa4, 0x42];
  test.each(
    /** @type {[string, import('../../../js/testing/index.js').Blocks, string[]][]} */ ([
      ['everything', 'udp', []],
      ['a port', [{ port: 1111 }], ['otherPort']],
      ['ports', [{ port: [1000, 2000] }], ['otherPort']],
      ['an address', [{ address: '192.0.2.1' }], ['otherAddress']],
      [
        'an address and a port',
        [{ address: '192.0.2.1', port: 1111 }],
        ['otherPort', 'otherAddress'],
      ],
      ['inbound only', [{ direction: 'in' }], ['first', 'otherPort', 'otherAddress']],
      ['all but a port', ({ remote }) => remote.port !== 2222, ['otherPort']],
      [
        'what looks like STUN',
        ({ bytes }) => STUN_COOKIE.every((byte, i) => bytes[4 + i] === byte),
        ['first', 'otherPort', 'otherAddress'],
      ],
    ]),
  )('block %s', async (_name, blocks, expected) => {
    const { world, nat, socket, places } = behindNat();
    nat.setBlocks(blocks);
    const passed = [];
    for (const [name, place] of Object.entries(places)) {
      if ((await seenAs(world, socket, place)) !== undefined) passed.push(name);
    }
    expect(passed).toEqual(expected);
    expect(world.stats().dropped.blocked).toBe(3 - expected.length);
  });

  test('block inwards, too', async () => {
    const { world, socket, places } = behindNat({ blocks: [{ direction: 'in', port: 1111 }] });
    const outside = /** @type {any} */ (await seenAs(world, socket, places.first));
    await seenAs(world, socket, places.otherPort);
    const inbox = inboxOf(socket);
    places.first.send(bytesOf('first'), outside);
    places.otherPort.send(bytesOf('otherPort'), outside);
    await world.run();
    expect(inbox.map(({ text }) => text)).toEqual(['otherPort']);
  });

  test('drop fragments', async () => {
    const { world, socket, places } = behindNat({ fragments: 'drop' });
    const inbox = inboxOf(places.first);
    for (const length of [1472, 1473])
      socket.send(new Uint8Array(length), places.first.localAddress);
    await world.run();
    expect(inbox).toHaveLength(1);
    expect(world.stats().dropped.fragment).toBe(1);
  });
});
