// createServer({ reflector }): a reflector at the port for WebSockets; and what createReflector() takes.
import { request } from 'node:http';
import { request as requestTls } from 'node:https';
import { afterEach, describe, expect, test } from '@jest/globals';
import { openReflector } from '../../../js/measure/reflector/open-reflector.js';
import { createReflector } from '../../../js/server/index.js';
import {
  CA,
  cleanUp,
  DEFAULTS,
  HOST,
  onCleanUp,
  openWebSocket,
  startServer,
  TLS,
} from '../server/support.js';

afterEach(cleanUp);

const REFLECTOR = { addresses: [HOST], udp: [0, 0], sip: [0] };
const signal = new AbortController().signal;
const ORIGIN = 'https://app.example.org';

/** @param {import('../../../js/server/index.js').Server} server */
const httpOf = (server) => server.urls[0].replace(/^ws/, 'http');

/** @param {string} url @param {object} [headers] @param {string} [method] @returns {Promise<{ status: number, headers: any, body: any }>} */
function post(url, headers = {}, method = 'POST') {
  const send = url.startsWith('https') ? requestTls : request;
  return new Promise((resolve, reject) => {
    const sent = send(url, { method, headers: { ...headers }, ca: CA }, async (response) => {
      let text = '';
      for await (const chunk of response) text += chunk;
      const body = text === '' ? undefined : JSON.parse(text);
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
    });
    sent.on('error', reject).end(method === 'POST' ? JSON.stringify({ step: 'start' }) : undefined);
  });
}

describe.each(['ws', 'wss'])('over %s', (protocol) => {
  test('programs ask at its path; others get what they got', async () => {
    const server = await startServer({
      listen: [`${protocol}://${HOST}:0`],
      tls: TLS,
      reflector: REFLECTOR,
    });
    const session = await openReflector(`${httpOf(server)}reflector`, { signal, tls: { ca: CA } });
    onCleanUp(() => session.close());
    const [port] = session.ports.sip;
    const payloads = /** @type {const} */ (['stun', 'random']);
    const results = await session.probe({ transport: 'udp', port, payloads });
    expect(results).toEqual({ stun: { out: true, in: true }, random: { out: true, in: true } });
    expect(server.reflector?.stats()).toMatchObject({ sessions: 1, probes: 2 });
    expect((await post(`${httpOf(server)}other`)).status).toBe(426);
    await openWebSocket(server.urls[0]);
  });
});

test('mirror and reflector live side by side, each at its path', async () => {
  const mirror = { addresses: [HOST], origins: [ORIGIN] };
  const server = await startServer({
    listen: [`ws://${HOST}:0`],
    mirror,
    reflector: { ...REFLECTOR, path: '/ports' },
  });
  const url = httpOf(server);
  expect((await post(`${url}ports`)).status).toBe(200);
  expect((await post(`${url}mirror`)).body).toEqual({ refused: 'origin' });
  expect((await post(`${url}mirror`, { origin: ORIGIN })).body).toEqual({ refused: 'bad-request' });
  expect((await post(`${url}reflector`)).status).toBe(426);
});

test('without the option there is none; close() ends it too', async () => {
  const without = await startServer({ listen: [`ws://${HOST}:0`] });
  expect(without.reflector).toBe(undefined);
  expect((await post(`${httpOf(without)}reflector`)).status).toBe(426);
  const server = await startServer({ listen: [`ws://${HOST}:0`], reflector: REFLECTOR });
  await post(`${httpOf(server)}reflector`);
  const { reflector } = server;
  const [{ port }] = reflector?.addresses ?? [];
  await server.close();
  expect(reflector?.stats().sessions).toBe(0);
  // Its ports are free again.
  const again = await createReflector({ addresses: [HOST], udp: [port] });
  await again.close();
});

test('pages may ask only where their origin is named; programs may always', async () => {
  const listen = [`ws://${HOST}:0`];
  const closed = await startServer({ listen, reflector: REFLECTOR });
  const url = `${httpOf(closed)}reflector`;
  expect((await post(url, { origin: ORIGIN })).body).toEqual({ refused: 'origin' });
  const preflight = await post(url, { origin: ORIGIN }, 'OPTIONS');
  expect(preflight.headers['access-control-allow-origin']).toBe(undefined);
  const open = await startServer({ listen, reflector: { ...REFLECTOR, origins: [ORIGIN] } });
  const answer = await post(`${httpOf(open)}reflector`, { origin: ORIGIN });
  expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([200, ORIGIN]);
  expect((await post(`${httpOf(open)}reflector`, { origin: 'https://evil.example' })).status).toBe(
    403,
  );
  expect((await post(`${httpOf(open)}reflector`)).status).toBe(200);
  expect((await post(`${httpOf(open)}reflector`, {}, 'GET')).body).toEqual({ refused: 'method' });
});

