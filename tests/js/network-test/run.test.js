// runNetworkTest(): its steps, events and arguments.
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { checkPlan, runNetworkTest } from '../../../js/network-test/index.js';
import { startHttpProxy } from '../../support/http-proxy.js';
import { rejection } from '../client/support.js';
import { LATER_MS, SILENT_RESOLVER } from '../measure/support.js';
import { startNatServer } from '../nat/support.js';
import { cleanUp as closeServers, startServer } from '../server/support.js';
import { cleanUp, cleanUpWith, tcpServer, udpServer } from '../transports/helpers.js';
import { applicationServer, BRIEF, CREDENTIALS, run, turnServer } from './support.js';

jest.setTimeout(60_000);
afterEach(cleanUp);
afterEach(closeServers);

/** @typedef {import('../../../js/network-test/index.js').NetworkPlan} NetworkPlan */

describe('the plan', () => {
  test('what is left out has no step', async () => {
    const { report, events } = await run({});
    expect(report).toMatchObject({ grade: 'unknown', measurements: [] });
    expect(events).toEqual([
      { type: 'plan', steps: [] },
      { type: 'report', report },
    ]);
  });

  /** @param {NetworkPlan} plan of servers that are not there @returns {Promise<string[]>} */
  async function stepsOf(plan) {
    const controller = new AbortController();
    /** @type {string[]} */
    let ids = [];
    const running = runNetworkTest(plan, {
      signal: controller.signal,
      resolver: SILENT_RESOLVER,
      onEvent: (event) => {
        if (event.type !== 'plan') return;
        ids = event.steps.map(({ id, title, expectedMs }) => {
          expect([title.length > 0, expectedMs > 0]).toEqual([true, true]);
          return id;
        });
        controller.abort('seen');
      },
    });
    // One without steps is done by then.
    await running.catch((reason) => expect(reason).toBe('seen'));
    return ids;
  }

  const turn = (/** @type {string[]} */ ...urls) => [{ urls, username: 'u', credential: 'p' }];

  test.each(
    /** @type {[string[], NetworkPlan][]} */ ([
      [
        ['names', 'relays', 'nat', 'quality/udp', 'quality/tcp'],
        { iceServers: turn('turn:a.example') },
      ],
      [['relays', 'nat'], { iceServers: turn('turn:192.0.2.1?transport=udp'), quality: false }],
      [['relays', 'nat'], { iceServers: [{ urls: 'stun:192.0.2.1' }] }],
      [['relays'], { iceServers: [{ urls: 'stun:192.0.2.1' }], natServer: false }],
      [['nat'], { natServer: 'stun:192.0.2.1' }],
      [['relays', 'quality/tcp'], { iceServers: turn('turn:192.0.2.1?transport=tcp') }],
      [
        ['names', 'certificates', 'relays', 'quality/tls', 'quality/wss'],
        { iceServers: turn('turns:a.example', 'wss://a.example/') },
      ],
      [['names', 'https', 'certificates'], { https: ['https://a.example/'] }],
      [['https'], { https: ['http://192.0.2.1/'] }],
      [['names', 'signalling', 'certificates'], { signalling: ['wss://a.example/'] }],
      [['ports', 'payloads', 'sip'], { reflector: 'http://192.0.2.1/reflector' }],
      // These are for pages.
      [[], { webTransport: ['https://a.example/'], mirror: 'https://a.example/mirror' }],
    ]),
  )('%j', async (expected, plan) => {
    expect(await stepsOf(plan)).toEqual(expected);
  });

  test.each(
    /** @type {[string, any][]} */ ([
      ['plan', null],
      ['plan.servers', { servers: [] }],
      ['plan.iceServers', { iceServers: 'turn:h' }],
      ['plan.iceServers[0].credential', { iceServers: [{ urls: 'turn:h', username: 'u' }] }],
      ['plan.iceServers[1]', { iceServers: [{ urls: 'turn:h' }, 5] }],
      ['plan.signalling[0]', { signalling: ['https://h/'] }],
      ['plan.https[1]', { https: ['https://h/', 'ftp://h/'] }],
      ['plan.proxy', { proxy: 'ftp://h' }],
      ['plan.proxy', { proxy: 'http://h/path' }],
      ['plan.natServer', { natServer: 'stun://h' }],
      ['plan.natServer', { natServer: 'stun:h?transport=sctp' }],
      ['plan.families', { families: [] }],
      ['plan.quality.seconds', { quality: { seconds: 1 } }],
      ['plan.quality.minutes', { quality: { minutes: 1 } }],
      ['plan.lifetimeSeconds[0]', { lifetimeSeconds: [0] }],
      ['plan.name', { name: '' }],
    ]),
  )('%s is checked', async (argument, plan) => {
    const error = await rejection(runNetworkTest(plan));
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ code: 'ERR_INVALID_ARGUMENT', argument });
  });

  test.each(
    /** @type {[string, any][]} */ ([
      ['options', 5],
      ['options.signal', { signal: 5 }],
      ['options.onEvent', { onEvent: 5 }],
      ['options.tls', { tls: 5 }],
      ['options.tls.rejectUnauthorized', { tls: { rejectUnauthorized: false } }],
      ['options.resolver', { resolver: {} }],
      ['options.timeoutMs', { timeoutMs: 0 }],
    ]),
  )('%s is checked', async (argument, options) => {
    const plan = { https: ['https://127.0.0.1:1/'] };
    expect(await rejection(runNetworkTest(plan, options))).toMatchObject({ argument });
  });

  test('checkPlan() completes it', () => {
    expect(checkPlan({})).toMatchObject({
      families: ['IPv4', 'IPv6'],
      quality: { seconds: 8, packetsPerSecond: 50 },
      lifetimeSeconds: [],
    });
  });
});

