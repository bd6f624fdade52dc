// Quality through relays of real servers, on loopback.
import { afterEach, describe, expect, test } from '@jest/globals';
import { LaneMeasurement } from '../../../js/measure/quality/measure-lane.js';
import { measureQuality } from '../../../js/measure/quality/measure-quality.js';
import { RelayLane } from '../../../js/measure/quality/relay-lane.js';
import { openReflector } from '../../../js/measure/reflector/open-reflector.js';
import { createReport } from '../../../js/report/index.js';
import { startWire } from '../../support/wire.js';
import { cleanUp as cleanUpReflector, startReflector } from '../reflector/support.js';
import {
  CA,
  cleanUp,
  HOST,
  onCleanUp,
  placeOf,
  relayAt,
  startServer,
  TLS,
  TrustingWebSocket,
  USER,
  until,
} from '../server/support.js';

/** @typedef {import('../../../js/measure/quality/measure-quality.js').QualityOptions} QualityOptions */
/** @typedef {import('../../../js/network-test/events.js').QualitySample} QualitySample */
/** @typedef {import('../../../js/server/index.js').Server} Server */

afterEach(async () => {
  await cleanUp();
  await cleanUpReflector();
});

const ALL = /** @type {const} */ (['udp', 'tcp', 'tls', 'ws', 'wss']);
const QUALITY = {
  seconds: 1,
  packetsPerSecond: 100,
  payloadBytes: 160,
  throughputSeconds: 1,
  maxKbps: 2000,
};
const CREDENTIALS = { username: USER.username, credential: USER.password };

/** @param {string} urls @param {Partial<QualityOptions>} [more] @returns {QualityOptions} */
const optionsFor = (urls, more) => ({
  server: { urls, ...CREDENTIALS },
  transport: 'udp',
  quality: QUALITY,
  timeoutMs: 5000,
  tls: { ca: CA },
  WebSocket: /** @type {any} */ (TrustingWebSocket),
  signal: new AbortController().signal,
  ...more,
});

/** @param {import('../../../js/server/index.js').ServerOptions} [options] */
const startAll = (options) =>
  startServer({ listen: ALL.map((protocol) => `${protocol}://${HOST}:0`), tls: TLS, ...options });

/** @param {Server} server @param {typeof ALL[number]} transport */
const urlOf = (server, transport) =>
  server.urls[server.addresses.indexOf(placeOf(server, transport))];

/** @param {import('../../../js/report/index.js').Measurement} measurement */
const reportOf = (measurement) =>
  createReport({
    createdAt: '2026-01-01T00:00:00Z',
    tool: { name: 'postern', version: '0' },
    platform: { name: 'node' },
    measurements: [measurement],
  });

/** A wire before the server, which closes with the test. @param {Server} server @param {Omit<Parameters<typeof startWire>[0], 'to'>} options */
async function wireBefore(server, options) {
  const wire = await startWire({ to: placeOf(server, options.transport ?? 'udp'), ...options });
  onCleanUp(() => wire.close());
  const urls = `turn:${HOST}:${wire.port}?transport=${options.transport ?? 'udp'}`;
  return { wire, urls };
}

describe.each(ALL)('over %s', (transport) => {
  test('all numbers, live ones, and the relay is given back', async () => {
    const server = await startAll();
    /** @type {QualitySample[]} */
    const samples = [];
    const urls = urlOf(server, transport);
    const onSample = (/** @type {QualitySample} */ sample) => void samples.push(sample);
    const measured = await measureQuality(optionsFor(urls, { transport, onSample }));
    expect(measured).toMatchObject({
      id: expect.stringMatching(new RegExp(`^quality/.*/${transport}$`)),
      kind: 'quality',
      whose: 'client',
      status: 'ok',
      transport,
      via: 'relay',
      jitter: { jitterMs: expect.any(Number) },
      mos: { low: expect.any(Number) },
      loadedLatency: { idleMs: expect.any(Number), loadedMs: expect.any(Number) },
    });
    const { arrivals, stalls, roundTrips, throughput } = measured;
    // A machine that is busy sends fewer, and makes up for none.
    expect(roundTrips?.n).toBeGreaterThan(20);
    expect(roundTrips?.n).toBeLessThanOrEqual(101);
    if (transport === 'udp') {
      expect(arrivals).toMatchObject({ sent: roundTrips?.n, received: roundTrips?.n, lost: 0 });
      expect(stalls).toBeUndefined();
    } else {
      expect(stalls?.n).toBe(Number(roundTrips?.n) - 1);
      expect(arrivals).toBeUndefined();
    }
    // 16 bytes of a kilobit for each that is allowed, twice as long as it took.
    expect(throughput?.bytes).toBeGreaterThan(5000);
    expect(throughput?.bytes).toBeLessThan((QUALITY.maxKbps / 8) * 1000 * 2);
    expect(reportOf(measured).measurements).toEqual([measured]);

    expect(samples.length).toBeGreaterThan(2);
    for (const [i, sample] of samples.entries()) {
      expect(sample).toMatchObject({ id: measured.id, transport });
      expect(sample.atMs).toBeGreaterThan(i === 0 ? 0 : samples[i - 1].atMs);
      expect(sample.lossRatio === null || transport === 'udp').toBe(true);
    }
    expect(samples.some(({ roundTripMs }) => roundTripMs !== null)).toBe(true);
    expect(samples[0].kbps).toBeNull();
    expect(samples.at(-1)?.kbps).toEqual(expect.any(Number));
    await until(() => server.allocations().length === 0);
  });
});

