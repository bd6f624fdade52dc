// A relay in a page: what Vite makes of the packed client, in browsers, under the policy of a strict site; over a
// WebSocket, through a gateway, to a real coturn, and from there over UDP to a peer.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openPage } from '../browser/browsers.js';
import { describeInBrowsers } from '../browser/in-browsers.js';
import { serve } from '../browser/server.js';
import { coturnVersion, startCoturn } from '../support/coturn.js';
import { startUdpPeer } from '../support/udp-peers.js';
import { openBridge } from '../support/websocket-bridge.js';
import { bundleRelay } from './bundles.js';
import { installPackage } from './consumer.js';

/** What a page needs that talks to a gateway of another origin. */
const POLICY =
  "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' ws: wss:";

/** @type {import('./bundles.js').Bundle} */
let bundle;
/** @type {(() => unknown)[]} */
const cleanUps = [];

beforeAll(async () => {
  const consumer = await installPackage();
  cleanUps.push(consumer.remove);
  bundle = await bundleRelay(consumer);
}, 60_000);
afterAll(async () => {
  for (const end of cleanUps.splice(0).reverse()) await end();
});

describe('the bundle', () => {
  test('is made without a warning, and leaves nothing to Node.js or to eval', () => {
    const { code, output } = bundle;
    expect(output).toBe('');
    expect(code).not.toMatch(/["']node:|__vite-browser-external|\brequire\(/);
    expect(code).not.toMatch(/\beval\(|new Function\b/);
  });

  test('has the client, and nothing that pages cannot use', () => {
    const { code, files } = bundle;
    const wasm = files.filter((file) => file.endsWith('.wasm'));
    expect(wasm).toEqual([expect.stringMatching(/engine[\w-]*\.wasm$/)]);
    // Words that stand in each of these alone, and that no minifier changes.
    const words = {
      client: /ERR_TURN_NO_ALLOCATION/,
      proxy: /CONNECT \$\{|Proxy-Authorization|socks5h/,
      sockets: /createSocket|setMulticast|addMembership/,
      command: /Usage:|process\.argv|isTTY/,
      codec: /codec[\w-]*\.wasm/,
      embedded: /AGFzbQ/, // "\0asm" in base64
    };
    const found = Object.entries(words).filter(([, word]) => word.test(code));
    expect(found.map(([name]) => name)).toEqual(['client']);
  });
});

const missing = coturnVersion === undefined && process.env.CI !== 'true' && 'coturn is not on PATH';

describeInBrowsers(
  (running) => {
    test('data goes to a UDP peer and comes back: by indication, by channel, by streams', async () => {
      const coturn = await startCoturn({ hosts: ['127.0.0.1'], users: { user: 'pass' } });
      const peer = await startUdpPeer();
      const gateway = await openBridge({ upstream: { address: '127.0.0.1', port: coturn.port } });
      const site = await serve(bundle.directory, { policy: POLICY });
      const { page, problems } = await openPage(running.browser);
      try {
        const report = site.nextReport();
        const where = { gateway: gateway.url, port: String(peer.port) };
        await page.goto(`${site.origin}/?${new URLSearchParams(where)}`);
        const visited = await report;
        // What the browser has to tell of the page so far comes before its answer to this.
        await page.title();
        expect({ ...visited, problems }).toEqual({
          result: {
            transport: 'ws',
            isSameUrl: true,
            relayedAddress: '127.0.0.1',
            indication: [
              'indication',
              { address: '127.0.0.1', port: peer.port, family: 'IPv4' },
              0,
            ],
            overChannel: ['channel', true],
            streamed: ['stream', '127.0.0.1', true],
            counters: { messagesSent: 3, messagesReceived: 3, dropped: 0 },
            done: true,
            refused: 'ERR_TURN_NO_ALLOCATION',
            reason: 'closed',
          },
          violations: [],
          problems: [],
        });
        expect(peer.datagrams).toBe(3);
        expect(site.requests.filter((path) => path.endsWith('.wasm'))).toHaveLength(1);
      } finally {
        await page.close();
        await site.close();
        await gateway.close();
        await peer.close();
        await coturn.stop();
      }
    }, 60_000);
  },
  { missing },
);