describe('events', () => {
  test('each step begins and ends, groups one after the other; each measurement once', async () => {
    const { urls } = await turnServer({ protocols: ['udp'] });
    const { https } = await applicationServer();
    const plan = {
      iceServers: [{ urls, ...CREDENTIALS }],
      https,
      natServer: /** @type {const} */ (false),
      quality: BRIEF,
    };
    const { report, events } = await run(plan);
    expect(events[0].type).toBe('plan');
    expect(events.at(-1)).toEqual({ type: 'report', report });
    const states = events.flatMap((event) =>
      event.type === 'step' ? [`${event.id} ${event.state}`] : [],
    );
    expect(states.slice(0, 2).sort()).toEqual(['https running', 'names running']);
    expect(states.slice(2, 4).sort()).toEqual(['https done', 'names done']);
    expect(states.slice(4)).toEqual([
      'certificates running',
      'certificates done',
      'relays running',
      'relays done',
      'quality/udp running',
      'quality/udp done',
    ]);
    const measured = events.flatMap((event) =>
      event.type === 'measurement' ? [event.measurement] : [],
    );
    expect(measured).toEqual(report.measurements);
    const samples = events.flatMap((event) => (event.type === 'sample' ? [event] : []));
    expect(samples.length).toBeGreaterThan(3);
    const quality = report.measurements.find(({ kind }) => kind === 'quality');
    expect(new Set(samples.map(({ sample }) => sample.id))).toEqual(new Set([quality?.id]));
  });

  test('the same server twice has two measurements', async () => {
    const { urls } = await turnServer({ protocols: ['udp'] });
    const iceServers = [
      { urls, ...CREDENTIALS },
      { urls, username: 'other', credential: 'no' },
    ];
    const { report } = await run({ iceServers, natServer: false, quality: false });
    const ids = report.measurements.map(({ id }) => id).sort();
    expect(ids[1]).toBe(`${ids[0]}/2`);
  });

  test('what a listener throws is reported, and ends nothing', async () => {
    /** @type {unknown[]} */
    const reported = [];
    const onException = (/** @type {unknown} */ error) => void reported.push(error);
    const before = globalThis.reportError;
    globalThis.reportError = onException;
    try {
      const report = await runNetworkTest(
        {},
        {
          onEvent: () => {
            throw new Error('mine');
          },
        },
      );
      expect(report.measurements).toEqual([]);
      expect(reported).toEqual([new Error('mine'), new Error('mine')]);
    } finally {
      globalThis.reportError = before;
    }
  });
});

