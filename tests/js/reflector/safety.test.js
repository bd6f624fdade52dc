// What a reflector never does, and what it does not do without end, whatever arrives. On a virtual clock.

import { createHmac } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { encode } from '../../../js/codec/index.js';
import { readPacket } from '../../../js/reflector/packets/looks.js';
import { flowNumber, LOOKS, readMark, writeMark } from '../../../js/reflector/packets/marks.js';
import { ADDRESS, CLIENT, Client, PORTS, VICTIM, World } from './support.js';

const PLACE = /** @type {const} */ ({ transport: 'udp', port: PORTS.udp[0] });

/** The token that the reflector has sent last. @param {World} world @param {Client} client */
function lastToken(world, client) {
  const { bytes } = world.sent[world.sent.length - 1];
  const packet = readPacket(bytes);
  const [mark] = packet?.marks ?? [];
  expect(readMark(mark, client.keys.key, 'random', PLACE)?.kind).toBe('token');
  return Buffer.from(packet?.payload.subarray(0, 16) ?? []).toString('hex');
}

/** @param {World} world @param {Client} client @param {import('./support.js').Endpoint} [from] @param {number} [number] */
function prove(world, client, from = CLIENT, number = 1) {
  world.arrive(client.packet(number, { kind: 'hello', bytes: 64 }), from);
  return lastToken(world, client);
}

/** @param {World} world @param {Client} client @param {object} changes */
const send = (world, client, changes) =>
  world.ask({
    step: 'send',
    session: client.session,
    kbps: 800,
    bytes: 1000,
    ms: 1000,
    ...changes,
  });

/**
 * What is still taken for it, and has nothing that is not needed for that.
 *
 * @param {import('../../../js/reflector/packets/marks.js').Look} look
 * @param {Uint8Array} mark
 * @returns {Uint8Array}
 */
function shortest(look, mark) {
  if (look === 'random') return Buffer.concat([Uint8Array.of(4), mark]);
  if (look === 'rtp') return Buffer.concat([Uint8Array.of(0x80, ...new Uint8Array(11)), mark]);
  if (look === 'sip') {
    return Buffer.from(`ACK sip:b SIP/2.0\r\nTo: ${Buffer.from(mark).toString('hex')}\r\n\r\n`);
  }
  const username = Buffer.from(mark.subarray(12)).toString('base64');
  const transactionId = mark.subarray(0, 12);
  return encode({ class: 'request', method: 'Binding', transactionId, attributes: { username } });
}

