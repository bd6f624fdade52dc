// Whatever is sent by whomever: what a NAT lets in its filter allows, by a judge of its own that reads nothing but the log.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  DEPENDENCES,
  POOLINGS,
  PORT_ASSIGNMENTS,
  REFRESHES,
} from '../../../js/testing/nat-words.js';
import { network } from './support.js';

/** @typedef {import('../../../js/testing/index.js').Packet} Packet */
/** @typedef {import('../../../js/testing/nat-words.js').Dependence} Dependence */
/** @typedef {import('../../../js/testing/nat-words.js').Place} Place */

const LIFETIME_MS = 1000;

/** @param {Dependence} dependence @param {Place} place */
const partOf = (dependence, { address, port }) =>
  dependence === 'endpoint-independent'
    ? ''
    : dependence === 'address-dependent'
      ? address
      : `${address} ${port}`;

const kinds = fc.record({
  mapping: fc.constantFrom(...DEPENDENCES),
  filtering: fc.constantFrom(...DEPENDENCES),
  hairpinning: fc.boolean(),
  portAssignment: fc.constantFrom(...PORT_ASSIGNMENTS),
  portParity: fc.boolean(),
  pooling: fc.constantFrom(...POOLINGS),
  refresh: fc.constantFrom(...REFRESHES),
});
/** Who sends, to whom: others by number, or where the NAT was seen to send from. */
const moves = fc.array(
  fc.record({
    from: fc.nat({ max: 6 }),
    to: fc.nat({ max: 20 }),
    waitMs: fc.constantFrom(0, 1, 30, 400, 1100),
  }),
  { minLength: 5, maxLength: 60 },
);
const conditions = fc.record({
  seed: fc.integer(),
  loss: fc.constantFrom(0, 0.2),
  duplication: fc.constantFrom(0, 0.3),
  jitterMs: fc.constantFrom(0, 50),
});

/**
 * @typedef {object} Crossing
 * @property {number} at
 * @property {'out' | 'in'} way
 * @property {Place} inside
 * @property {Place} outside
 * @property {Place} remote
 */

/** What went through the NAT, in the order in which it did. @param {Packet[]} packets @returns {Crossing[]} */
function crossingsOf(packets) {
  /** @type {Crossing[]} */
  const crossings = [];
  for (const { sentAt, endedAt = 0, source, destination, hops, copyOf } of packets) {
    const [first, second] = hops;
    if (first === undefined) continue;
    const isOut = first.destination === destination || second !== undefined;
    if (isOut && copyOf === undefined) {
      crossings.push({
        at: sentAt,
        way: 'out',
        inside: source,
        outside: first.source,
        remote: destination,
      });
    }
    const into = isOut ? second : first;
    if (into !== undefined) {
      crossings.push({
        at: endedAt,
        way: 'in',
        inside: into.destination,
        outside: destination,
        remote: into.source,
      });
    }
  }
  return crossings;
}