describe('the server for the NAT', () => {
  /** @param {import('../../../js/report/index.js').Report} report */
  const natOf = ({ measurements }) =>
    measurements.flatMap((one) => (one.kind === 'nat' ? [one] : []));

  test('is the one of the plan', async () => {
    const server = await startNatServer();
    cleanUpWith(() => server.stop());
    const { report } = await run({ natServer: server.uri });
    expect(natOf(report)[0]).toMatchObject({ filtering: { value: 'endpoint-independent' } });
  });

  test('else the first that has answered over UDP', async () => {
    const { target } = await udpServer('127.0.0.1', 0, false);
    const server = await startServer();
    const iceServers = [
      {
        urls: [`stun:127.0.0.1:${target.port}`, server.urls[0].replace(/^turn/, 'turn')],
        ...CREDENTIALS,
      },
    ];
    const { report } = await run({ iceServers, quality: false }, { timeoutMs: LATER_MS });
    expect(natOf(report)).toEqual([expect.objectContaining({ status: 'ok' })]);
  });
});

describe('quality', () => {
  /** @param {import('../../../js/report/index.js').Report} report */
  const qualityOf = ({ measurements }) =>
    measurements.flatMap((one) => (one.kind === 'quality' ? [[one.id, one.status]] : []));

  /** @param {string} url @param {...string} more */
  const idOf = (url, ...more) =>
    ['quality', encodeURIComponent(url).replaceAll('%3A', ':'), ...more].join('/');

  test('is that of a relay that gives data back, be it the second', async () => {
    // Nobody may send to loopback through it.
    const refusing = await startServer({ policy: {} });
    const giving = await startServer();
    const urls = [refusing.urls[0], giving.urls[0]];
    const iceServers = [{ urls, ...CREDENTIALS }];
    const { report } = await run({ iceServers, natServer: false, quality: BRIEF });
    expect(qualityOf(report)).toEqual([[idOf(urls[1], 'udp', 'IPv4'), 'ok']]);
    const paths = report.measurements.map((one) => 'dataPath' in one && one.dataPath);
    expect(paths).toContain('refused');
  });

  test('is that of the straight way, where a proxy leads there too', async () => {
    const { server, urls } = await turnServer({ protocols: ['tcp'] });
    const proxy = await startHttpProxy();
    cleanUpWith(() => proxy.close());
    const iceServers = [{ urls, ...CREDENTIALS }];
    const { report } = await run({ iceServers, quality: BRIEF, proxy: proxy.url() });
    expect(proxy.requests.map(({ authority }) => authority)).toEqual([
      `127.0.0.1:${server.addresses[0].port}`,
    ]);
    expect(qualityOf(report)).toEqual([[idOf(urls[0], 'tcp', 'IPv4'), 'ok']]);
  });
});

test('with a reflector, throughput is measured each way too', async () => {
  const { server, urls } = await turnServer({ reflector: true, protocols: ['udp', 'ws'] });
  const reflector = `${server.urls[1].replace('ws:', 'http:')}reflector`;
  const iceServers = [{ urls: urls[0], ...CREDENTIALS }];
  const quality = { ...BRIEF, throughputSeconds: 1, maxKbps: 500 };
  const { report } = await run({ iceServers, natServer: false, reflector, quality });
  const found = report.measurements.find(({ kind }) => kind === 'quality');
  expect(found).toMatchObject({
    status: 'ok',
    throughput: { bytes: expect.any(Number) },
    throughputUp: { bytes: expect.any(Number) },
    throughputDown: { bytes: expect.any(Number) },
  });
});

test('a reflector that is not there: what it would tell is unknown', async () => {
  const { server, target } = await tcpServer(() => {});
  server.close();
  const { report } = await run({ reflector: `http://127.0.0.1:${target.port}/` });
  expect(report.measurements.map(({ kind, status }) => [kind, status]).sort()).toEqual([
    ['inspection', 'unknown'],
    ['port-map', 'unknown'],
    ['sip-alg', 'unknown'],
  ]);
  for (const { because, error } of report.measurements) {
    expect(because).toBe(error?.message);
  }
});