describe('what is no packet of a session', () => {
  /** @param {Uint8Array} bytes @param {number} at */
  const changed = (bytes, at) => {
    const copy = Uint8Array.from(bytes);
    copy[at] ^= 1;
    return copy;
  };
  const stranger = new Client({
    session: 'x',
    handle: '0011223344556677',
    key: '00'.repeat(32),
  });
  const wrong = /** @type {[string, string, (client: Client) => Uint8Array, number?][]} */ ([
    ['of another key', 'forged', (client) => otherKey(client).packet(1)],
    [
      'of STUN with another key',
      'forged',
      (client) => otherKey(client).packet(1, { look: 'stun' }),
    ],
    ['of SIP with another key', 'forged', (client) => otherKey(client).packet(1, { look: 'sip' })],
    ['signed for another port', 'forged', (client) => client.packet(1), PORTS.udp[1]],
    ['signed for TCP', 'forged', (client) => client.packet(1, { transport: 'tcp' })],
    ['whose number was changed', 'forged', (client) => changed(client.packet(1), 12)],
    ['whose tag was changed', 'forged', (client) => changed(client.packet(1), 20)],
    ['of an unknown session', 'stray', () => stranger.packet(1)],
    ['of the reflector itself', 'malformed', (client) => client.packet(1, { kind: 'answer' })],
    ['that is a token', 'malformed', (client) => client.packet(1, { kind: 'token' })],
    [
      'that asks for a token and has no room for it',
      'malformed',
      (client) => client.packet(1, { kind: 'hello', bytes: 40 }),
    ],
    ['of something else', 'malformed', () => Uint8Array.of(0x16, 1, 2, 3)],
    ['of plain STUN', 'malformed', () => Uint8Array.of(0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42)],
    ['that is empty', 'malformed', () => new Uint8Array(0)],
  ]);
  /** @param {Client} client */
  const otherKey = ({ start }) => new Client({ ...start, key: '11'.repeat(32) });

  test.each(wrong.map(([name, counter, make, port]) => ({ name, counter, make, port })))(
    'a packet $name is counted as $counter, and never answered',
    ({ counter, make, port = PORTS.udp[0] }) => {
      const world = new World();
      const client = world.start();
      for (let i = 0; i < 50; i += 1)
        world.arrive(make(client), { ...VICTIM, port: 1000 + i }, port);
      expect(world.sent).toEqual([]);
      expect(world.core.stats()).toMatchObject({
        [counter]: 50,
        probes: 0,
        answers: 0,
        bytesSent: 0,
      });
      expect(world.ask({ step: 'arrived', session: client.session }).body.arrived).toEqual([]);
    },
  );

  test("one session's key opens no other session", () => {
    const world = new World();
    const [one, other] = [world.start(), world.start()];
    const mixed = new Client({ ...one.start, key: other.start.key });
    world.arrive(mixed.packet(1));
    expect(world.sent).toEqual([]);
    expect(world.core.stats()).toMatchObject({ forged: 1 });
  });

  test('a session of one family has no packets of the other', () => {
    const world = new World();
    const client = world.start();
    world.core.receive(
      'IPv6',
      PORTS.udp[0],
      client.packet(1),
      { address: '2001:db8::5', port: 4000 },
      0,
    );
    expect(world.sent).toEqual([]);
    expect(world.core.stats()).toMatchObject({ stray: 1, probes: 0 });
  });

  test('what has come before is counted, and answered no second time, wherever it comes from', () => {
    const world = new World();
    const client = world.start();
    for (const look of LOOKS) {
      const number = 1 + LOOKS.indexOf(look);
      const bytes = client.packet(number, { look });
      world.arrive(bytes);
      for (let i = 0; i < 20; i += 1) world.arrive(bytes, VICTIM);
    }
    expect(world.sent.map(({ to }) => to)).toEqual(LOOKS.map(() => CLIENT));
    expect(world.core.stats()).toMatchObject({ probes: 4, answers: 4, replayed: 80 });
  });
});

