// Pages in browsers test this machine's servers, under a strict policy: all is well, and what goes wrong is told as such.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer as createWebServer } from 'node:http';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { WebSocketServer } from 'ws';
import { ECHO_PROTOCOL } from '../../js/diagnose/signalling.js';
import { createGateway } from '../../js/gateway/index.js';
import { allocate } from '../../js/index.js';
import { createMirror } from '../../js/mirror/index.js';
import { fromJson } from '../../js/report/index.js';
import { openPage } from '../browser/browsers.js';
import { bundlePage, describeInBrowsers } from '../browser/in-browsers.js';
import { serve } from '../browser/server.js';
import { coturnVersion, startCoturn } from '../support/coturn.js';
import { HOST, startServer } from './server-support.js';

/** @typedef {import('../../js/diagnose/index.js').NetworkPlan} NetworkPlan */
/** @typedef {import('../../js/diagnose/index.js').TestEvent} TestEvent */
/** @typedef {import('../../js/report/index.js').Report} Report */

const USER = { username: 'user', credential: 'pass:word' };
const CREDENTIALS = { [USER.username]: USER.credential };
const LONG = 90_000;

/** Where a machine has nothing else, browsers find no address to send from. */
const own = Object.values(networkInterfaces())
  .flatMap((all) => all ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4')?.address;

/** What a page needs besides its own files: WebSockets and web servers of this machine. */
const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self'; " +
  `connect-src 'self' ws://${HOST}:* http://${HOST}:* https://${HOST}:*`;

/** Lets the test call diagnose(), and keeps an eye on all that is opened for it. */
const PROGRAM = `
  import { diagnose } from './js/diagnose/index.js';
  import { toJson } from './js/report/index.js';

  const opened = [];
  for (const name of ['RTCPeerConnection', 'WebSocket']) {
    const Original = globalThis[name];
    globalThis[name] = class extends Original {
      constructor(...args) {
        super(...args);
        opened.push(this);
      }
    };
  }
  const isClosed = (one) =>
    one instanceof WebSocket ? one.readyState >= WebSocket.CLOSING : one.signalingState === 'closed';

  globalThis.run = async (plan, { abortAt, without = [], ...options } = {}) => {
    for (const name of without) Reflect.deleteProperty(globalThis, name);
    const controller = new AbortController();
    const events = [];
    const onEvent = (event) => {
      events.push(event);
      if (event.type === abortAt) controller.abort('enough');
    };
    const { signal } = controller;
    const settings = { wasmUrl: '/engine.wasm', timeoutMs: 2000, ...options, signal, onEvent };
    const outcome = await diagnose(plan, settings).then(
      (report) => ({ json: toJson(report) }),
      (error) => ({ error: String(error.stack ?? error) }),
    );
    const open = opened.filter((one) => !isClosed(one)).length;
    // As one text: Firefox hands an object over once, and events have those of the report.
    return JSON.stringify({ ...outcome, events, opened: opened.length, open });
  };
`;

/** @type {Awaited<ReturnType<typeof bundlePage>>} */
let bundle;
/** @type {import('../browser/server.js').Site} */
let site;
beforeAll(async () => {
  bundle = await bundlePage(PROGRAM, 'diagnose');
  site = await serve(bundle.directory, { policy: POLICY });
}, 60_000);
afterAll(async () => {
  await site?.close();
  await bundle?.remove();
});

/** @type {(() => unknown)[]} */
const cleanUps = [];
afterEach(async () => {
  for (const end of cleanUps.splice(0).reverse()) await end();
});

/** @param {Parameters<typeof startServer>[0]} [options] */
async function turnServer(options = {}) {
  const server = await startServer({ credentials: CREDENTIALS, ...options });
  cleanUps.push(() => server.close());
  const [udp, tcp] = server.urls;
  return { server, udp, tcp, stun: udp.replace(/^turn:(.*)\?.*$/, 'stun:$1') };
}

/** A gateway in front of a TURN server, which lets this page in. @param {string} url */
async function gatewayTo(url) {
  const gateway = await createGateway({
    port: 0,
    upstreams: { main: { url, allowPrivate: true } },
    origins: [site.origin],
    tickets: false,
    policy: { allow: [HOST] },
  });
  cleanUps.push(() => gateway.close());
  return `${gateway.url}main`;
}

/** A web server on a port of its own: /shared may be read by pages of others; WebSockets on /echo and /plain. */
async function webServer() {
  const server = createWebServer((request, response) => {
    if (request.url === '/shared') response.setHeader('Access-Control-Allow-Origin', '*');
    response.writeHead(204).end();
  });
  const sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (protocols, request) =>
      request.url === '/echo' && protocols.has(ECHO_PROTOCOL) ? ECHO_PROTOCOL : false,
  });
  server.on('upgrade', (request, socket, head) =>
    sockets.handleUpgrade(request, socket, head, (client) => {
      client.on('message', (data, isBinary) => client.send(data, { binary: isBinary }));
    }),
  );
  server.listen(0, HOST);
  await once(server, 'listening');
  cleanUps.push(() => {
    for (const client of sockets.clients) client.terminate();
    server.close();
    server.closeAllConnections();
  });
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return `${HOST}:${port}`;
}

