// The NATs of postern/testing are what RFC 4787 calls them.
import { describe, expect, test } from '@jest/globals';
import { DEPENDENCES } from '../../../js/testing/nat-words.js';
import { behindNat, bytesOf, inboxOf, seenAs } from './support.js';

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