describe('how much it answers', () => {
  test.each(LOOKS)('a packet that looks like %s is answered by one that is no longer', (look) => {
    const world = new World();
    const client = world.start();
    for (let number = 1; number <= 20; number += 1) {
      const bytes = client.packet(number, { look, bytes: 40 + 50 * number });
      world.arrive(bytes);
      expect(world.sent).toHaveLength(number);
      expect(world.sent[number - 1].bytes.length).toBeLessThanOrEqual(bytes.length);
      const packet = readPacket(world.sent[number - 1].bytes);
      expect(packet?.look).toBe(look);
      const read = (packet?.marks ?? []).map((one) => readMark(one, client.keys.key, look, PLACE));
      expect(read).toContainEqual({ kind: 'answer', number });
    }
  });

  test.each(LOOKS)(
    'a short packet that looks like %s, and is signed, brings no longer one',
    (look) => {
      const world = new World();
      const client = world.start();
      for (let number = 1; number <= 5; number += 1) {
        const mark = writeMark(client.keys, 'probe', number, look, PLACE);
        const bytes = shortest(look, mark);
        expect(readPacket(bytes)?.marks).toHaveLength(1);
        world.arrive(bytes);
        if (look === 'random') expect(world.sent[number - 1].bytes).toHaveLength(bytes.length);
        else expect(world.sent).toEqual([]);
      }
      // It has arrived all the same.
      const { arrived } = world.ask({ step: 'arrived', session: client.session }).body;
      expect(arrived).toHaveLength(5);
      expect(arrived[0].answered).toBe(look === 'random');
    },
  );

  test('whoever owns a session, and signs for others, has them sent no more than he has sent in their name', () => {
    const world = new World();
    const client = world.start();
    let number = 0;
    for (let i = 0; i < 600; i += 1) {
      const from = { address: `198.18.0.${i % 30}`, port: 1000 + i };
      number += 1;
      world.arrive(client.packet(number, { look: LOOKS[i % 4], bytes: 300 }), from);
      number += 1;
      world.arrive(client.packet(number, { kind: 'hello', bytes: 64 }), from);
    }
    const hosts = new Set(world.sent.map(({ to }) => to.address));
    expect(hosts.size).toBe(8);
    for (const host of hosts) {
      expect(world.bytesTo(host)).toBeLessThanOrEqual(world.given.get(host) ?? 0);
    }
    world.run();
    const { bytesSent, bytesReceived, overLimit } = world.core.stats();
    expect(bytesSent).toBeLessThanOrEqual(bytesReceived);
    expect(overLimit).toBeGreaterThan(0);
    expect(world.sent.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBe(bytesSent);
  });

  test('no more of a session is remembered, or answered, than its limit', () => {
    const world = new World({ limits: { probesPerSession: 10, packetsPerSecondPerHost: 1000 } });
    const client = world.start();
    for (let number = 1; number <= 100; number += 1) world.arrive(client.packet(number));
    expect(world.sent).toHaveLength(10);
    const { arrived } = world.ask({ step: 'arrived', session: client.session }).body;
    expect(arrived.map((/** @type {any} */ one) => one.number)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
    ]);
    expect(world.core.stats().overLimit).toBe(90);
  });

  test.each(
    /** @type {[string, object, number][]} */ ([
      ['packets to one host', { packetsPerSecondPerHost: 20 }, 20],
      ['bytes to one host', { bytesPerSecondPerHost: 2000 }, 20],
      ['packets in all', { packetsPerSecond: 30 }, 30],
    ]),
  )(
    'all sessions together keep to the rate of %s, and what is not answered says so',
    (_, limits, most) => {
      const world = new World({ limits });
      const clients = [world.start('198.51.100.1'), world.start('198.51.100.2')];
      for (let second = 0; second < 4; second += 1) {
        world.now = second * 1000;
        for (let i = 1; i <= 50; i += 1) {
          for (const client of clients) world.arrive(client.packet(second * 50 + i), VICTIM);
        }
        const now = world.sent.filter(({ at }) => at === world.now).length;
        expect(now).toBeGreaterThanOrEqual(most - 1);
        expect(now).toBeLessThanOrEqual(most + 1);
      }
      const answered = clients.flatMap(({ session }) =>
        world
          .ask({ step: 'arrived', session })
          .body.arrived.map((/** @type {any} */ one) => one.answered),
      );
      expect(answered).toHaveLength(400);
      expect(answered.filter(Boolean)).toHaveLength(world.sent.length);
    },
  );
});

