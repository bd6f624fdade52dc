// Which ports and addresses NATs give (RFC 4787 sections 4.1 and 4.2).
import { describe, expect, test } from '@jest/globals';
import { behindNat, bytesOf, network, seenAs } from './support.js';

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
