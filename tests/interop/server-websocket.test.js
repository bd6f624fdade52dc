// Our client at our server over WebSocket: from Node.js, and from a page of a strict site.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { allocate } from '../../js/index.js';
import { BROWSERS, launchBrowser, openPage, reasonToSkip } from '../browser/browsers.js';
import { serve } from '../browser/server.js';
import { bundleRelay } from '../package/bundles.js';
import { projectDirectory } from '../package/consumer.js';
import { startUdpPeer } from '../support/udp-peers.js';
import { credentials, HOST, startServer, TrustingWebSocket, tls } from './server-support.js';
import { patternOf, take } from './turn-support.js';

jest.setTimeout(60_000);

describe('from Node.js', () => {
  /** @type {import('../../js/server/index.js').Server} */
  let server;
  beforeAll(async () => {
    server = await startServer({ listen: [`ws://${HOST}:0`, `wss://${HOST}:0`], tls });
  });
  afterAll(() => server?.close());

  test.each(['ws', 'wss'])(
    '%s: datagrams of each length go to a peer and come back',
    async (scheme) => {
      const url = server.urls.find((one) => one.startsWith(`${scheme}:`)) ?? '';
      const peer = await startUdpPeer({ host: HOST });
      const relay = await allocate(url, {
        credentials,
        WebSocket: /** @type {any} */ (TrustingWebSocket),
      });
      try {
        await relay.permit(peer);
        const channel = await relay.bindChannel(peer);
        for (const length of [0, 1, 2, 3, 4, 100, 1200, 9000]) {
          const sent = patternOf(length);
          relay.send(sent, peer);
          channel.send(sent);
          const messages = await take(relay, 2);
          expect(messages.map(({ data }) => Buffer.compare(data, sent))).toEqual([0, 0]);
        }
      } finally {
        await relay.close();
        await peer.close();
      }
    },
  );
});

const POLICY =
  "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' ws: wss:";

describe('from a page', () => {
  /** @type {import('../package/bundles.js').Bundle} */
  let bundle;
  /** @type {string} */
  let directory;
  beforeAll(async () => {
    // tests/package shows that what is packed does the same; here it is the server's turn.
    directory = mkdtempSync(join(tmpdir(), 'postern-page-'));
    mkdirSync(join(directory, 'node_modules'));
    const packageDirectory = join(directory, 'node_modules', 'postern');
    symlinkSync(projectDirectory, packageDirectory);
    bundle = await bundleRelay(/** @type {any} */ ({ directory, packageDirectory }));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  for (const name of BROWSERS) {
    const skipped = reasonToSkip(name);
    const title = 'indications, a channel and streams reach a UDP peer and come back';
    (skipped === undefined ? test : test.skip)(`${name}: ${title}`, async () => {
      // What the page in ../package/bundles.js says it is.
      const server = await startServer({
        listen: [`ws://${HOST}:0`],
        credentials: { user: 'pass' },
      });
      const peer = await startUdpPeer({ host: HOST });
      const site = await serve(bundle.directory, { policy: POLICY });
      const browser = await launchBrowser(name);
      try {
        const { page, problems } = await openPage(browser);
        const report = site.nextReport();
        const where = { gateway: server.urls[0], port: String(peer.port) };
        await page.goto(`${site.origin}/?${new URLSearchParams(where)}`);
        const visited = await report;
        // What the browser has to tell of the page so far comes before its answer to this.
        await page.title();
        expect({ ...visited, problems }).toMatchObject({
          result: {
            transport: 'ws',
            relayedAddress: HOST,
            indication: ['indication', { address: HOST, port: peer.port, family: 'IPv4' }, 0],
            overChannel: ['channel', true],
            streamed: ['stream', HOST, true],
            done: true,
            reason: 'closed',
          },
          violations: [],
          problems: [],
        });
        expect(peer.datagrams).toBe(3);
        expect(server.stats()).toMatchObject({ relayedToPeers: 3, relayedToClients: 3 });
      } finally {
        await browser.close();
        await site.close();
        await peer.close();
        await server.close();
      }
    });
  }
});
