// What else a mirror tells, on a virtual clock: several interfaces, errors, one address, ports, lifetimes, hairpins.
import { describe, expect, test } from '@jest/globals';
import { isTestable } from '../../../js/diagnose/untestable-ports.js';
import { Page, World } from './simulator.js';

const CHROMIUM = 'Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0.0.0 Safari/537.36';
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0';

describe('mapping and filtering', () => {
  test('two interfaces are told apart by their priorities', async () => {
    const world = new World();
    const priorities = [1_845_501_439, 1_845_501_695];
    const page = new Page(world, {
      nat: world.nat({ filtering: 'address-dependent' }),
      priorities,
    });
    const verdict = await world.until(page.diagnose());
    const expected = {
      mapping: { value: 'endpoint-independent' },
      filtering: { value: 'address-dependent' },
    };
    expect(verdict).toMatchObject({ ...expected, behindNat: { value: true } });
    expect(verdict.otherPaths).toEqual([expect.objectContaining(expected)]);
    expect(verdict.otherPaths[0].publicAddress).not.toEqual(verdict.publicAddress);
  });

  test('errors say that a knock has arrived', async () => {
    const world = new World();
    const page = new Page(world, {
      nat: world.nat({ filtering: 'endpoint-independent' }),
      errors: true,
    });
    const { filtering } = await world.until(page.diagnose());
    expect(filtering).toEqual({ value: 'endpoint-independent' });
    expect(page.knocked).toBeGreaterThan(2);
  });

  test.each(
    /** @type {const} */ ([
      ['without a NAT', undefined, 'endpoint-independent'],
      ['behind a firewall', 'address-and-port-dependent', 'address-and-port-dependent'],
    ]),
  )('%s', async (_name, filtering, expected) => {
    const world = new World();
    const nat = filtering && world.firewall({ filtering });
    const verdict = await world.until(new Page(world, { nat }).diagnose());
    expect(verdict).toMatchObject({
      mapping: { value: 'endpoint-independent' },
      filtering: { value: expected },
      behindNat: { value: false },
      portPreservation: { value: 'unknown', reason: 'no-nat' },
    });
  });

  test('a mirror with one address tells what it can', async () => {
    const addresses = ['192.0.2.1'];
    const strict = new World({ mirror: { addresses } });
    const sym = strict.nat({ mapping: 'address-and-port-dependent' });
    expect(await strict.until(new Page(strict, { nat: sym }).diagnose())).toMatchObject({
      mapping: { value: 'address-and-port-dependent' },
      filtering: { value: 'address-and-port-dependent' },
    });
    const open = new World({ mirror: { addresses } });
    const full = open.nat({ filtering: 'endpoint-independent' });
    expect(await open.until(new Page(open, { nat: full }).diagnose())).toMatchObject({
      mapping: { value: 'unknown', reason: 'one-address' },
      filtering: { value: 'unknown', reason: 'one-address' },
    });
  });

  test('where nothing arrives, everything is unknown within 5 s', async () => {
    const world = new World({ blocks: () => true });
    const { mapping, filtering, behindNat } = await world.until(new Page(world).diagnose());
    for (const one of [mapping, filtering, behindNat]) {
      expect(one).toMatchObject({ value: 'unknown', reason: 'no-check' });
    }
    expect(world.now).toBeLessThan(5000);
  });

  test('where one of the mirror’s ports is blocked, mapping is unknown and filtering is not', async () => {
    const world = new World({ blocks: ({ place }) => place === 'A:second' });
    const page = new Page(world, { nat: world.nat() });
    expect(await world.until(page.diagnose())).toMatchObject({
      mapping: { value: 'unknown', reason: 'check-missing' },
      filtering: { value: 'address-and-port-dependent' },
    });
  });
});