/** A UDP port that takes everything and answers nothing. */
async function silentPort() {
  const socket = createSocket('udp4');
  socket.bind(0, HOST);
  await once(socket, 'listening');
  cleanUps.push(() => socket.close());
  return socket.address().port;
}

/**
 * @param {import('puppeteer-core').Browser} browser
 * @param {NetworkPlan} plan
 * @param {{ timeoutMs?: number, abortAt?: TestEvent['type'], without?: string[] }} [options]
 */
async function runIn(browser, plan, options = {}) {
  const { page, problems } = await openPage(browser);
  try {
    await page.goto(site.origin);
    await page.waitForFunction('globalThis.run !== undefined');
    const found = await page.evaluate(
      (given, settings) => /** @type {any} */ (globalThis).run(given, settings),
      plan,
      options,
    );
    const { json, events, ...rest } =
      /** @type {{ json?: string, error?: string, events: TestEvent[], opened: number, open: number }} */ (
        JSON.parse(found)
      );
    // It is valid, or it would not be read.
    if (json !== undefined) fromJson(json);
    const report = events.flatMap((event) => (event.type === 'report' ? [event.report] : []))[0];
    return { report, events, ...rest, problems };
  } finally {
    await page.close();
  }
}

/** @param {{ report?: Report, error?: string }} found @returns {Report} */
function reportOf({ report, error }) {
  if (report === undefined) throw new Error(error);
  return report;
}

/**
 * Measurements of a kind.
 *
 * @template {import('../../js/report/index.js').Measurement['kind']} K
 * @param {Report} report
 * @param {K} kind
 */
const ofKind = ({ measurements }, kind) =>
  measurements.flatMap((one) =>
    one.kind === kind
      ? [/** @type {Extract<import('../../js/report/index.js').Measurement, { kind: K }>} */ (one)]
      : [],
  );
/** @param {Report} report */
const findingsOf = ({ findings }) => findings.map(({ id }) => id);

