// createServer({ mirror }): a mirror at the port for WebSockets.
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { request as requestTls } from 'node:https';
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
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

const ORIGIN = 'https://app.example.org';
const PAGE = { ufrag: 'page', pwd: 'p'.repeat(24) };
const MIRROR = { addresses: ['127.0.0.1', '127.0.0.2'], origins: [ORIGIN] };
const START = { step: 'start', test: 'nat', page: PAGE };

/** @param {string} url @param {object} body @param {object} [options] @returns {Promise<{ status: number, body: any }>} */
function post(url, body, options = {}) {
  const send = url.startsWith('https') ? requestTls : request;
  return new Promise((resolve, reject) => {
    const headers = { origin: ORIGIN, 'content-type': 'application/json' };
    const sent = send(url, { method: 'POST', headers, ca: CA, ...options }, async (response) => {
      let text = '';
      for await (const chunk of response) text += chunk;
      resolve({
        status: response.statusCode ?? 0,
        body: text === '' ? undefined : JSON.parse(text),
      });
    });
    sent.on('error', reject).end(JSON.stringify(body));
  });
}

/** @param {import('../../../js/server/index.js').Server} server @param {number} [at] */
const httpOf = (server, at = 0) => server.urls[at].replace(/^ws/, 'http');

describe.each(['ws', 'wss'])('over %s', (protocol) => {
  const listen = [`${protocol}://${HOST}:0`];

  test('pages ask at its path; others get what they got', async () => {
    const server = await startServer({ listen, tls: TLS, mirror: MIRROR });
    const url = httpOf(server);
    const { status, body } = await post(`${url}mirror?x=1`, START);
    expect(status).toBe(200);
    expect(body.candidates).toEqual([server.mirror?.addresses[0]]);
    expect((await post(`${url}other`, START)).status).toBe(426);
    expect((await post(url, START)).status).toBe(426);
    await openWebSocket(server.urls[0]);
    expect(server.mirror?.stats()).toMatchObject({ sessions: 1, started: 1 });
    const metrics = server.metrics().split('\n');
    expect(metrics).toEqual(
      expect.arrayContaining([
        '# TYPE postern_mirror_sessions gauge',
        'postern_mirror_sessions 1',
        'postern_mirror_started_total 1',
        'postern_mirror_over_limit_total 0',
      ]),
    );
    expect(metrics.some((line) => line.includes('reflector'))).toBe(false);
  });
});

test('without the option there is none', async () => {
  const server = await startServer({ listen: [`ws://${HOST}:0`] });
  expect(server.mirror).toBe(undefined);
  expect((await post(`${httpOf(server)}mirror`, START)).status).toBe(426);
});

test('its path may be another, and close() ends it too', async () => {
  const mirror = { ...MIRROR, path: '/nat' };
  const server = await startServer({ listen: [`ws://${HOST}:0`], mirror });
  const url = `${httpOf(server)}nat`;
  const { body } = await post(url, START);
  const waits = post(url, { step: 'filtering', session: body.session });
  const lost = expect(waits).rejects.toThrow();
  await post(url, { step: 'none', session: body.session });
  await server.close();
  await lost;
  expect(server.mirror?.stats().sessions).toBe(0);
});

test('answers may take longer than a handshake, and requests may not', async () => {
  const handshakeTimeoutMs = 300;
  const server = await startServer({
    listen: [`ws://${HOST}:0`],
    mirror: MIRROR,
    handshakeTimeoutMs,
  });
  const url = `${httpOf(server)}mirror`;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onCleanUp(() => agent.destroy());
  const { body } = await post(url, START, { agent });
  // Nothing comes: it waits for its four seconds.
  const { status, body: answer } = await post(
    url,
    { step: 'filtering', session: body.session },
    { agent },
  );
  expect([status, answer.seen]).toEqual([200, false]);

  const { port, hostname } = new URL(url);
  const socket = connect(Number(port), hostname);
  onCleanUp(() => socket.destroy());
  await once(socket, 'connect');
  socket.write(
    `POST /mirror HTTP/1.1\r\nhost: x\r\norigin: ${ORIGIN}\r\ncontent-length: 99\r\n\r\n{`,
  );
  socket.resume();
  await once(socket, 'close');
});

test.each([
  ['options.mirror', { listen: [`udp://${HOST}:0`], mirror: MIRROR }],
  ['options.mirror.path', { mirror: { ...MIRROR, path: 'mirror' } }],
  ['options.mirror.addresses', { mirror: { ...MIRROR, addresses: [] } }],
  ['options.mirror.origins[0]', { mirror: { ...MIRROR, origins: ['*'] } }],
])('%s', async (argument, options) => {
  const given = /** @type {any} */ ({ ...DEFAULTS, listen: [`ws://${HOST}:0`], ...options });
  await expect(startServer(given)).rejects.toMatchObject({
    code: 'ERR_INVALID_ARGUMENT',
    argument,
  });
});

test('where its sockets cannot be had, nothing stays open', async () => {
  const server = await startServer({ listen: [`ws://${HOST}:0`], mirror: MIRROR });
  const [{ port }] = server.mirror?.addresses ?? [];
  const mirror = { ...MIRROR, ports: { first: port } };
  await expect(startServer({ listen: [`ws://${HOST}:0`], mirror })).rejects.toMatchObject({
    code: 'ERR_SERVER_LISTEN',
  });
});
