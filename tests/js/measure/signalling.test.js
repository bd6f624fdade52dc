// The WebSocket of an application, straight and through a proxy, on loopback.
import { once } from 'node:events';
import { afterEach, expect, jest, test } from '@jest/globals';
import { WebSocketServer } from 'ws';
import { measureSignalling } from '../../../js/measure/signalling.js';
import { startHttpProxy } from '../../support/http-proxy.js';
import { rejection } from '../client/support.js';
import { cleanUp, cleanUpWith, openSockets, tcpServer } from '../transports/helpers.js';
import { inReport, optionsOf, SOON_MS, webServer } from './support.js';

jest.setTimeout(30_000);
afterEach(cleanUp);

/** @param {import('ws').ServerOptions} [options] @param {string} [certificate] */
async function socketServer(options = {}, certificate) {
  const { server, port } = await webServer(undefined, certificate);
  const sockets = new WebSocketServer({ server, ...options });
  cleanUpWith(() => {
    for (const client of sockets.clients) client.terminate();
    sockets.close();
  });
  return { sockets, port };
}

test('it opens, and a ping comes back', async () => {
  const { sockets, port } = await socketServer({}, 'good');
  const closed = new Promise((resolve) => {
    sockets.on('connection', (socket) => socket.on('close', resolve));
  });
  const url = `wss://localhost:${port}/signal?token=secret`;
  const found = inReport(await measureSignalling(url, optionsOf()));
  expect(found).toEqual({
    id: expect.not.stringContaining('secret'),
    kind: 'signalling',
    whose: 'client',
    status: 'ok',
    url: `wss://localhost:${port}/signal`,
    connectMs: expect.any(Number),
    roundTripMs: expect.any(Number),
    elapsedMs: expect.any(Number),
  });
  // It says good-bye.
  expect(await closed).toBe(1005);
});

test('a sub-protocol that the server chooses', async () => {
  const { port } = await socketServer({ handleProtocols: () => 'sip' });
  const url = `ws://127.0.0.1:${port}/`;
  const found = inReport(await measureSignalling(url, optionsOf(), undefined, ['xmpp', 'sip']));
  expect(found).toMatchObject({ status: 'ok', protocol: 'sip' });
});

test('a server that chooses none of those offered', async () => {
  const { port } = await socketServer({ handleProtocols: () => false });
  const url = `ws://127.0.0.1:${port}/`;
  const found = inReport(await measureSignalling(url, optionsOf(), undefined, ['sip']));
  expect(found).toMatchObject({ status: 'failed', error: { code: 'ERR_TRANSPORT_CONNECT' } });
  expect(found.error?.hint).toMatch(/sub-protocol/);
});

test('a server that closes it at once in due form: the way is open', async () => {
  const { sockets, port } = await socketServer();
  sockets.on('connection', (socket) => socket.close(4401, 'log in'));
  const found = inReport(await measureSignalling(`ws://127.0.0.1:${port}/`, optionsOf()));
  expect(found).toMatchObject({ status: 'ok', connectMs: expect.any(Number) });
});

test('a connection that breaks as soon as it is open', async () => {
  const { sockets, port } = await socketServer();
  sockets.on('connection', (socket) => socket.terminate());
  const found = inReport(await measureSignalling(`ws://127.0.0.1:${port}/`, optionsOf()));
  expect(found).toMatchObject({ status: 'failed', error: { code: 'ERR_TRANSPORT_CONNECT' } });
});

test('a web server that has no WebSocket', async () => {
  const { port } = await webServer();
  const found = inReport(await measureSignalling(`ws://127.0.0.1:${port}/`, optionsOf()));
  expect(found).toMatchObject({ status: 'failed', error: { code: 'ERR_TRANSPORT_CONNECT' } });
  expect(found.error?.hint).toMatch(/status 204/);
});

test('nothing comes through once it is open', async () => {
  const { port } = await socketServer({ autoPong: false });
  const options = optionsOf({ timeoutMs: SOON_MS });
  const found = inReport(await measureSignalling(`ws://127.0.0.1:${port}/`, options));
  expect(found).toMatchObject({ status: 'failed', error: { code: 'ERR_TRANSPORT_CONNECT' } });
});

test('an expired certificate', async () => {
  const { port } = await socketServer({}, 'expired');
  const found = inReport(await measureSignalling(`wss://localhost:${port}/`, optionsOf()));
  expect(found).toMatchObject({
    status: 'failed',
    error: { code: 'ERR_TRANSPORT_TLS', systemCode: 'CERT_HAS_EXPIRED' },
  });
});

test.each(['ws', 'wss'])('%s through a proxy', async (scheme) => {
  const { port } = await socketServer({}, scheme === 'wss' ? 'good' : undefined);
  const proxy = await startHttpProxy({ names: { localhost: '127.0.0.1' } });
  cleanUpWith(() => proxy.close());
  const url = `${scheme}://localhost:${port}/`;
  const found = inReport(await measureSignalling(url, optionsOf(), proxy.url('user:pass')));
  expect(found).toMatchObject({
    status: 'ok',
    proxy: `${proxy.url()}/`,
    roundTripMs: expect.any(Number),
  });
  expect(proxy.requests).toHaveLength(1);
});

test('a signal ends it before it is open and after, and no socket stays', async () => {
  const before = await openSockets();
  const silent = await tcpServer(() => {});
  const mute = await socketServer({ autoPong: false });
  for (const port of [silent.target.port, mute.port]) {
    const controller = new AbortController();
    const options = optionsOf({ signal: controller.signal });
    const measuring = rejection(measureSignalling(`ws://127.0.0.1:${port}/`, options));
    const server = port === mute.port ? mute.sockets : silent.server;
    await once(server, 'connection');
    controller.abort('why');
    expect(await measuring).toBe('why');
  }
  await cleanUp();
  expect(await openSockets()).toEqual(before);
});
