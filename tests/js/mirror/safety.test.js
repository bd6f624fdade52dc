// What a mirror never does, and what it does not do without end, whatever arrives.
import { describe, expect, test } from '@jest/globals';
import { decode, encode, prepareKey } from '../../../js/codec/index.js';
import { DEFAULT_LIMITS } from '../../../js/mirror/options.js';
import { Session } from '../../../js/mirror/session.js';
import { Page, World } from './simulator.js';

/** @typedef {import('../../../js/testing/nat-words.js').Place} Place */

const VICTIM = { address: '198.18.0.1', port: 53 };

const PAGE = { ufrag: 'page', pwd: 'p'.repeat(24) };

/** @param {World} world @param {string} [test] @param {string} [address] */
async function start(world, test = 'nat', address = undefined, page = PAGE) {
  const { status, body } = await world.ask({ step: 'start', test, page }, address);
  expect(status).toBe(200);
  return body;
}

/**
 * A check as browsers send them, or what is to be otherwise about it.
 *
 * @param {{ ufrag: string, pwd: string }} session
 * @param {object} [changes]
 */
function checkOf(
  { ufrag, pwd },
  { attributes = {}, pwd: other = pwd, ...changes } = /** @type {any} */ ({}),
) {
  return encode({
    class: 'request',
    method: 'Binding',
    attributes: {
      username: `${ufrag}:${PAGE.ufrag}`,
      priority: 1_845_501_695,
      iceControlling: 1n,
      ...attributes,
    },
    key: prepareKey({ password: other }),
    fingerprint: true,
    ...changes,
  });
}

/** Lets the mirror do all that it ever will. @param {World} world */
function drain(world) {
  for (let at = world.core.nextAt; at < Infinity; at = world.core.nextAt) {
    if (at < world.now) throw new Error('there is something to do that tick() does not do');
    world.now = at;
    world.core.tick(world.now);
  }
}

/** @param {World} world @param {Uint8Array} bytes @param {Place} from */
const arrive = (world, bytes, from) =>
  world.core.receive('IPv4', 'A:first', bytes, from, world.now);

describe('what is no check of the test', () => {
  const wrong = /** @type {[string, string, (session: any) => Uint8Array][]} */ ([
    ['of another password', 'forged', (session) => checkOf(session, { pwd: 'x'.repeat(24) })],
    [
      "signed with the page's own password",
      'forged',
      (session) => checkOf(session, { pwd: PAGE.pwd }),
    ],
    ['without a signature', 'forged', (session) => checkOf(session, { key: undefined })],
    ['of an unknown session', 'stray', (session) => checkOf({ ...session, ufrag: 'other' })],
    [
      'without a name',
      'stray',
      (session) => checkOf(session, { attributes: { username: undefined } }),
    ],
    [
      'without a priority',
      'malformed',
      (session) => checkOf(session, { attributes: { priority: undefined } }),
    ],
    ['without FINGERPRINT', 'malformed', (session) => checkOf(session, { fingerprint: false })],
    ['of another method', 'malformed', (session) => checkOf(session, { method: 'Allocate' })],
    ['cut short', 'malformed', (session) => checkOf(session).subarray(0, 40)],
    ['of something else', 'malformed', () => Uint8Array.of(0x16, 1, 2, 3)],
    ['empty', 'malformed', () => new Uint8Array(0)],
    ['that answers nothing', 'stray', (session) => checkOf(session, { class: 'success' })],
    [
      'changed on the way',
      'malformed',
      (session) => {
        const bytes = checkOf(session).slice();
        bytes[30] ^= 1;
        return bytes;
      },
    ],
  ]);
  test.each(wrong)(
    'a packet %s is counted as %s, never answered, and nobody knocks',
    async (_name, counter, make) => {
      const world = new World();
      const session = await start(world);
      for (let i = 0; i < 100; i += 1) arrive(world, make(session), { ...VICTIM, port: 1000 + i });
      drain(world);
      expect(world.sent).toEqual([]);
      expect(world.core.stats()).toMatchObject({ [counter]: 100, checks: 0, packetsSent: 0 });
    },
  );

  test('plain Binding requests get no answer: a mirror is no STUN server', async () => {
    const world = new World();
    await start(world);
    arrive(world, encode({ class: 'request', method: 'Binding', fingerprint: true }), VICTIM);
    arrive(world, encode({ class: 'request', method: 'Binding' }), VICTIM);
    drain(world);
    expect(world.sent).toEqual([]);
  });

  test('an answer of another password is none, whoever has seen the knock', async () => {
    const world = new World();
    const session = await start(world);
    arrive(world, checkOf(session), VICTIM);
    const knocks = world.sent.splice(0);
    expect(knocks).toHaveLength(3);
    for (const { bytes, place } of knocks) {
      const { transactionId } = decode(bytes);
      const key = prepareKey({ password: session.pwd });
      const answer = encode({ class: 'success', method: 'Binding', transactionId, key });
      world.core.receive('IPv4', place, answer, VICTIM, world.now);
    }
    expect(world.core.stats()).toMatchObject({ forged: 3, answers: 0 });
    // Nothing has arrived, as far as the mirror knows: it goes on, and finds no answer.
    const filtered = world.ask({ step: 'filtering', session: session.session });
    await world.until(filtered);
    const { body } = await world.ask({ step: 'result', session: session.session });
    expect(body.verdict.filtering).toMatchObject({ reason: 'control-failed' });
  });

  test("one session's password opens no other session", async () => {
    const world = new World();
    const one = await start(world);
    const other = await start(world, 'nat', undefined, { ...PAGE, ufrag: 'page2' });
    arrive(world, checkOf(one, { pwd: other.pwd }), VICTIM);
    drain(world);
    expect(world.sent).toEqual([]);
    expect(world.core.stats()).toMatchObject({ forged: 1 });
  });
});