describeInBrowsers(
  (running) => {
    test(
      'all is well: servers, gateway, web, NAT, quality',
      async () => {
        const { udp, tcp, stun, server } = await turnServer();
        const gateway = await gatewayTo(tcp);
        const web = await webServer();
        const plan = {
          name: 'all',
          iceServers: [{ urls: stun }, { urls: [udp, tcp, gateway], ...USER }],
          https: [`http://${web}/shared`, `http://${web}/own`, '/index.html'],
          signalling: [`ws://${web}/echo`],
          quality: { seconds: 2, throughputSeconds: 1, maxKbps: 1000 },
        };
        const found = await runIn(running.browser, plan);
        const report = reportOf(found);
        // A request that shares nothing with this origin fails, and those that were answered are ended early.
        const expected = new RegExp(`CORS|Cross-Origin|net::ERR_FAILED|${web}|index.html`);
        expect(found.problems.filter((one) => !expected.test(one))).toEqual([]);
        expect(report).toMatchObject({
          name: 'all',
          tool: { name: 'postern', version: expect.stringMatching(/^\d/) },
          platform: { name: running.name, version: expect.stringMatching(/^\d+/) },
        });
        expect(['excellent', 'good']).toContain(report.grade);

        const reached = ofKind(report, 'reachability');
        expect(
          reached.map(({ transport, service, status, dataPath }) => [
            ...[service, transport, status, dataPath],
          ]),
        ).toEqual(
          expect.arrayContaining([
            ['stun', 'udp', 'ok', undefined],
            ['turn', 'udp', 'ok', 'proven'],
            ['turn', 'tcp', 'ok', 'proven'],
            ['turn', 'ws', 'ok', 'proven'],
          ]),
        );
        expect(reached).toHaveLength(4);
        for (const one of reached.filter(({ service }) => service === 'turn')) {
          expect(one).toMatchObject({
            whose: 'client',
            username: USER.username,
            relayedAddress: { address: HOST, port: expect.any(Number) },
            roundTripMs: expect.any(Number),
            echoes: { sent: 5, received: 5 },
          });
          expect(one.phases).toMatchObject({ firstByte: expect.any(Number) });
        }
        expect(reached.find(({ service }) => service === 'stun')?.mappedAddress).toEqual({
          address: expect.stringMatching(/^[\d.]+$/),
          port: expect.any(Number),
        });

        const statuses = ofKind(report, 'https').map(({ url, status, httpStatus }) => [
          ...[new URL(url).pathname, status, httpStatus],
        ]);
        expect(statuses).toEqual(
          expect.arrayContaining([
            ['/shared', 'ok', 204],
            // Of another origin that shares nothing a page knows only that it is there.
            ['/own', 'ok', undefined],
            ['/index.html', 'ok', 200],
          ]),
        );
        expect(ofKind(report, 'signalling')).toEqual([
          expect.objectContaining({
            status: 'ok',
            protocol: ECHO_PROTOCOL,
            connectMs: expect.any(Number),
            roundTripMs: expect.any(Number),
          }),
        ]);

        const [path] = ofKind(report, 'path');
        expect(path.candidates.map(({ type }) => type)).toEqual(
          expect.arrayContaining(['host', 'srflx', 'relay']),
        );
        expect(path.selected?.remote).toBe('relay');
        // One server tells nothing of the mapping; what is seen through the gateway is no NAT of the user's.
        expect(ofKind(report, 'nat')).toEqual([
          expect.objectContaining({
            method: 'ice',
            status: 'unknown',
            because: expect.stringContaining('one STUN server only'),
          }),
        ]);

        const qualities = ofKind(report, 'quality');
        expect(qualities.map(({ transport, status }) => [transport, status])).toEqual([
          ['udp', 'ok'],
          ['tcp', 'ok'],
          ['ws', 'ok'],
        ]);
        for (const {
          transport,
          roundTrips,
          arrivals,
          stalls,
          throughput,
          loadedLatency,
        } of qualities) {
          expect(roundTrips?.n).toBeGreaterThan(50);
          expect(arrivals === undefined).toBe(transport !== 'udp');
          expect(stalls === undefined).toBe(transport === 'udp');
          expect(throughput?.bytes).toBeGreaterThan(0);
          expect(loadedLatency?.loadedMs).toEqual(expect.any(Number));
        }

        const types = found.events.map(({ type }) => type);
        expect(types[0]).toBe('plan');
        expect(types.at(-1)).toBe('report');
        const samples = found.events.flatMap((event) => (event.type === 'sample' ? [event] : []));
        for (const { transport } of qualities) {
          const of = samples.filter(({ step }) => step === `quality/${transport}`);
          expect(of.length).toBeGreaterThan(4);
          expect(of.some(({ sample }) => (sample.kbps ?? 0) > 0)).toBe(true);
          expect(of.some(({ sample }) => sample.roundTripMs !== null)).toBe(true);
        }
        expect(found.opened).toBeGreaterThan(8);
        expect(found.open).toBe(0);
        while (server.stats().allocations > 0) await new Promise(setImmediate);
      },
      LONG,
    );

    test(
      'the sample of docs/diagnose.md',
      async () => {
        const text = await readFile(new URL('../../docs/diagnose.md', import.meta.url), 'utf8');
        const [, sample] = /** @type {RegExpExecArray} */ (
          /<!-- run -->\n```js\n([\s\S]*?)```/.exec(text)
        );
        const program = sample
          .replace("'postern/diagnose'", "'./js/diagnose/index.js'")
          .replace("'postern/report'", "'./js/report/index.js'");
        const { udp } = await turnServer();
        const made = await bundlePage(program, 'sample');
        cleanUps.push(made.remove);
        const plan = { iceServers: [{ urls: udp, ...USER }], quality: false };
        await writeFile(join(made.directory, 'plan.json'), JSON.stringify(plan));
        const own = await serve(made.directory, { policy: POLICY });
        cleanUps.push(() => own.close());
        const { page } = await openPage(running.browser);
        try {
          await page.goto(own.origin);
          await page.waitForFunction(
            "document.querySelector('pre')?.textContent.includes('Calls will work well')",
          );
          const shown = await page.evaluate("document.querySelector('pre').textContent");
          expect(shown).toMatch(/^reachability\/turn:.*: ok$/m);
        } finally {
          await page.close();
        }
      },
      LONG,
    );

    test(
      'a wrong password is told as such, over UDP, TCP and the gateway',
      async () => {
        const { udp, tcp } = await turnServer();
        const gateway = await gatewayTo(tcp);
        const iceServers = [{ urls: [udp, tcp, gateway], username: 'user', credential: 'wrong' }];
        const report = reportOf(
          await runIn(running.browser, { iceServers, quality: { seconds: 2 } }),
        );
        for (const { status, error } of ofKind(report, 'reachability')) {
          expect(status).toBe('failed');
          expect(error).toMatchObject({ code: 'ERR_STUN_UNAUTHENTICATED', errorCode: 401 });
        }
        expect(findingsOf(report)).toContain('credentials-refused');
        expect(findingsOf(report)).not.toContain('udp-blocked');
        expect(ofKind(report, 'quality').map(({ status, because }) => [status, because])).toEqual([
          ['skipped', 'no data has passed a relay over UDP'],
          ['skipped', 'no data has passed a relay over TCP'],
          ['skipped', 'no data has passed a relay over WebSocket'],
        ]);
      },
      LONG,
    );

    test(
      'UDP is silent, TCP is not',
      async () => {
        const { tcp } = await turnServer();
        const silent = await silentPort();
        const iceServers = [
          { urls: `stun:${HOST}:${silent}` },
          { urls: [`turn:${HOST}:${silent}?transport=udp`, tcp], ...USER },
        ];
        const report = reportOf(await runIn(running.browser, { iceServers, quality: false }));
        const outcomes = ofKind(report, 'reachability').map(
          ({ service, transport, status, error }) => [...[service, transport, status, error?.code]],
        );
        expect(outcomes).toEqual(
          expect.arrayContaining([
            ['stun', 'udp', 'failed', 'ERR_STUN_TIMEOUT'],
            ['turn', 'udp', 'failed', 'ERR_STUN_TIMEOUT'],
            ['turn', 'tcp', 'ok', undefined],
          ]),
        );
        expect(findingsOf(report)).toEqual(expect.arrayContaining(['udp-blocked', 'relay-works']));
        expect(report.asks).toContainEqual(
          expect.objectContaining({ protocol: 'udp', ports: [silent], addresses: [HOST] }),
        );
        expect(ofKind(report, 'nat')).toEqual([
          expect.objectContaining({ because: 'no STUN server answered over UDP' }),
        ]);
      },
      LONG,
    );

    test(
      'the server is down, and the gateway with it',
      async () => {
        const { udp, tcp, server } = await turnServer();
        const gateway = await gatewayTo(tcp);
        await server.close();
        const iceServers = [{ urls: [udp, tcp, gateway], ...USER }];
        const web = await webServer();
        const https = [`http://${web}/shared`];
        const report = reportOf(
          await runIn(running.browser, { iceServers, https, quality: false }),
        );
        expect(
          ofKind(report, 'reachability').map(({ transport, status, error }) => [
            ...[transport, status, error?.code],
          ]),
        ).toEqual(
          expect.arrayContaining([
            ['udp', 'failed', 'ERR_STUN_TIMEOUT'],
            ['tcp', 'failed', 'ERR_TRANSPORT_CONNECT'],
            ['ws', 'failed', 'ERR_TRANSPORT_CLOSED'],
          ]),
        );
        expect(report.grade).toBe('blocked');
      },
      LONG,
    );

    test(
      'a quota of one allocation is no fault where the relay works',
      async () => {
        // The other end has no relay: it is reached by an address of this machine, which browsers pair with no loopback one.
        const host = /** @type {string} */ (own);
        const { udp } = await turnServer({
          listen: [`udp://${host}:0`],
          relay: { addresses: [host] },
          policy: { allow: [`${host}/32`] },
          quota: { allocationsPerUser: 1 },
        });
        const iceServers = [{ urls: udp, ...USER }];
        const report = reportOf(await runIn(running.browser, { iceServers, quality: false }));
        expect(ofKind(report, 'reachability')).toEqual([
          expect.objectContaining({ status: 'ok', dataPath: 'proven' }),
        ]);
      },
      LONG,
    );

    test(
      'a quota that others have used up is told by its error code',
      async () => {
        const { udp, tcp } = await turnServer({ quota: { allocationsPerUser: 1 } });
        const held = await allocate({ urls: udp, ...USER });
        cleanUps.push(() => held.close());
        const iceServers = [{ urls: [udp, tcp], ...USER }];
        const report = reportOf(await runIn(running.browser, { iceServers, quality: false }));
        const errors = ofKind(report, 'reachability').map(({ error }) => error);
        expect(errors).toEqual([
          expect.objectContaining({ code: 'ERR_STUN_RESPONSE', errorCode: 486 }),
          expect.objectContaining({ code: 'ERR_STUN_RESPONSE', errorCode: 486 }),
        ]);
        expect(findingsOf(report)).toContain('quota-reached');
      },
      LONG,
    );

    test(
      'the NAT, as two STUN servers see it from one socket',
      async () => {
        const servers = [];
        for (const host of [HOST, '127.0.0.2']) {
          servers.push(await turnServer({ listen: [`udp://${host}:0`] }));
        }
        const iceServers = servers.map(({ stun }) => ({ urls: stun }));
        const report = reportOf(await runIn(running.browser, { iceServers, quality: false }));
        expect(ofKind(report, 'nat')).toEqual([
          expect.objectContaining({
            method: 'ice',
            status: 'ok',
            mapping: { value: 'endpoint-independent' },
            filtering: expect.objectContaining({ value: 'unknown' }),
            portPreservation: { value: 'yes' },
            mappedAddresses: [{ address: expect.any(String), port: expect.any(Number) }],
          }),
        ]);
        expect(findingsOf(report)).toContain('nat-direct');
      },
      LONG,
    );

    test(
      'the NAT and its ports, as a mirror sees them; and a mirror that is not there',
      async () => {
        const mirror = await createMirror({
          addresses: [/** @type {string} */ (own)],
          origins: [site.origin],
          portMap: [21_201, 5060],
        });
        cleanUps.push(() => mirror.close());
        const web = createWebServer(mirror.handler);
        web.listen(0, HOST);
        await once(web, 'listening');
        cleanUps.push(() => {
          web.close();
          web.closeAllConnections();
        });
        const { port } = /** @type {import('node:net').AddressInfo} */ (web.address());
        const plan = { mirror: `http://${HOST}:${port}/` };
        const report = reportOf(await runIn(running.browser, plan));
        expect(ofKind(report, 'nat')).toEqual([
          expect.objectContaining({
            method: 'mirror',
            status: 'ok',
            behindNat: { value: 'no' },
            mappedAddresses: [{ address: own, port: expect.any(Number) }],
          }),
        ]);
        expect(ofKind(report, 'port-map').map(({ ports }) => ports)).toEqual([
          [
            expect.objectContaining({ port: 5060, outwards: 'untestable' }),
            { port: 21_201, outwards: 'open', inwards: 'open' },
          ],
        ]);
        expect(findingsOf(report)).toEqual(expect.arrayContaining(['no-nat', 'ports-untestable']));

        const other = reportOf(await runIn(running.browser, { mirror: `http://${HOST}:9/` }));
        expect(ofKind(other, 'nat')).toEqual([
          expect.objectContaining({
            status: 'unknown',
            because: expect.stringContaining('The mirror could not be reached'),
          }),
        ]);
      },
      LONG,
    );

    test(
      'what the policy of the page forbids is skipped, and says so',
      async () => {
        const plan = {
          https: ['http://127.0.0.2:9/'],
          signalling: ['ws://127.0.0.2:9/'],
          webTransport: ['https://127.0.0.2:9/'],
          iceServers: [{ urls: 'ws://127.0.0.2:9/turn', ...USER }],
          quality: /** @type {const} */ (false),
        };
        const report = reportOf(await runIn(running.browser, plan));
        for (const kind of /** @type {const} */ ([
          'https',
          'signalling',
          'webtransport',
          'reachability',
        ])) {
          expect(ofKind(report, kind)).toEqual([
            expect.objectContaining({
              status: 'skipped',
              because: expect.stringContaining('Content-Security-Policy'),
            }),
          ]);
        }
      },
      LONG,
    );

    test(
      'web servers that do not answer, and a WebSocket that does not echo',
      async () => {
        const web = await webServer();
        const plan = {
          https: [`http://${HOST}:9/`],
          signalling: [`ws://${HOST}:9/`, `ws://${web}/plain`],
          webTransport: [`https://${HOST}:9/`],
        };
        const report = reportOf(await runIn(running.browser, plan));
        expect(ofKind(report, 'https')).toEqual([
          expect.objectContaining({
            status: 'failed',
            error: expect.objectContaining({ code: 'ERR_TRANSPORT_CONNECT' }),
          }),
        ]);
        expect(ofKind(report, 'webtransport')).toEqual([
          expect.objectContaining({
            status: 'failed',
            error: expect.objectContaining({
              code: expect.stringMatching(/^ERR_(TRANSPORT_CONNECT|STUN_TIMEOUT)$/),
            }),
          }),
        ]);
        const outcomes = ofKind(report, 'signalling').map(({ url, status, protocol }) => [
          ...[url, status, protocol],
        ]);
        expect(outcomes.sort()).toEqual(
          [
            [`ws://${HOST}:9/`, 'failed', undefined],
            // It does not know the sub-protocol that echoes.
            [`ws://${web}/plain`, 'ok', undefined],
          ].sort(),
        );
      },
      LONG,
    );

    test(
      'a browser without WebRTC and WebTransport',
      async () => {
        const plan = {
          iceServers: [{ urls: `turn:${HOST}:9?transport=udp`, ...USER }],
          webTransport: [`https://${HOST}:9/`],
          quality: /** @type {const} */ (false),
        };
        const without = ['RTCPeerConnection', 'WebTransport'];
        const report = reportOf(await runIn(running.browser, plan, { without }));
        expect(findingsOf(report)).toContain('webrtc-disabled');
        expect(ofKind(report, 'reachability')[0]).toMatchObject({ status: 'unknown' });
        expect(ofKind(report, 'webtransport')[0]).toMatchObject({
          status: 'skipped',
          because: 'this browser has no WebTransport',
        });
      },
      LONG,
    );

    test.each(/** @type {const} */ (['measurement', 'sample']))(
      'an abort at the first %s closes everything',
      async (abortAt) => {
        const { udp, tcp, server } = await turnServer();
        const gateway = await gatewayTo(tcp);
        const silent = await silentPort();
        const plan = {
          iceServers: [
            { urls: [udp, tcp, gateway, `turn:${HOST}:${silent}?transport=udp`], ...USER },
          ],
          quality: { seconds: 5 },
        };
        const { error, opened, open } = await runIn(running.browser, plan, { abortAt });
        expect(error).toBe('enough');
        expect(opened).toBeGreaterThan(3);
        expect(open).toBe(0);
        while (server.stats().allocations > 0) await new Promise(setImmediate);
      },
      LONG,
    );
  },
  {
    missing: process.env.CI !== 'true' && own === undefined && 'this machine has loopback only',
    // Firefox sends from the loopback address only when it is told to.
    launch: { preferences: { 'media.peerconnection.ice.loopback': true } },
  },
);

