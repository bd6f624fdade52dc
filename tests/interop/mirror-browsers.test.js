// Pages in browsers on this machine ask a mirror on it: no NAT, a strict policy, and what goes wrong.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { networkInterfaces } from 'node:os';
import { afterEach, expect, test } from '@jest/globals';
import { createMirror } from '../../js/mirror/index.js';
import { openPage } from '../browser/browsers.js';
import { describeInBrowsers } from '../browser/in-browsers.js';
import { diagnoseIn, servePage } from './mirror-page.js';

/** Browsers do not send to loopback addresses from others. @param {'IPv4' | 'IPv6'} wanted */
const ownAddress = (wanted) =>
  Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .find(
      ({ internal, family, address }) =>
        !internal && family === wanted && !/^fe[89ab]/.test(address),
    )?.address;
const own = ownAddress('IPv4');
const ownV6 = ownAddress('IPv6');
const alone = own === undefined ? 'skipped: this machine has loopback only' : undefined;

const UNTESTABLE = 5060;

/** @type {(() => unknown)[]} */
const cleanUps = [];
afterEach(async () => {
  for (const end of cleanUps.splice(0).reverse()) await end();
});

/** A mirror, and a page that it lets in. @param {{ isLetIn?: boolean }} [options] */
async function startMirror({ isLetIn = true } = {}) {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanUps.push(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const url = `http://127.0.0.1:${port}/mirror`;
  const site = await servePage(url);
  cleanUps.push(site.close);
  const mirror = await createMirror({
    addresses: [own, ownV6].filter((address) => address !== undefined),
    origins: [isLetIn ? site.origin : 'https://app.example.org'],
    portMap: [21_101, 21_102, UNTESTABLE],
  });
  cleanUps.push(() => mirror.close());
  server.on('request', mirror.handler);
  return { url, origin: site.origin, mirror };
}

describeInBrowsers(
  (running) => {
    test('a page learns that there is no NAT, and what one address of the mirror cannot tell', async () => {
      const { url, origin, mirror } = await startMirror();
      const { diagnosis, steps, problems } = await diagnoseIn(running.browser, origin, { url });
      const oneAddress = {
        value: 'unknown',
        reason: 'one-address',
        because: 'the mirror has one address only',
        oneOf: ['endpoint-independent', 'address-dependent'],
      };
      const noNat = { value: 'unknown', reason: 'no-nat', because: 'there is no NAT on the way' };
      const both = { isTestable: true, out: true, in: true };
      expect(diagnosis).toEqual({
        whose: 'client',
        publicAddress: { value: { address: own, port: expect.any(Number), family: 'IPv4' } },
        mapping: oneAddress,
        filtering: oneAddress,
        behindNat: { value: false },
        portPreservation: noNat,
        hairpinning: noNat,
        bindingLifetime: expect.objectContaining({ reason: 'not-asked' }),
        portMap: {
          value: [
            { port: UNTESTABLE, isTestable: false },
            { port: 21_101, ...both },
            { port: 21_102, ...both },
          ],
        },
        otherPaths: [],
        confirmed: false,
      });
      expect(steps).toEqual(
        expect.arrayContaining(['filtering', 'mapping', 'connecting', 'ports']),
      );
      expect(problems).toEqual([]);
      expect(mirror.stats()).toMatchObject({ sessions: 0, malformed: 0, forged: 0, refused: 0 });
    }, 60_000);

    (ownV6 === undefined ? test.skip : test)(
      `over IPv6${ownV6 === undefined ? ' (skipped: this machine has none)' : ''}`,
      async () => {
        const { url, origin } = await startMirror();
        const options = { url, family: 'IPv6', hairpinning: false };
        const { diagnosis } = await diagnoseIn(running.browser, origin, options);
        expect(diagnosis).toMatchObject({
          publicAddress: { value: { address: ownV6, family: 'IPv6' } },
          behindNat: { value: false },
          mapping: { reason: 'one-address' },
        });
        expect(diagnosis.portMap.value).toContainEqual({
          port: 21_101,
          isTestable: true,
          out: true,
          in: true,
        });
      },
      60_000,
    );

    test('a second run confirms it', async () => {
      const { url, origin } = await startMirror();
      const options = { url, confirm: true, hairpinning: false, ports: false };
      const { diagnosis, steps } = await diagnoseIn(running.browser, origin, options);
      expect(diagnosis).toMatchObject({ behindNat: { value: false }, confirmed: true });
      expect(steps).toEqual([
        ...['filtering', 'mapping', 'connecting'],
        ...['confirming', 'filtering', 'mapping', 'connecting'],
      ]);
    }, 60_000);

    test('a page of another origin learns nothing, and no packet is sent', async () => {
      const { url, origin, mirror } = await startMirror({ isLetIn: false });
      const { code } = await diagnoseIn(running.browser, origin, { url });
      expect(code).toBe('ERR_MIRROR_UNREACHABLE');
      expect(mirror.stats()).toMatchObject({ started: 0, packetsSent: 0 });
    }, 60_000);

    test('what the policy of the page forbids is told apart from a NAT', async () => {
      const { origin } = await startMirror();
      const { code } = await diagnoseIn(running.browser, origin, {
        url: 'http://127.0.0.1:9/mirror',
      });
      expect(code).toBe('ERR_MIRROR_UNREACHABLE');
    }, 60_000);

    test('a page without WebRTC, and one that gives up', async () => {
      const { url, origin, mirror } = await startMirror();
      const { page } = await openPage(running.browser);
      try {
        await page.goto(origin);
        const found = await page.evaluate(async (where) => {
          const path = '/diagnose/index.js';
          const { diagnoseNat } = await import(path);
          const codeOf = (/** @type {Promise<unknown>} */ promise) =>
            promise.then(
              () => 'none',
              (/** @type {any} */ error) => error.code ?? String(error),
            );
          const controller = new AbortController();
          const onProgress = (/** @type {string} */ step) => {
            if (step === 'mapping') controller.abort('enough');
          };
          const { signal } = controller;
          const aborted = await codeOf(diagnoseNat({ url: where, signal, onProgress }));
          const again = await codeOf(diagnoseNat({ url: where, signal }));
          const badUrl = await codeOf(diagnoseNat({ url: 'turn:192.0.2.1' }));
          // As extensions that turn it off do.
          Reflect.deleteProperty(globalThis, 'RTCPeerConnection');
          const without = await codeOf(diagnoseNat({ url: where }));
          return { aborted, again, badUrl, without };
        }, url);
        expect(found).toEqual({
          aborted: 'enough',
          again: 'enough',
          badUrl: 'ERR_INVALID_ARGUMENT',
          without: 'ERR_WEBRTC_UNAVAILABLE',
        });
        // The page has told the mirror that it will not come back.
        while (mirror.stats().sessions > 0) await new Promise(setImmediate);
      } finally {
        await page.close();
      }
    }, 60_000);
  },
  { missing: alone ?? false },
);
