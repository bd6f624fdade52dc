// Data each way between relays of a real TURN server and a reflector, on loopback.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { openReflector } from '../../../js/measure/reflector/open-reflector.js';
import { seeded } from '../../../js/testing/random.js';
import { cleanUp as cleanUpServer, relayAt, startServer, TLS } from '../server/support.js';
import { cleanUp, onCleanUp, startReflector } from './support.js';

jest.setTimeout(30_000);
afterEach(async () => {
  await cleanUp();
  await cleanUpServer();
});

const ALL = ['udp', 'tcp', 'tls', 'ws', 'wss'];

/** @param {object} [options] */
async function startSession(options = {}) {
  const { reflector, url } = await startReflector(options);
  const session = await openReflector(url, { signal: new AbortController().signal });
  onCleanUp(() => session.close());
  return { reflector, session };
}

/**
 * A flow over a bare socket.
 *
 * @param {import('../../../js/measure/reflector/open-reflector.js').ReflectorSession} session
 * @param {object} [network]
 * @param {(bytes: Uint8Array) => boolean} [network.losesUp]
 * @param {(bytes: Uint8Array) => boolean} [network.losesDown]
 */
async function bareFlow(session, { losesUp = () => false, losesDown = () => false } = {}) {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  onCleanUp(() => socket.close());
  await once(socket, 'listening');
  const flow = session.flow({
    send: (bytes) => {
      if (!losesUp(bytes)) socket.send(bytes, session.peer.port, session.peer.address);
    },
  });
  /** @type {boolean[]} */
  const known = [];
  socket.on('message', (bytes) => {
    if (!losesDown(bytes)) known.push(flow.receive(bytes));
  });
  return { flow, known };
}

describe.each(ALL)('through a relay over %s', (protocol) => {
  test('what is sent arrives, and is counted, each way', async () => {
    const listen = [`${protocol}://127.0.0.1:0`];
    const server = await startServer({ listen, tls: TLS });
    const { reflector, session } = await startSession();
    const relay = await relayAt(server);
    await relay.permit(session.peer);
    const flow = session.flow({
      send: (bytes) => relay.send(bytes, session.peer),
      ready: () => relay.ready,
    });
    relay.onmessage = (bytes) => void flow.receive(bytes);

    // A machine that is busy sends fewer, and makes up for none.
    const up = await flow.up({ kbps: 800, seconds: 0.5, bytes: 500 });
    expect(up.sent).toBeGreaterThan(20);
    expect(up.sent).toBeLessThanOrEqual(100);
    expect(up).toMatchObject({ received: up.sent, receivedBytes: 500 * up.sent, duplicates: 0 });
    const down = await flow.down({ kbps: 800, seconds: 0.5, bytes: 500 });
    expect(down.sent).toBeGreaterThan(20);
    expect(down.sent).toBeLessThanOrEqual(100);
    expect(down).toMatchObject({ received: down.sent, receivedBytes: 500 * down.sent, kbps: 800 });
    expect(down.bins.reduce((sum, [, packets]) => sum + packets, 0)).toBe(down.sent);
    expect(reflector.stats()).toMatchObject({ flowPackets: down.sent, malformed: 0, forged: 0 });
  });
});

test('what is lost each way is told each for itself, and progress on the way', async () => {
  const { session } = await startSession();
  const random = seeded(3);
  const { flow, known } = await bareFlow(session, {
    // The proof of the address may need more than one try, then.
    losesUp: () => random() < 0.25,
    losesDown: () => random() < 0.1,
  });
  /** @type {number[]} */
  const seen = [];
  const up = await flow.up({
    kbps: 1600,
    seconds: 1,
    bytes: 200,
    onProgress: ({ packets }) => seen.push(packets),
  });
  expect(up.sent).toBeGreaterThan(300);
  expect(up.received / up.sent).toBeGreaterThan(0.67);
  expect(up.received / up.sent).toBeLessThan(0.83);
  expect(seen.length).toBeGreaterThan(2);
  expect(seen.at(-1)).toBe(up.received);
  const down = await flow.down({ kbps: 1600, seconds: 1, bytes: 200 });
  expect(down.sent).toBeGreaterThan(300);
  expect(down.received / down.sent).toBeGreaterThan(0.82);
  expect(down.received / down.sent).toBeLessThan(0.97);
  expect(known.every(Boolean)).toBe(true);
  expect(flow.receive(Buffer.from('something else'))).toBe(false);
});