describe('flows to a client', () => {
  test('go nowhere before the address has told back what was sent there', () => {
    const world = new World();
    const client = world.start();
    expect(send(world, client, { token: '00'.repeat(16) }).status).toBe(409);
    const token = prove(world, client);
    expect(send(world, client, { token: `${token.slice(0, -1)}x` }).status).toBe(409);
    // Nor to one of another session.
    const other = world.start();
    expect(send(world, other, { token }).status).toBe(409);
    world.run(2000);
    expect(world.sent).toHaveLength(1);
    expect(send(world, client, { token }).status).toBe(200);
    world.run(4000);
    expect(world.sent.length).toBeGreaterThan(50);
    expect(new Set(world.sent.map(({ to }) => `${to.address} ${to.port}`)).size).toBe(1);
  });

  test('a token is made of nothing that a client knows', () => {
    const world = new World();
    const client = world.start();
    const token = prove(world, client);
    // Signing for a victim is no way to what was sent there.
    world.arrive(client.packet(2, { kind: 'hello', bytes: 64 }), VICTIM);
    const victims = lastToken(world, client);
    expect(victims).not.toBe(token);
    const { key, handle } = client.keys;
    const text = `${VICTIM.address} ${VICTIM.port} ${client.session}`;
    for (const secret of [key, handle, Buffer.from(client.session, 'hex')]) {
      const guess = createHmac('sha256', secret).update(text).digest('hex').slice(0, 32);
      expect(send(world, client, { token: guess }).status).toBe(409);
    }
    // Of one who can only send for the victim, that got one packet, as long as his.
    expect(world.bytesTo(VICTIM.address)).toBe(64);
  });

  test('keep to the rate, the size and the time that were asked for', () => {
    const world = new World();
    const client = world.start();
    const token = prove(world, client);
    const { body } = send(world, client, { token, kbps: 800, bytes: 500, ms: 2000 });
    expect(body).toMatchObject({ kbps: 800, ms: 2000 });
    world.run(10_000);
    const flow = world.sent.slice(1);
    expect(flow).toHaveLength(400);
    for (const { bytes, port } of flow) expect([bytes.length, port]).toEqual([500, PORTS.udp[0]]);
    const ats = flow.map(({ at }) => at);
    expect(ats.at(-1)).toBeLessThanOrEqual(2000);
    for (let from = 0; from < 2000; from += 100) {
      const within = ats.filter((at) => at >= from && at < from + 100).length;
      expect(within).toBeGreaterThanOrEqual(19);
      expect(within).toBeLessThanOrEqual(21);
    }
    const counts = world.ask({ step: 'counts', session: client.session, flow: body.flow }).body;
    expect(counts).toMatchObject({ packets: 400, bytes: 200_000, isOver: true });
  });

  test('are cut to the limits of rate and time, and never make up for a pause', () => {
    const world = new World({ limits: { flowKbps: 400, flowMs: 500 } });
    const client = world.start();
    expect(client.start.flow).toMatchObject({ kbps: 400, ms: 500 });
    const token = prove(world, client);
    const { body } = send(world, client, { token, kbps: 1_000_000, ms: 1_000_000 });
    expect(body).toMatchObject({ kbps: 400, ms: 500 });
    world.run(100);
    const before = world.sent.length;
    // The process slept.
    world.now = 400;
    world.core.tick(400);
    expect(world.sent.length - before).toBeLessThanOrEqual(3);
    world.run(5000);
    expect(world.bytesTo(CLIENT.address)).toBeLessThanOrEqual((400 * 500) / 8 + 64 + 1000);
  });

  test('of one session have a bound in bytes, however many there are', () => {
    const world = new World({ limits: { flowBytesPerSession: 50_000 } });
    const client = world.start();
    const token = prove(world, client);
    for (let i = 0; i < 10; i += 1) {
      send(world, client, { token, kbps: 8000 });
      world.run(world.now + 2000);
    }
    expect(world.bytesTo(CLIENT.address)).toBe(50_000 + 64);
    expect(send(world, client, { token }).body).toEqual({ refused: 'too-many' });
  });

  test('of all sessions keep to the rate of one host, and to that in all', () => {
    for (const limits of [{ flowKbpsPerHost: 800 }, { flowKbpsInAll: 800 }]) {
      const world = new World({ limits });
      for (let i = 0; i < 5; i += 1) {
        const client = world.start(`198.51.100.${i}`);
        const from = { ...CLIENT, port: 4000 + i };
        expect(
          send(world, client, { token: prove(world, client, from), kbps: 8000, ms: 3000 }).status,
        ).toBe(200);
      }
      world.run(20_000);
      const bytes = world.bytesTo(CLIENT.address) - 5 * 64;
      // A second's worth may come at once, before the rate.
      expect(bytes).toBeLessThanOrEqual(4 * 100_000 + 1000);
      expect(bytes).toBeGreaterThan(300_000);
      expect(world.core.stats().overLimit).toBeGreaterThan(0);
    }
  });

  test('one at a time; stop ends it, and so does the end of the session', () => {
    const world = new World();
    const client = world.start();
    const token = prove(world, client);
    expect(send(world, client, { token }).status).toBe(200);
    expect(send(world, client, { token }).body).toEqual({ refused: 'wrong-step' });
    world.run(100);
    world.ask({ step: 'stop', session: client.session });
    const stopped = world.sent.length;
    world.run(1000);
    expect(world.sent).toHaveLength(stopped);
    expect(send(world, client, { token }).status).toBe(200);
    world.run(1100);
    world.ask({ step: 'end', session: client.session });
    const ended = world.sent.length;
    expect(ended).toBeGreaterThan(stopped);
    world.run();
    expect(world.sent).toHaveLength(ended);
  });

  test('sixteen addresses of a session can be proven, and no more', () => {
    const world = new World();
    const client = world.start();
    for (let i = 1; i <= 20; i += 1) {
      world.arrive(client.packet(i, { kind: 'hello', bytes: 64 }), { ...CLIENT, port: 4000 + i });
    }
    expect(world.sent.map(({ to }) => to.port - 4000)).toEqual(
      Array.from({ length: 16 }, (_, i) => i + 1),
    );
    expect(world.core.stats().overLimit).toBe(4);
    // Those that are may be asked for again.
    world.arrive(client.packet(21, { kind: 'hello', bytes: 64 }), { ...CLIENT, port: 4001 });
    expect(world.sent).toHaveLength(17);
  });

  test('there are none where the limit says so, nor of sizes that no path takes', () => {
    const none = new World({ limits: { flowKbps: 0 } });
    const client = none.start();
    const token = prove(none, client);
    expect(send(none, client, { token }).body).toEqual({ refused: 'not-offered' });
    const world = new World();
    const other = world.start();
    const own = prove(world, other);
    for (const changes of [
      { bytes: 63 },
      { bytes: 1201 },
      { kbps: 0 },
      { kbps: 1.5 },
      { ms: 0 },
      { ms: '5' },
      { token: 7 },
    ]) {
      expect(send(world, other, { token: own, ...changes }).body).toEqual({
        refused: 'bad-request',
      });
    }
  });
});