describeInBrowsers(
  (running) => {
    test(
      'coturn: relays over UDP and TCP; and one that lets no relay reach its own addresses',
      async () => {
        const users = CREDENTIALS;
        const coturn = await startCoturn({ hosts: [HOST], users });
        cleanUps.push(() => coturn.stop());
        const closed = await startCoturn({
          hosts: [HOST],
          users,
          deniedPeers: ['0.0.0.0-255.255.255.255'],
        });
        cleanUps.push(() => closed.stop());
        const iceServers = [
          { urls: `stun:${HOST}:${coturn.port}` },
          {
            urls: [coturn.port, closed.port].flatMap((port) =>
              ['udp', 'tcp'].map((transport) => `turn:${HOST}:${port}?transport=${transport}`),
            ),
            ...USER,
          },
        ];
        const report = reportOf(await runIn(running.browser, { iceServers, quality: false }));
        const outcomes = ofKind(report, 'reachability').map(
          ({ service, transport, port, status, dataPath }) => [
            ...[service, transport, port === coturn.port, status, dataPath],
          ],
        );
        expect(outcomes).toEqual(
          expect.arrayContaining([
            ['stun', 'udp', true, 'ok', undefined],
            ['turn', 'udp', true, 'ok', 'proven'],
            ['turn', 'tcp', true, 'ok', 'proven'],
            ['turn', 'udp', false, 'failed', 'lost'],
            ['turn', 'tcp', false, 'failed', 'lost'],
          ]),
        );
        // Two STUN servers of one machine, on other ports: the mapping does not depend on ports, and no more is known.
        expect(ofKind(report, 'nat')).toEqual([
          expect.objectContaining({
            status: 'unknown',
            because: expect.stringMatching(/one STUN server only|one address/),
          }),
        ]);
      },
      LONG,
    );
  },
  {
    missing: process.env.CI !== 'true' && coturnVersion === undefined && 'coturn is not on PATH',
    launch: { preferences: { 'media.peerconnection.ice.loopback': true } },
  },
);
