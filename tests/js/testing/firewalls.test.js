// NATs in a row, firewalls, and what they block.
import { describe, expect, test } from '@jest/globals';
import { behindNat, bytesOf, inboxOf, network, seenAs } from './support.js';

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

describe('holes', () => {
  /** Two behind NATs who have told each other how a third sees them. @param {import('./support.js').NatOptions} kind */
  async function meet(kind, delayMs = 0) {
    const world = network();
    const third = world.addHost().openUdp();
    const sides = [];
    for (let i = 0; i < 2; i += 1) {
      const socket = world.addHost({ nat: world.addNat(kind) }).openUdp();
      const seen = /** @type {any} */ (await seenAs(world, socket, third));
      sides.push({ socket, seen, inbox: inboxOf(socket) });
    }
    const [one, other] = sides;
    one.socket.send(bytesOf('one'), other.seen);
    await world.advance(delayMs);
    other.socket.send(bytesOf('other'), one.seen);
    await world.run();
    return [one.inbox.length, other.inbox.length];
  }

  test('two who send at the same time let each other in', async () => {
    expect(await meet({})).toEqual([1, 1]);
  });

  test('who sends first knocks in vain, and lets the other in', async () => {
    expect(await meet({}, 50)).toEqual([1, 0]);
  });

  test('where each destination sees another port, they never meet', async () => {
    expect(await meet({ mapping: 'address-and-port-dependent' })).toEqual([0, 0]);
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