test.each([
  ['options.reflector', { listen: [`udp://${HOST}:0`], reflector: REFLECTOR }],
  ['options.reflector.path', { reflector: { ...REFLECTOR, path: 'x' } }],
  [
    'options.reflector.path',
    {
      mirror: { addresses: [HOST], origins: [ORIGIN], path: '/x' },
      reflector: { ...REFLECTOR, path: '/x' },
    },
  ],
  ['options.reflector.addresses', { reflector: { ...REFLECTOR, addresses: [] } }],
  ['options.reflector.addresses[1]', { reflector: { addresses: [HOST, '127.0.0.2'] } }],
  ['options.reflector.udp[0]', { reflector: { addresses: [HOST], udp: [70_000] } }],
])('%s', async (argument, options) => {
  const given = /** @type {any} */ ({ ...DEFAULTS, listen: [`ws://${HOST}:0`], ...options });
  await expect(startServer(given)).rejects.toMatchObject({
    code: 'ERR_INVALID_ARGUMENT',
    argument,
  });
});

describe('createReflector()', () => {
  test.each(
    /** @type {[string, any][]} */ ([
      ['options', 5],
      ['options.addresses', { addresses: 'x' }],
      ['options.addresses[0]', { addresses: ['0.0.0.0'] }],
      ["options.external['127.0.0.1']", { addresses: [HOST], external: { [HOST]: '::1' } }],
      ['options.udp', { addresses: [HOST], udp: [] }],
      ['options.udp', { addresses: [HOST], udp: ['1000-2000'] }],
      ['options.udp[0]', { addresses: [HOST], udp: ['5-3'] }],
      ['options.udp[0]', { addresses: [HOST], udp: ['0-3'] }],
      ['options.udp[0]', { addresses: [HOST], udp: ['80'] }],
      ['options.udp[1]', { addresses: [HOST], udp: [5000, '4999-5001'] }],
      ['options.sip', { addresses: [HOST], udp: [5060], sip: [5060] }],
      ['options.origins[0]', { addresses: [HOST], origins: ['*'] }],
      ['options.trustProxy', { addresses: [HOST], trustProxy: true }],
      ['options.limits.session', { addresses: [HOST], limits: { session: 1 } }],
      ['options.limits.sessions', { addresses: [HOST], limits: { sessions: 0 } }],
    ]),
  )('refuses %s', async (argument, options) => {
    await expect(createReflector(options)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      argument,
    });
  });

  test('opens ranges, tells them, and lets go of all of them where one cannot be had', async () => {
    const first = await createReflector({ addresses: [HOST], udp: [0], sip: [0] });
    onCleanUp(() => first.close());
    const [udp, sip] = first.addresses.map(({ port }) => port);
    await expect(createReflector({ addresses: [HOST], udp: [0, udp] })).rejects.toMatchObject({
      code: 'ERR_SERVER_LISTEN',
    });
    await expect(createReflector({ addresses: [HOST], sip: [sip] })).rejects.toMatchObject({
      code: 'ERR_SERVER_LISTEN',
    });
    await first.close();
    await first.close();
    const again = await createReflector({ addresses: [HOST], udp: [`${udp}-${udp}`], sip: [sip] });
    onCleanUp(() => again.close());
    expect(again.addresses.map(({ port }) => port)).toEqual([udp, sip]);
  });

  test('a signal closes it', async () => {
    const controller = new AbortController();
    const reflector = await createReflector({ ...REFLECTOR, signal: controller.signal });
    const [{ port }] = reflector.addresses;
    controller.abort();
    await reflector.close();
    const again = await createReflector({ addresses: [HOST], udp: [port] });
    await again.close();
    await expect(createReflector({ ...REFLECTOR, signal: controller.signal })).rejects.toBe(
      controller.signal.reason,
    );
  });
});