test.each([32, 1200])('packets of %i bytes', async (payloadBytes) => {
  const server = await startServer();
  const quality = { ...QUALITY, payloadBytes, throughputSeconds: 0 };
  const measured = await measureQuality(optionsFor(server.urls[0], { quality }));
  expect(measured).toMatchObject({ status: 'ok', arrivals: { lost: 0 } });
  expect(measured.throughput).toBeUndefined();
});

test('what a wire loses, copies and holds back is what is told', async () => {
  const server = await startServer();
  const { wire, urls } = await wireBefore(server, {
    up: { loss: 0.1, duplicates: 0.1 },
    isMeasured: ({ length }) => length === 164,
  });
  const quality = { ...QUALITY, throughputSeconds: 0 };
  const { arrivals, roundTrips } = await measureQuality(optionsFor(urls, { quality }));
  const { up } = wire.log;
  const lost = up.filter(({ sentMs }) => sentMs.length === 0).length;
  const copied = up.filter(({ sentMs }) => sentMs.length === 2).length;
  expect([lost > 0, copied > 0]).toEqual([true, true]);
  expect(arrivals).toMatchObject({ sent: up.length, lost, duplicates: copied, late: 0 });
  expect(roundTrips).toMatchObject({ n: up.length - lost, lost });
});

test('between two relays of a server, where one may not reach itself', async () => {
  const server = await startServer();
  const [one, two] = [await relayAt(server), await relayAt(server)];
  await one.permit(two.relayedAddress);
  await two.permit(one.relayedAddress);
  const { signal } = new AbortController();
  const lane = new RelayLane(one, two, false);
  const measurement = new LaneMeasurement(lane, {
    quality: { ...QUALITY, throughputSeconds: 0 },
    name: { id: 'quality/x', transport: 'udp' },
    onSample: undefined,
    signal,
  });
  expect(await measurement.knock()).toBe(true);
  await lane.bindChannels(two, signal);
  await measurement.run();
  expect(measurement.numbers.arrivals).toMatchObject({ lost: 0, duplicates: 0 });
  const { sent } = /** @type {NonNullable<typeof measurement.numbers.arrivals>} */ (
    measurement.numbers.arrivals
  );
  // Up by the one, down by the other: each packet crosses the path twice, as with one relay.
  expect(one.stats().messagesSent).toBeGreaterThanOrEqual(sent);
  expect([one.stats().messagesReceived, two.stats().messagesSent]).toEqual([0, 0]);
  expect(two.stats().messagesReceived).toBeGreaterThanOrEqual(sent);
});