test('duplicates and disorder are counted', async () => {
  const { session } = await startSession();
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  onCleanUp(() => socket.close());
  await once(socket, 'listening');
  let held = /** @type {Uint8Array | undefined} */ (undefined);
  let count = 0;
  const send = (/** @type {Uint8Array} */ bytes) =>
    socket.send(bytes, session.peer.port, session.peer.address);
  const flow = session.flow({
    send: (bytes) => {
      count += 1;
      // Every tenth comes behind the next one, and that one twice.
      if (count % 10 === 0) held = bytes;
      else send(bytes);
      if (count % 10 === 1 && held !== undefined) {
        send(held);
        send(bytes);
        held = undefined;
      }
    },
  });
  const up = await flow.up({ kbps: 1600, seconds: 0.5, bytes: 1000 });
  // The last one may be held for good.
  const groups = Math.floor((up.sent - 1) / 10);
  expect(groups).toBeGreaterThan(2);
  expect(up.sent - up.received).toBe(up.sent % 10 === 0 ? 1 : 0);
  expect(up).toMatchObject({ duplicates: groups, reordered: groups });
});

test('where nothing comes back there is no flow downwards, and none is sent', async () => {
  const { reflector, session } = await startSession();
  const { flow } = await bareFlow(session, { losesDown: () => true });
  await expect(flow.down({ kbps: 100, seconds: 1 })).rejects.toMatchObject({
    code: 'ERR_REFLECTOR_UNREACHABLE',
  });
  expect(reflector.stats().flowPackets).toBe(0);
});

test('an aborted flow is stopped at the reflector', async () => {
  const { reflector, session } = await startSession();
  const controller = new AbortController();
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  onCleanUp(() => socket.close());
  await once(socket, 'listening');
  const { peer } = session;
  const flow = session.flow({
    send: (bytes) => void socket.send(bytes, peer.port, peer.address),
    signal: controller.signal,
  });
  const reason = new Error('enough');
  socket.on('message', (bytes) => {
    flow.receive(bytes);
    // The first of the data: the token alone is 64 bytes long.
    if (bytes.length === 100) controller.abort(reason);
  });
  await expect(flow.down({ kbps: 100, seconds: 60, bytes: 100 })).rejects.toBe(reason);
  // Answered after the stop, which was asked for before.
  const { flow: other } = await session.ask('count');
  const sent = await session.ask('counts', { flow: other - 1 });
  expect(sent).toMatchObject({ isOver: true });
  expect(reflector.stats().flowPackets).toBe(sent.packets);
});

test('rates that are none are refused', async () => {
  const { session } = await startSession();
  const { flow } = await bareFlow(session);
  for (const [argument, rate] of /** @type {[string, any][]} */ ([
    ['rate.kbps', { kbps: 0, seconds: 1 }],
    ['rate.kbps', { kbps: Number.NaN, seconds: 1 }],
    ['rate.seconds', { kbps: 1, seconds: Infinity }],
    ['rate.bytes', { kbps: 1, seconds: 1, bytes: 63 }],
    ['rate.bytes', { kbps: 1, seconds: 1, bytes: 1201 }],
  ])) {
    await expect(flow.up(rate)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT', argument });
    await expect(flow.down(rate)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT', argument });
  }
  expect(() => session.flow(/** @type {any} */ ({}))).toThrow(/options\.send/);
});