test('what comes in was sent for, not too long ago; one mapping has one inside', async () => {
  let letIn = 0;
  let keptOut = 0;
  await fc.assert(
    fc.asyncProperty(kinds, conditions, moves, async (kind, options, steps) => {
      const world = network({ ...options, latencyMs: 5 });
      const nat = world.addNat({ ...kind, mappingLifetimeMs: LIFETIME_MS, ports: [1024, 1100] });
      const inside = [0, 1].map((i) => world.addHost({ address: `10.0.0.${2 + i}`, nat }));
      const outside = [0, 1].map((i) => world.addHost({ address: `192.0.2.${1 + i}` }));
      const sockets = [
        ...inside.flatMap((host) => [host.openUdp({ port: 1050 }), host.openUdp()]),
        ...outside.flatMap((host) => [host.openUdp({ port: 1050 }), host.openUdp({ port: 2000 })]),
      ];
      for (const { from, to, waitMs } of steps) {
        const seen = world.packets.flatMap(({ hops }) => hops.map(({ source }) => source));
        const own = seen.filter(({ address }) => nat.addresses.includes(address));
        const target = sockets[to]?.localAddress ?? own[to % Math.max(1, own.length)];
        if (target !== undefined) sockets[from].send(new Uint8Array(4), target);
        await world.advance(waitMs);
      }
      await world.run();

      const crossings = crossingsOf(world.packets);
      for (const { at, way, inside: to, outside: place, remote } of crossings) {
        if (way === 'out') continue;
        letIn += 1;
        const before = crossings.filter((one) => one.at <= at && one.inside.address === to.address);
        const ofSocket = before.filter((one) => one.inside.port === to.port);
        const part = partOf(kind.filtering, remote);
        // Allowed: the same socket has sent to what the filter looks at, through a mapping of that outer place.
        const sent = ofSocket.filter((one) => one.way === 'out');
        expect(sent.some((one) => partOf(kind.filtering, one.remote) === part)).toBe(true);
        expect(
          sent.some(({ outside: own }) => own.port === place.port && own.address === place.address),
        ).toBe(true);
        // In time: without refreshing from outside, the last of these is no older than a mapping may be.
        if (kind.refresh === 'outbound') {
          const last = Math.max(
            ...sent
              .filter((one) => partOf(kind.filtering, one.remote) === part)
              .map((one) => one.at),
          );
          expect(at - last).toBeLessThan(LIFETIME_MS);
        }
      }
      keptOut += world.stats().dropped.filtered + world.stats().dropped['no-mapping'];

      const alive = nat.mappings();
      const outer = alive.map((one) => `${one.outside.address} ${one.outside.port}`);
      if (kind.portAssignment !== 'overloading') expect(new Set(outer).size).toBe(outer.length);
      const keys = alive.map(
        (one) => `${one.inside.address} ${one.inside.port} ${partOf(kind.mapping, one.remote)}`,
      );
      expect(new Set(keys).size).toBe(keys.length);
      if (kind.portParity && kind.portAssignment !== 'overloading') {
        for (const one of alive) expect((one.outside.port ^ one.inside.port) & 1).toBe(0);
      }
      if (!kind.hairpinning) {
        for (const { hops } of world.packets) expect(hops.length).toBeLessThan(2);
      }
    }),
    { numRuns: 300 },
  );
  // It was no question of nothing.
  expect(letIn).toBeGreaterThan(100);
  expect(keptOut).toBeGreaterThan(100);
});

test('the numbers agree with each other, and with the log', async () => {
  await fc.assert(
    fc.asyncProperty(kinds, conditions, moves, async (kind, options, steps) => {
      const world = network(options);
      const nat = world.addNat(kind);
      const sockets = [
        world.addHost({ nat }).openUdp(),
        world.addHost({ nat }).openUdp(),
        world.addHost().openUdp(),
        world.addHost().openUdp(),
      ];
      let received = 0;
      for (const socket of sockets) {
        socket.onmessage = () => {
          received += 1;
        };
      }
      for (const { from, to, waitMs } of steps) {
        sockets[from % 4].send(new Uint8Array(1), sockets[to % 4].localAddress);
        await world.advance(waitMs);
      }
      await world.run();
      const { sent, duplicated, delivered, underWay, dropped } = world.stats();
      const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
      expect([sent, underWay, received]).toEqual([steps.length, 0, delivered]);
      expect(delivered + lost).toBe(sent + duplicated);
      expect(world.packets).toHaveLength(sent + duplicated);
      const outcomes = world.packets.map(({ outcome, because }) => because ?? outcome);
      expect(outcomes.filter((one) => one === 'delivered')).toHaveLength(delivered);
      for (const [because, count] of Object.entries(dropped)) {
        expect(outcomes.filter((one) => one === because)).toHaveLength(count);
      }
    }),
  );
});