describe('what cannot be measured', () => {
  test('a server that forbids the circle', async () => {
    const server = await startServer({ policy: {} });
    const measured = await measureQuality(optionsFor(server.urls[0]));
    expect(measured).toMatchObject({ status: 'unknown', because: expect.stringContaining('403') });
    expect(reportOf(measured).measurements).toHaveLength(1);
    await until(() => server.allocations().length === 0);
  });

  test('a server that refuses', async () => {
    const server = await startServer();
    const options = optionsFor(server.urls[0]);
    options.server.credential = 'wrong';
    expect(await measureQuality(options)).toMatchObject({
      status: 'failed',
      error: { code: 'ERR_STUN_UNAUTHENTICATED', errorCode: 401 },
    });
  });

  test('a server that is full: no relay', async () => {
    const server = await startServer({ quota: { allocationsPerUser: 1 } });
    await relayAt(server);
    expect(await measureQuality(optionsFor(server.urls[0]))).toMatchObject({
      status: 'failed',
      error: { code: 'ERR_STUN_RESPONSE', errorCode: 486 },
    });
  });

  test('silence', async () => {
    const server = await startServer();
    const { wire, urls } = await wireBefore(server, {});
    wire.cut();
    expect(await measureQuality(optionsFor(urls, { timeoutMs: 300 }))).toMatchObject({
      status: 'failed',
      error: { code: 'ERR_STUN_TIMEOUT' },
    });
  });

  test('a relay behind which all data is lost', async () => {
    const server = await startServer();
    const { urls } = await wireBefore(server, {
      up: { loss: 1 },
      isMeasured: ({ length }) => length > 600,
    });
    const quality = { ...QUALITY, payloadBytes: 600 };
    expect(await measureQuality(optionsFor(urls, { quality }))).toMatchObject({
      status: 'failed',
      error: { code: 'ERR_STUN_TIMEOUT', phase: 'peer' },
    });
    await until(() => server.allocations().length === 0);
  });

  test.each(/** @type {const} */ (['tcp', 'ws']))(
    'a server that goes while it measures, over %s: what it has measured stays',
    async (transport) => {
      const server = await startAll();
      const measured = await measureQuality(
        optionsFor(urlOf(server, transport), {
          transport,
          quality: { ...QUALITY, seconds: 30 },
          onSample: () => void server.close(),
        }),
      );
      expect(measured).toMatchObject({
        status: 'failed',
        error: { code: expect.stringMatching(/^ERR_/), message: expect.any(String) },
        roundTrips: { n: expect.any(Number) },
      });
      expect(measured.roundTrips?.n).toBeGreaterThan(0);
      expect(reportOf(measured).measurements).toHaveLength(1);
    },
  );

  test('a URL of something else', async () => {
    await expect(measureQuality(optionsFor('stun:127.0.0.1'))).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
    });
  });
});

describe('an abort', () => {
  test('before it begins', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    const server = await startServer();
    await expect(measureQuality(optionsFor(server.urls[0], { signal }))).rejects.toThrow('enough');
  });

  test.each([
    ['alone', (/** @type {QualitySample} */ { kbps }) => kbps === null],
    ['beside the load', (/** @type {QualitySample} */ { kbps }) => kbps !== null],
  ])('while packets go %s gives the relay back', async (_, isTime) => {
    const server = await startServer();
    const controller = new AbortController();
    const running = measureQuality(
      optionsFor(server.urls[0], {
        signal: controller.signal,
        onSample: (sample) => {
          if (isTime(sample)) controller.abort(new Error('enough'));
        },
      }),
    );
    await expect(running).rejects.toThrow('enough');
    await until(() => server.allocations().length === 0);
  });
});

describe('with a reflector', () => {
  const openAt = (/** @type {string} */ url) => (/** @type {AbortSignal} */ signal) =>
    openReflector(url, { signal });

  test('throughput each way, of a path that is narrower upwards', async () => {
    const server = await startServer();
    const { url } = await startReflector();
    const { urls } = await wireBefore(server, { up: { kbps: 400 }, down: { kbps: 1200 } });
    const quality = { ...QUALITY, throughputSeconds: 1 };
    const measured = await measureQuality(
      optionsFor(urls, { quality, openReflector: openAt(url) }),
    );
    const { throughput, throughputUp, throughputDown } = measured;
    expect(measured.status).toBe('ok');
    const up = Number(throughputUp?.kbps);
    // What the wire lets pass is with 4 bytes of TURN more.
    expect(Number(throughput?.kbps)).toBeLessThan(440);
    expect(up).toBeLessThan(440);
    expect(Number(throughputDown?.kbps)).toBeLessThan(1320);
    expect(Number(throughputDown?.kbps)).toBeGreaterThan(1.5 * up);
    expect(reportOf(measured).measurements).toEqual([measured]);
    await until(() => server.allocations().length === 0);
  });

  test('that the server forbids as a peer: the rest is there', async () => {
    const server = await startServer({ policy: { allow: ['127.0.0.1/32'] } });
    const { url } = await startReflector();
    const session = openAt(url);
    const measured = await measureQuality(
      optionsFor(server.urls[0], {
        openReflector: async (signal) => {
          const opened = await session(signal);
          Object.defineProperty(opened, 'peer', { value: { address: '127.0.0.9', port: 9 } });
          return opened;
        },
      }),
    );
    expect(measured).toMatchObject({ status: 'ok', throughput: { kbps: expect.any(Number) } });
    expect(measured).not.toHaveProperty('throughputUp');
  });

  test('that does not answer: the rest is there', async () => {
    const server = await startServer();
    const measured = await measureQuality(
      optionsFor(server.urls[0], { openReflector: openAt('http://127.0.0.1:9/reflector') }),
    );
    expect(measured).toMatchObject({ status: 'ok', throughput: { kbps: expect.any(Number) } });
    expect(measured).not.toHaveProperty('throughputDown');
  });
});
