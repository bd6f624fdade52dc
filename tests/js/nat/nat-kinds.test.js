// discoverNat() behind every kind of NAT, in virtual time: what it finds is what was simulated, or unknown.
import { afterEach, describe, expect, test } from '@jest/globals';
import { discoverNat } from '../../../js/nat/discover-nat.js';
import { addStunServer, addTurnServer, createNetwork } from '../../../js/testing/index.js';
import { DEPENDENCES } from '../../../js/testing/nat-words.js';

/** @typedef {import('../../../js/nat/options.js').NatOptions} NatOptions */
/** @typedef {import('../../../js/testing/index.js').NatOptions} SimulatedNat */
/** @typedef {import('../../../js/testing/index.js').Network} Network */

const ADDRESSES = ['192.0.2.1', '192.0.2.2'];
const KINDS = DEPENDENCES.flatMap((mapping) =>
  DEPENDENCES.map((filtering) => ({ mapping, filtering })),
);

/** Of a mapping that depends on the destination, no other can be asked to answer to it. @param {typeof KINDS[number]} kind */
const isProven = ({ mapping, filtering }) => [mapping, filtering].includes('endpoint-independent');

/** @type {Network[]} */
const networks = [];
afterEach(async () => {
  for (const network of networks.splice(0)) await network.close();
});

/** @param {import('../../../js/testing/index.js').NetworkOptions} [options] */
async function worldWith(options) {
  const network = createNetwork(options);
  networks.push(network);
  const server = await addStunServer(network, { addresses: ADDRESSES });
  return { network, server, url: server.urls[0] };
}

/** @param {Network} network @param {string} url @param {import('../../../js/testing/index.js').Nat} [nat] @param {NatOptions} [options] */
function discover(network, url, nat, options = {}) {
  const host = network.addHost({ nat });
  return network.runUntil(discoverNat(url, options, host.transport), { limitMs: 7_200_000 });
}

describe.each(KINDS)('$mapping mapping, $filtering filtering', (kind) => {
  test('is found', async () => {
    const { network, url } = await worldWith();
    const nat = network.addNat(kind);
    const result = await discover(network, url, nat);
    expect(result).toMatchObject({
      behindNat: true,
      mapping: { behaviour: kind.mapping },
      filtering: { behaviour: kind.filtering, serverProven: isProven(kind) },
      portPreservation: { behaviour: 'changed' },
      fragments: { outgoing: { behaviour: 'pass' }, incoming: { behaviour: 'pass' } },
    });
    expect(result.publicAddress?.address).toBe(nat.addresses[0]);
    expect(network.stats().dropped.filtered > 0).toBe(kind.filtering !== 'endpoint-independent');
  });

  test.each([
    [0.1, 6],
    [0.2, 1],
  ])('with %d of the packets lost it is found, or unknown', async (loss, atLeast) => {
    let known = 0;
    for (let seed = 1; seed <= 8; seed += 1) {
      const { network, url } = await worldWith({ seed, loss, duplication: 0.1, jitterMs: 60 });
      const { mapping, filtering } = await discover(network, url, network.addNat(kind));
      expect([kind.mapping, 'unknown']).toContain(mapping.behaviour);
      expect([kind.filtering, 'unknown']).toContain(filtering.behaviour);
      if (mapping.behaviour !== 'unknown' && filtering.behaviour !== 'unknown') known += 1;
    }
    expect(known).toBeGreaterThanOrEqual(atLeast);
  });

  test('our own server tells the same', async () => {
    const { network } = await worldWith();
    const { urls } = await addTurnServer(network, {
      addresses: ['198.51.100.1', '198.51.100.2'],
      ports: [3478, 3479],
      relay: false,
    });
    const stun = urls[0].replace(/^turn:/, 'stun:').replace(/\?.*/, '');
    expect(await discover(network, stun, network.addNat(kind))).toMatchObject({
      mapping: { behaviour: kind.mapping },
      filtering: { behaviour: kind.filtering, serverProven: isProven(kind) },
    });
  });
});

