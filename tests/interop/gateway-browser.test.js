import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createGateway, createTicket } from '../../js/gateway/index.js';
import { openPage } from '../browser/browsers.js';
import { bundlePage, describeInBrowsers } from '../browser/in-browsers.js';
import { serve } from '../browser/server.js';
import { coturnVersion, startCoturn } from '../support/coturn.js';
import { startUdpPeer } from '../support/udp-peers.js';

const _project = fileURLToPath(new URL('../..', import.meta.url));
const SECRET = 'a secret of sixteen bytes and more';
/** What a page needs that talks to a gateway of another origin. */
const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' ws:";

/** Says what became of it; the query of its URL says where the gateway is, and has its tickets. */
const PROGRAM = `
  import { allocate, init } from './js/index.js';

  const violations = [];
  addEventListener('securitypolicyviolation', ({ effectiveDirective }) => violations.push(effectiveDirective));
  const { gateway, port, tickets } = JSON.parse(new URLSearchParams(location.search).get('where'));
  const peer = { address: '127.0.0.1', port };
  const bytes = (text) => new TextEncoder().encode(text);
  const text = (data) => new TextDecoder().decode(data);
  const closed = (url, protocols) => new Promise((resolve) => {
    const socket = new WebSocket(url, protocols);
    socket.onclose = ({ code, reason }) => resolve([code, reason]);
    socket.onopen = () => socket.send(bytes('GET / HTTP/1.1'));
  });

  async function main() {
    const results = {};
    if (tickets.length === 0) return { stranger: await closed(gateway + 'udp', ['turn']) };
    await init({ wasmUrl: '/engine.wasm' });
    const credentials = { username: 'user', credential: 'pass' };
    const [, used] = tickets;
    for (const upstream of ['udp', 'tcp']) {
      const ticket = () => tickets.shift();
      const relay = await allocate(gateway + upstream, { credentials, ticket, timeoutMs: 15_000 });
      const next = () => new Promise((resolve) => { relay.onmessage = (data) => resolve(text(data)); });
      await relay.permit(peer);
      const first = next();
      relay.send(bytes('indication'), peer);
      const answers = [await first];
      const channel = await relay.bindChannel(peer);
      const second = next();
      channel.send(bytes('channel'));
      answers.push(await second);
      await relay.close();
      results[upstream] = [relay.transport, relay.relayedAddress.address, ...answers];
    }
    results.used = await closed(gateway + 'tcp', ['turn', used]);
    results.missing = await closed(gateway + 'tcp', ['turn']);
    results.nowhere = await closed(gateway + 'nowhere', ['turn', tickets.shift()]);
    results.notStun = await closed(gateway + 'tcp', ['turn', tickets.shift()]);
    results.noSubProtocol = (await closed(gateway + 'tcp', []))[0];
    return results;
  }

  const report = await main().catch((error) => ({ error: String(error.stack ?? error) }));
  await fetch('/report', { method: 'POST', body: JSON.stringify({ ...report, violations }) });
`;

/** @type {Awaited<ReturnType<typeof bundlePage>>} */
let bundle;
beforeAll(async () => {
  bundle = await bundlePage(PROGRAM, 'gateway');
}, 60_000);
afterAll(() => bundle?.remove());

const missing = coturnVersion === undefined && process.env.CI !== 'true' && 'coturn is not on PATH';

describeInBrowsers(
  (running) => {
    test('data of a page goes to a UDP peer and comes back; who is not let in is told, a stranger is not', async () => {
      const coturn = await startCoturn({ hosts: ['127.0.0.1'], users: { user: 'pass' } });
      const peer = await startUdpPeer();
      const [site, other] = [
        await serve(bundle.directory, { policy: POLICY }),
        await serve(bundle.directory, { policy: POLICY }),
      ];
      const url = `turn:127.0.0.1:${coturn.port}`;
      const gateway = await createGateway({
        port: 0,
        upstreams: {
          udp: { url, allowPrivate: true },
          tcp: { url: `${url}?transport=tcp`, allowPrivate: true },
        },
        origins: [site.origin],
        tickets: { secret: SECRET },
        policy: { allow: ['127.0.0.1'] },
      });
      const { page } = await openPage(running.browser);
      const visit = async (/** @type {typeof site} */ from, /** @type {string[]} */ upstreams) => {
        const tickets = upstreams.map(
          (upstream) =>
            createTicket({ secret: SECRET, upstream, origin: site.origin, ttlSeconds: 60 }).ticket,
        );
        const where = JSON.stringify({ gateway: gateway.url, port: peer.port, tickets });
        const report = from.nextReport();
        await page.goto(`${from.origin}/?${new URLSearchParams({ where })}`);
        return report;
      };
      try {
        expect(await visit(site, ['udp', 'tcp', 'nowhere', 'tcp'])).toEqual({
          udp: ['ws', '127.0.0.1', 'indication', 'channel'],
          tcp: ['ws', '127.0.0.1', 'indication', 'channel'],
          used: [4401, 'ticket-used'],
          missing: [4401, 'ticket-missing'],
          nowhere: [4403, 'no-upstream'],
          notStun: [4400, 'not-stun'],
          noSubProtocol: 1006,
          violations: [],
        });
        expect(peer.datagrams).toBe(4);
        // Another site: the browser says who it is, and hides what it was answered.
        expect(await visit(other, [])).toEqual({ stranger: [1006, ''], violations: [] });
        expect(gateway.stats()).toMatchObject({
          opened: 3,
          refused: { origin: 1, 'ticket-used': 1, 'ticket-missing': 1, 'no-upstream': 1 },
        });
      } finally {
        await page.close();
        await gateway.close();
        await site.close();
        await other.close();
        await peer.close();
        await coturn.stop();
      }
    }, 60_000);
  },
  { missing },
);
