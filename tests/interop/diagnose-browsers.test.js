// Pages in browsers test this machine's servers, under a strict policy: what works, and how well.
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer as createWebServer } from 'node:http';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { ECHO_PROTOCOL } from '../../js/diagnose/signalling.js';
import { createMirror } from '../../js/mirror/index.js';
import { openPage } from '../browser/browsers.js';
import { bundlePage, describeInBrowsers } from '../browser/in-browsers.js';
import { serve } from '../browser/server.js';
import { coturnVersion, startCoturn } from '../support/coturn.js';
import {
  CREDENTIALS,
  cleanUps,
  findingsOf,
  gatewayTo,
  LONG,
  OPTIONS,
  ofKind,
  own,
  POLICY,
  reportOf,
  runIn,
  site,
  turnServer,
  USER,
  webServer,
} from './diagnose-page.js';
import { HOST } from './server-support.js';

describeInBrowsers((running) => {
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
}, OPTIONS);

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
    launch: OPTIONS.launch,
  },
);