describe('whom it sends to', () => {
  test('only where checks with the right password came from, whatever the test', async () => {
    for (const kind of /** @type {const} */ (['nat', 'ports', 'lifetime'])) {
      const world = new World({ loss: 0.1, mirror: { portMap: [5000, 5001] } });
      const nat = world.nat({
        mapping: 'address-and-port-dependent',
        filtering: 'endpoint-independent',
      });
      const page = new Page(world, { nat });
      const proven = new Set();
      const receive = world.core.receive.bind(world.core);
      world.core.receive = (family, place, bytes, from, now) => {
        proven.add(`${from.address} ${from.port}`);
        return receive(family, place, bytes, from, now);
      };
      // Strangers, who know the name of the session, but not its password.
      const session = () => /** @type {any} */ ({ ufrag: 'guess', pwd: 'y'.repeat(24) });
      for (let i = 0; i < 50; i += 1) receive('IPv4', 'A:first', checkOf(session()), VICTIM, 0);
      if (kind === 'nat') await world.until(page.diagnose());
      else if (kind === 'ports') await world.until(page.mapPorts());
      else await world.until(page.lifetime(5, 3000));
      expect(world.sent.length).toBeGreaterThan(0);
      for (const { to } of world.sent) expect(proven).toContain(`${to.address} ${to.port}`);
      for (const { to } of world.sent) expect(to.address).not.toBe(VICTIM.address);
    }
  });

  test('whatever a test asks for, a session sends nowhere else', () => {
    /** @type {unknown[]} */
    const sent = [];
    let overLimit = 0;
    const key = prepareKey({ password: PAGE.pwd });
    const session = new Session(
      {
        id: 'id',
        host: 'host',
        family: 'IPv4',
        ends: [{ username: 'us:page', key }],
        far: { username: 'page:us', key },
        endsAt: 1000,
        limits: DEFAULT_LIMITS,
      },
      {
        transmit: (_session, _place, _bytes, to) => sent.push(to) > 0,
        expect: () => {},
        transactionId: () => new Uint8Array(12),
        overLimit: () => {
          overLimit += 1;
        },
      },
    );
    const ignore = () => {};
    session.test = { check: ignore, answer: ignore, tick: ignore, step: () => false, nextAt: 1 };
    const at = (/** @type {string} */ address, /** @type {number} */ port) =>
      /** @type {const} */ ({ address, port, family: 'IPv4' });
    const source = at('203.0.113.5', 4000);
    const check = {
      end: 0,
      place: 'A:first',
      priority: 1,
      source,
      transactionId: new Uint8Array(12),
    };
    session.check(check, 0);
    expect(session.knock('A:first', at('203.0.113.5', 4001), 0)).toBe(undefined);
    expect(session.knock('A:first', at('203.0.113.6', 4000), 0)).toBe(undefined);
    session.confirm({ ...check, source: at('198.18.0.1', 53) }, 0);
    expect([sent, overLimit]).toEqual([[], 3]);
    expect(session.knock('A:first', source, 0)).toBe('00'.repeat(12));
    session.isOver = true;
    expect(session.knock('A:first', source, 0)).toBe(undefined);
    expect(sent).toEqual([source]);
  });

  test('a check that is sent again from elsewhere brings no knocks there', async () => {
    const world = new World();
    const session = await start(world);
    const bytes = checkOf(session);
    arrive(world, bytes, { address: '203.0.113.5', port: 4000 });
    arrive(world, bytes, VICTIM);
    drain(world);
    expect(new Set(world.sent.map(({ to }) => to.address))).toEqual(new Set(['203.0.113.5']));
  });

  test('a test of hairpinning sends nothing at all', async () => {
    const world = new World();
    const partner = { ufrag: 'partner', pwd: 'q'.repeat(24) };
    const body = { step: 'start', test: 'hairpin', page: PAGE, partner };
    const { body: session } = await world.ask(body);
    arrive(world, checkOf(partner), { address: '203.0.113.5', port: 4000 });
    drain(world);
    expect(world.core.stats()).toMatchObject({ checks: 1, packetsSent: 0 });
    expect(session).toMatchObject(partner);
  });
});