describe('flows from a client', () => {
  test('are counted by the session, in tenths of a second, and answered by nothing', () => {
    const world = new World();
    const client = world.start();
    const { flow } = world.ask({ step: 'count', session: client.session }).body;
    /** @param {number} sequence @param {number} at */
    const arrive = (sequence, at) => {
      world.now = at;
      const number = flowNumber(flow, sequence);
      world.arrive(client.packet(number, { kind: 'up', bytes: 500 }));
    };
    for (const [sequence, at] of [
      [0, 1000],
      [2, 1050],
      [1, 1099],
      [2, 1100],
      [3, 1250],
      [9, 1251],
    ]) {
      arrive(sequence, at);
    }
    const counts = world.ask({ step: 'counts', session: client.session, flow }).body;
    expect(counts).toEqual({
      packets: 5,
      bytes: 2500,
      duplicates: 1,
      reordered: 1,
      bins: [
        [0, 3, 1500],
        [200, 2, 1000],
      ],
      isOver: false,
    });
    expect(world.sent).toEqual([]);
    // Of a flow that was not begun, nothing is counted.
    world.arrive(client.packet(flowNumber(7, 0), { kind: 'up' }));
    expect(world.ask({ step: 'counts', session: client.session, flow: 7 }).status).toBe(409);
  });

  test('there are so many of a session and no more', () => {
    const world = new World();
    const client = world.start();
    const answers = [];
    for (let i = 0; i < 34; i += 1) {
      answers.push(world.ask({ step: 'count', session: client.session }).status);
    }
    expect(answers).toEqual([...new Array(32).fill(200), 429, 429]);
  });
});