describe('what else NATs do', () => {
  test.each([
    [true, 'supported'],
    [false, 'not-supported'],
  ])('hairpinning: %s', async (hairpinning, behaviour) => {
    const { network, url } = await worldWith();
    const { hairpinning: found } = await discover(network, url, network.addNat({ hairpinning }));
    expect(found.behaviour).toBe(behaviour);
    expect(network.stats().dropped.hairpinning > 0).toBe(!hairpinning);
  });

  test('ports that are preserved', async () => {
    const { network, url } = await worldWith();
    const nat = network.addNat({ portAssignment: 'preserving' });
    const result = await discover(network, url, nat);
    expect(result).toMatchObject({
      behindNat: true,
      portPreservation: { behaviour: 'preserved' },
    });
  });

  test('fragments that are dropped', async () => {
    const { network, url } = await worldWith();
    const { fragments } = await discover(network, url, network.addNat({ fragments: 'drop' }));
    expect(fragments.outgoing.behaviour).toBe('blocked');
    expect(fragments.incoming).toMatchObject({
      behaviour: 'unknown',
      reason: 'request-fragments-blocked',
    });
  });

  test.each([20_000, 65_000, 180_000])('mappings that live for %i ms', async (lifetime) => {
    const { network, url } = await worldWith();
    const nat = network.addNat({ mappingLifetimeMs: lifetime });
    const { mappingLifetime } = await discover(network, url, nat, {
      confirm: false,
      lifetime: { longestMs: 300_000 },
    });
    expect(mappingLifetime.behaviour).toBe('measured');
    expect(mappingLifetime.atLeastMs).toBeLessThanOrEqual(lifetime);
    expect(mappingLifetime.atMostMs).toBeGreaterThanOrEqual(lifetime);
    expect(Number(mappingLifetime.atMostMs) / Number(mappingLifetime.atLeastMs)).toBeLessThan(2);
    // It has waited, but nobody has.
    expect(network.now).toBeGreaterThan(2 * lifetime);
  });
});

describe('what stands between', () => {
  test.each(
    /** @type {const} */ ([
      ['address-dependent', 'endpoint-independent', 'address-dependent'],
      ['endpoint-independent', 'address-and-port-dependent', 'address-and-port-dependent'],
      ['address-and-port-dependent', 'address-dependent', 'address-and-port-dependent'],
    ]),
  )('two NATs in a row, %s and %s, look like the stricter one', async (inner, outer, found) => {
    const { network, url } = await worldWith();
    const carrier = network.addNat({ mapping: outer, filtering: outer });
    const home = network.addNat({ mapping: inner, filtering: inner, behind: carrier });
    const result = await discover(network, url, home);
    expect(result).toMatchObject({
      behindNat: true,
      mapping: { behaviour: found },
      filtering: { behaviour: found },
    });
    expect(result.publicAddress?.address).toBe(carrier.addresses[0]);
  });

  test('nothing: the open Internet', async () => {
    const { network, url } = await worldWith();
    expect(await discover(network, url)).toMatchObject({
      behindNat: false,
      filtering: { behaviour: 'endpoint-independent' },
      classicName: 'open Internet',
    });
  });

  test('a firewall', async () => {
    const { network, url } = await worldWith();
    expect(await discover(network, url, network.addFirewall())).toMatchObject({
      behindNat: false,
      filtering: { behaviour: 'address-and-port-dependent' },
      classicName: 'symmetric UDP firewall',
    });
  });

  test('one that lets no UDP through', async () => {
    const { network, url } = await worldWith();
    const nat = network.addNat({ blocks: 'udp' });
    await expect(discover(network, url, nat)).rejects.toMatchObject({ code: 'ERR_STUN_TIMEOUT' });
    expect(network.now).toBeGreaterThanOrEqual(39_000);
    expect(network.stats()).toMatchObject({ delivered: 0 });
  });

  test('a server with one address: unknown, because of that', async () => {
    const { network } = await worldWith();
    const { urls } = await addStunServer(network);
    expect(await discover(network, urls[0], network.addNat())).toMatchObject({
      filtering: { behaviour: 'unknown', reason: 'no-other-address' },
    });
  });
});