describe('how much it sends', () => {
  test('who signs for addresses that are not his gets 27 packets to each of three, and no more', async () => {
    const world = new World();
    const session = await start(world);
    for (let i = 0; i < 500; i += 1) {
      const attributes = { priority: 1000 + i };
      const bytes = checkOf(session, { attributes });
      arrive(world, bytes, { address: `198.18.${i % 2}.${i % 250}`, port: 1000 + i });
    }
    drain(world);
    expect(world.sent).toHaveLength(81);
    expect(new Set(world.sent.map(({ to }) => to.address)).size).toBe(3);
    // Not more of them are remembered, either.
    expect(world.core.stats().overLimit).toBe(500 - 64);
  });

  test('all knocks of a session together keep to its limits', async () => {
    for (const limits of [{ packetsPerSession: 10 }, { bytesPerSession: 1000 }]) {
      const world = new World({ mirror: { limits } });
      arrive(world, checkOf(await start(world)), VICTIM);
      drain(world);
      const { packetsSent, bytesSent, overLimit } = world.core.stats();
      expect(packetsSent).toBeLessThanOrEqual(10);
      expect(bytesSent).toBeLessThanOrEqual(1000);
      expect(packetsSent + overLimit).toBe(27);
    }
  });

  test('all sessions together keep to the rate of one target, and to that of the mirror', async () => {
    for (const [limits, most] of /** @type {const} */ ([
      [{ packetsPerSecondPerHost: 20 }, 20],
      [{ bytesPerSecondPerHost: 2000 }, 22],
      [{ packetsPerSecond: 30 }, 30],
    ])) {
      const world = new World({ mirror: { limits } });
      for (let i = 0; i < 20; i += 1) {
        const session = await start(world, 'nat', `198.51.100.${i}`);
        arrive(world, checkOf(session), { ...VICTIM, port: 1000 + i });
      }
      drain(world);
      /** In each second, of which a burst may fall into the first. @type {Map<number, number>} */
      const seconds = new Map();
      for (const { at } of world.sent) {
        const second = Math.floor(at / 1000);
        seconds.set(second, (seconds.get(second) ?? 0) + 1);
      }
      expect(world.sent.length).toBeGreaterThan(most / 2);
      for (const [second, count] of seconds) {
        expect(count).toBeLessThanOrEqual(second === 0 ? 2 * most + 1 : most + 1);
      }
    }
  });

  test('a port map knocks at each port so many times, and only from ports of the map', async () => {
    const portMap = [5000, 5001, 5002];
    const world = new World({ mirror: { portMap } });
    const session = await start(world, 'ports');
    for (let i = 0; i < 30; i += 1) {
      for (const port of portMap) {
        const from = { address: VICTIM.address, port: 2000 + i };
        world.core.receive('IPv4', `A:${port}`, checkOf(session), from, world.now);
      }
    }
    drain(world);
    expect(world.sent).toHaveLength(3 * 8);
    expect(new Set(world.sent.map(({ place }) => place))).toEqual(
      new Set(portMap.map((port) => `A:${port}`)),
    );
  });

  test('packets are as small as the checks that they follow', async () => {
    const world = new World();
    const session = await start(world);
    arrive(world, checkOf(session), VICTIM);
    drain(world);
    for (const { bytes } of world.sent) {
      expect(bytes.length).toBeLessThanOrEqual(checkOf(session).length + 8);
    }
  });
});