describe('how much it remembers', () => {
  test('sessions are limited in all, by host, and by minute', () => {
    const limits = { sessions: 6, sessionsPerHost: 3, startsPerMinutePerHost: 5 };
    const world = new World({ limits });
    const ask = (/** @type {string} */ address) => {
      const { status, body } = world.ask({ step: 'start' }, address);
      return body.refused ?? status;
    };
    const answers = [];
    for (let i = 0; i < 7; i += 1) answers.push(ask('198.51.100.1'));
    expect(answers).toEqual([200, 200, 200, 'too-many', 'too-many', 'too-often', 'too-often']);
    const others = [];
    for (let i = 0; i < 5; i += 1) others.push(ask(`2001:db8:${i}::1`));
    expect(others).toEqual([200, 200, 200, 'busy', 'busy']);
    world.now = 60_000;
    expect(world.core.stats()).toMatchObject({ sessions: 6, started: 6, refused: 6 });
    world.run();
    expect(world.core.stats()).toMatchObject({ sessions: 0, expired: 6 });
    expect(ask('198.51.100.1')).toBe(200);
  });

  test('a session ends when nobody asks, and at the latest after its time; its packets are stray then', () => {
    const world = new World({ limits: { idleMs: 10_000, sessionMs: 25_000 } });
    const idle = world.start();
    world.run(9_999);
    expect(world.ask({ step: 'arrived', session: idle.session }).status).toBe(200);
    world.run(19_998);
    expect(world.core.stats().sessions).toBe(1);
    world.run(20_000);
    expect(world.core.stats()).toMatchObject({ sessions: 0, expired: 1 });
    expect(world.ask({ step: 'arrived', session: idle.session }).body).toEqual({
      refused: 'no-session',
    });
    world.arrive(idle.packet(1));
    expect([world.sent, world.core.stats().stray]).toEqual([[], 1]);

    const busy = world.start();
    const from = world.now;
    for (let at = 5000; at < 25_000; at += 5000) {
      world.run(from + at);
      expect(world.ask({ step: 'arrived', session: busy.session }).status).toBe(200);
    }
    world.run(from + 25_000);
    expect(world.core.stats().sessions).toBe(0);
    expect(world.core.nextAt).toBe(Infinity);
  });

  test('what makes no sense is refused', () => {
    const world = new World();
    const client = world.start();
    const { session } = client;
    expect(world.ask({ step: 'start', family: 'IPv5' }).body).toEqual({ refused: 'bad-request' });
    expect(world.ask({ step: 'start', family: 'IPv6' }).body).toEqual({ refused: 'not-offered' });
    expect(world.ask({ step: 'nothing', session }).body).toEqual({ refused: 'wrong-step' });
    for (const after of [-1, 1, 0.5, '0']) {
      expect(world.ask({ step: 'arrived', session, after }).body).toEqual({
        refused: 'bad-request',
      });
    }
    expect(world.ask({ step: 'sip', session, number: 5 }).body).toEqual({ texts: null });
    for (const flow of [-1, 0, 'x', undefined, { a: 1 }]) {
      expect(world.ask({ step: 'counts', session, flow }).body).toEqual({ refused: 'wrong-step' });
    }
    expect(world.ask({ step: 'arrived', session: ['x'] }).body).toEqual({ refused: 'no-session' });
  });

  test('of SIP messages sixteen are kept, as they arrived', () => {
    const world = new World({ limits: { packetsPerSecondPerHost: 1000 } });
    const client = world.start();
    for (let number = 1; number <= 20; number += 1)
      world.arrive(client.packet(number, { look: 'sip' }));
    const texts = [1, 16, 17].map(
      (number) => world.ask({ step: 'sip', session: client.session, number }).body.texts,
    );
    expect(texts[0].arrived).toMatch(/^INVITE /);
    expect(texts[0].answered).toMatch(new RegExp(`^SIP/2.0 200 OK[\\s\\S]*c=IN IP4 ${ADDRESS}`));
    expect([texts[1] === null, texts[2]]).toEqual([false, null]);
  });

  test('after endAll() there is nothing, and nothing begins', () => {
    const world = new World();
    const client = world.start();
    world.core.endAll();
    expect(world.core.stats().sessions).toBe(0);
    expect(world.ask({ step: 'start' }).body).toEqual({ refused: 'busy' });
    world.arrive(client.packet(1));
    expect(world.sent).toEqual([]);
  });
});