describe('the port map', () => {
  const portMap = Array.from({ length: 60 }, (_, i) => 20_000 + i);

  test.each(/** @type {const} */ (['chromium', 'firefox']))('all pass, in %s', async (browser) => {
    const world = new World({ mirror: { portMap } });
    const page = new Page(world, {
      browser,
      nat: world.nat({ mapping: 'address-and-port-dependent' }),
    });
    const ports = await world.until(page.mapPorts());
    expect(ports).toEqual(portMap.map((port) => ({ port, out: true, in: true })));
    // Chromium takes 62 ms for each.
    expect(world.now).toBeLessThan(4500);
  });

  test('blocked outwards, and blocked inwards', async () => {
    const small = portMap.slice(0, 12);
    const isMuted = (/** @type {number} */ port) => port === 20_005;
    const world = new World({
      mirror: { portMap: small },
      blocks: ({ port }) => port === 20_002 || port === 20_003,
    });
    const page = new Page(world, { nat: world.nat() });
    const receive = world.core.receive.bind(world.core);
    // Of the answers from this port nothing comes back, as its knocks did not get in.
    world.core.receive = (family, place, bytes, from, now) => {
      const isAnswer = (bytes[0] & 1) === 1;
      return isAnswer && isMuted(Number(place.slice(2)))
        ? false
        : receive(family, place, bytes, from, now);
    };
    const ports = await world.until(page.mapPorts());
    expect(ports.filter((/** @type {any} */ one) => !one.out).map(({ port }) => port)).toEqual([
      20_002, 20_003,
    ]);
    expect(ports.find((/** @type {any} */ one) => one.port === 20_005)).toEqual({
      port: 20_005,
      out: true,
      in: false,
    });
    expect(ports.filter((/** @type {any} */ one) => one.out && one.in)).toHaveLength(9);
  });

  test('what limits keep from being sent is not called blocked', async () => {
    const world = new World({ mirror: { portMap, limits: { packetsPerSession: 20 } } });
    const ports = await world.until(new Page(world, { nat: world.nat() }).mapPorts());
    const count = (/** @type {unknown} */ value) =>
      ports.filter((/** @type {any} */ one) => one.in === value).length;
    expect([count(true), count(false), count(null)]).toEqual([20, 0, 40]);
  });

  test('ports that are not of the map, and mirrors without one', async () => {
    const world = new World({ mirror: { portMap: [5000] } });
    const page = { ufrag: 'page', pwd: 'p'.repeat(24) };
    const { body } = await world.ask({ step: 'start', test: 'ports', page });
    const { session } = body;
    for (const ports of [[53], [5000, 5000], 'all', [null]]) {
      const answer = await world.ask({ step: 'ports', session, ports });
      expect(answer).toEqual({ status: 409, body: { refused: 'wrong-step' } });
    }
    const none = await new World().ask({ step: 'start', test: 'ports', page });
    expect(none).toEqual({ status: 501, body: { refused: 'not-offered' } });
  });

  test.each([
    [5060, [false, false]],
    [10_080, [false, false]],
    [4190, [true, false]],
    [53, [false, true]],
    [443, [true, true]],
    [3478, [true, true]],
  ])('port %i is testable as Chromium and Firefox have it', (port, expected) => {
    const agents = [CHROMIUM, FIREFOX];
    expect(agents.map((agent) => isTestable(port, '192.0.2.1', agent))).toEqual(expected);
  });

  test('Chromium keeps from the web’s ports of private addresses', () => {
    for (const address of ['10.0.0.1', '192.168.1.1', '172.16.0.1', '127.0.0.1', 'fd00::1']) {
      expect([443, 3478].map((port) => isTestable(port, address, CHROMIUM))).toEqual([false, true]);
    }
    expect(isTestable(443, '10.0.0.1', FIREFOX)).toBe(true);
  });
});

describe('the lifetime of a binding', () => {
  /** @param {boolean} isKept @param {number} seconds */
  async function aliveAfter(isKept, seconds) {
    const world = new World();
    const nat = world.nat({ mappingLifetimeMs: isKept ? 60_000 : 10_000 });
    const page = new Page(world, { nat });
    return { isAlive: await world.until(page.lifetime(seconds, 6500)), world };
  }

  test('it was there, or gone', async () => {
    expect((await aliveAfter(true, 20)).isAlive).toBe(true);
    const { isAlive, world } = await aliveAfter(false, 20);
    expect(isAlive).toBe(false);
    // It waited from the last packet of the browser's, and knocked only then.
    expect(world.sent[0].at).toBeGreaterThanOrEqual(26_000);
    expect((await aliveAfter(false, 8)).isAlive).toBe(true);
  });

  test('where nothing ever came, nothing is known', async () => {
    const world = new World({ blocks: () => true });
    expect(await world.until(new Page(world).lifetime(20, 100))).toBe(null);
  });

  test('there are limits to the silence, and mirrors that offer none', async () => {
    const page = { ufrag: 'page', pwd: 'p'.repeat(24) };
    const world = new World({ mirror: { limits: { waitSeconds: 30 } } });
    const { body } = await world.ask({ step: 'start', test: 'lifetime', page });
    for (const seconds of [4, 31, '10', Number.NaN]) {
      const { status } = await world.ask({ step: 'wait', session: body.session, seconds });
      expect(status).toBe(409);
    }
    const none = new World({ mirror: { limits: { waitSeconds: 0 } } });
    const { status } = await none.ask({ step: 'start', test: 'lifetime', page });
    expect(status).toBe(501);
  });
});

describe('hairpinning', () => {
  test('each of two connections is told where the other is seen', async () => {
    const world = new World();
    const [one, other] = [new Page(world), new Page(world)];
    const answer = await world.ask({
      step: 'start',
      test: 'hairpin',
      page: one.credentials,
      partner: other.credentials,
    });
    expect(answer.body).toMatchObject({
      ...other.credentials,
      candidates: [{ address: '192.0.2.1', port: 4001 }],
    });
    const mapped = world.ask({ step: 'mapped', session: answer.body.session });
    one.checkAs(other.credentials, { address: '192.0.2.1', port: 4001 }, 1111);
    other.checkAs(one.credentials, { address: '192.0.2.1', port: 4001 }, 2222);
    const { body } = await world.until(mapped);
    expect(body.mapped.map((/** @type {any} */ [{ port }]) => port)).toEqual([1111, 2222]);
    expect(world.core.stats()).toMatchObject({ sessions: 0, packetsSent: 0 });
  });
});