describe('how much it remembers', () => {
  test('sessions are limited in all, by host, and by minute; what is over is refused', async () => {
    const limits = { sessions: 10, sessionsPerHost: 3, startsPerMinutePerHost: 5 };
    const world = new World({ mirror: { limits } });
    /** @param {string} address */
    const ask = async (address) => {
      const page = { ...PAGE, ufrag: `u${Math.floor(world.random() * 2 ** 32)}` };
      const { status, body } = await world.ask({ step: 'start', test: 'nat', page }, address);
      return body.refused ?? status;
    };
    const answers = [];
    for (let i = 0; i < 7; i += 1) answers.push(await ask('198.51.100.1'));
    expect(answers).toEqual([200, 200, 200, 'too-many', 'too-many', 'too-often', 'too-often']);
    // A /64 is one host.
    const ofSubnet = [];
    for (let i = 0; i < 4; i += 1) ofSubnet.push(await ask(`2001:db8::${i}`));
    expect(ofSubnet).toEqual([200, 200, 200, 'too-many']);
    const others = [];
    for (let i = 2; i < 8; i += 1) others.push(await ask(`198.51.100.${i}`));
    expect(others).toEqual([200, 200, 200, 200, 'busy', 'busy']);
    expect(world.core.stats()).toMatchObject({ sessions: 10, started: 10, refused: 7 });

    drain(world);
    expect(world.core.stats()).toMatchObject({ sessions: 0, expired: 10 });
    expect(await ask('198.51.100.1')).toBe('too-often');
    world.now += 60_000;
    expect(await ask('198.51.100.1')).toBe(200);
  });

  test('after an attack from everywhere, nothing of it is left', async () => {
    const world = new World({ mirror: { limits: { sessions: 200 } } });
    for (let i = 0; i < 1000; i += 1) {
      const page = { ...PAGE, ufrag: `u${10_000 + i}` };
      const address = `10.${i >> 8}.${i & 255}.1`;
      const { status, body } = await world.ask({ step: 'start', test: 'nat', page }, address);
      expect(status).toBe(i < 200 ? 200 : 503);
      if (status !== 200) continue;
      const bytes = checkOf(body, { attributes: { username: `${body.ufrag}:${page.ufrag}` } });
      arrive(world, bytes, { address: `198.18.${i >> 8}.${i & 255}`, port: 53 });
    }
    expect(world.core.stats().sessions).toBe(200);
    drain(world);
    world.now += 120_000;
    world.core.tick(world.now);
    world.now += 120_000;
    world.core.tick(world.now);
    expect(world.core.stats()).toMatchObject({ sessions: 0, hosts: 0 });
  });

  test('what comes for a session that is over is nobody’s', async () => {
    const world = new World();
    const session = await start(world);
    arrive(world, checkOf(session), VICTIM);
    expect((await world.ask({ step: 'end', session: session.session })).status).toBe(200);
    const before = world.sent.length;
    arrive(world, checkOf(session), VICTIM);
    drain(world);
    expect(world.sent).toHaveLength(before);
    expect(world.core.stats()).toMatchObject({ sessions: 0, stray: 1 });
  });

  test('a page that waits when its session ends is told so', async () => {
    const world = new World({ mirror: { limits: { sessionMs: 1000 } } });
    const { session } = await start(world);
    const waits = world.ask({ step: 'filtering', session });
    drain(world);
    expect(await waits).toEqual({ status: 404, body: { refused: 'no-session' } });
    const next = await start(world);
    const ends = world.ask({ step: 'filtering', session: next.session });
    world.core.endAll();
    expect((await ends).status).toBe(404);
  });
});
