// HTTPS and HTTP, straight and through proxies, on loopback.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { measureHttps } from '../../../js/measure/https.js';
import { startHttpProxy } from '../../support/http-proxy.js';
import { startSocksProxy } from '../../support/socks-proxy.js';
import { rejection } from '../client/support.js';
import { cleanUp, cleanUpWith, openSockets, tcpServer } from '../transports/helpers.js';
import { inReport, optionsOf, resolverOf, SOON_MS, webServer } from './support.js';

jest.setTimeout(30_000);
afterEach(cleanUp);

test('an answer over TLS, with nothing of the URL that may be secret', async () => {
  /** @type {string[]} */
  const asked = [];
  const { port } = await webServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.host}`);
    response.writeHead(204).end();
  }, 'good');
  const url = `https://localhost:${port}/health?token=secret#part`;
  const found = inReport(await measureHttps(url, optionsOf()));
  expect(found).toEqual({
    id: expect.stringMatching(/^https\/https:/),
    kind: 'https',
    whose: 'client',
    status: 'ok',
    url: `https://localhost:${port}/health`,
    httpStatus: 204,
    roundTripMs: expect.any(Number),
    elapsedMs: expect.any(Number),
  });
  expect(found.id).not.toContain('secret');
  expect(asked).toEqual([`GET /health?token=secret localhost:${port}`]);
});

test.each([301, 404, 500])('HTTP status %i is an answer', async (status) => {
  const { port } = await webServer((_, response) => void response.writeHead(status).end('words'));
  const found = inReport(await measureHttps(`http://127.0.0.1:${port}/`, optionsOf()));
  expect(found).toMatchObject({ status: 'ok', httpStatus: status });
});

test.each([
  ['expired', 'CERT_HAS_EXPIRED'],
  ['wrong-name', 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ['self-signed', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
])('a certificate that is %s is not taken', async (certificate, systemCode) => {
  let requests = 0;
  const { port } = await webServer((_, response) => {
    requests += 1;
    response.end();
  }, certificate);
  const found = inReport(await measureHttps(`https://localhost:${port}/`, optionsOf()));
  expect(found).toMatchObject({
    status: 'failed',
    error: { code: 'ERR_TRANSPORT_TLS', systemCode },
  });
  expect(requests).toBe(0);
});

test('nobody listens', async () => {
  const { server, target } = await tcpServer(() => {});
  server.close();
  const found = inReport(await measureHttps(`http://127.0.0.1:${target.port}/`, optionsOf()));
  expect(found).toMatchObject({
    status: 'failed',
    error: { code: 'ERR_TRANSPORT_CONNECT', systemCode: 'ECONNREFUSED' },
  });
});

test('a server that says nothing', async () => {
  const { sockets, target } = await tcpServer(() => {});
  const options = optionsOf({ timeoutMs: SOON_MS });
  const found = inReport(await measureHttps(`http://127.0.0.1:${target.port}/`, options));
  expect(found).toMatchObject({ status: 'failed', error: { code: 'ERR_TRANSPORT_CONNECT' } });
  for (const socket of sockets) await once(socket.resume(), 'close');
});

test('what is no HTTP', async () => {
  const { target } = await tcpServer((socket) => void socket.end('220 mail.example.org ESMTP\r\n'));
  const found = inReport(await measureHttps(`http://127.0.0.1:${target.port}/`, optionsOf()));
  expect(found).toMatchObject({ status: 'failed', error: { code: 'ERR_TRANSPORT_CONNECT' } });
});

test('a name that is not found', async () => {
  const options = optionsOf({ resolver: resolverOf({}) });
  const found = inReport(await measureHttps('https://www.example.org/', options));
  expect(found).toMatchObject({ status: 'failed', error: { code: 'ERR_DNS' } });
});

test('a signal ends it, and no socket stays', async () => {
  const before = await openSockets();
  const { server, target } = await tcpServer(() => {});
  const controller = new AbortController();
  const options = optionsOf({ signal: controller.signal });
  const measuring = rejection(measureHttps(`http://127.0.0.1:${target.port}/`, options));
  await once(server, 'connection');
  controller.abort('why');
  expect(await measuring).toBe('why');
  await cleanUp();
  expect(await openSockets()).toEqual(before);
});

describe('through a proxy', () => {
  const NAME = 'inside.example.org';

  /** @param {import('../../support/http-proxy.js').HttpProxyOptions} [options] */
  async function proxyOf(options) {
    const proxy = await startHttpProxy({
      names: { [NAME]: '127.0.0.1', localhost: '127.0.0.1' },
      ...options,
    });
    cleanUpWith(() => proxy.close());
    return proxy;
  }

  test('TLS in a tunnel', async () => {
    const { port } = await webServer(undefined, 'good');
    const proxy = await proxyOf({ login: 'user:pass' });
    const url = `https://localhost:${port}/`;
    const found = inReport(await measureHttps(url, optionsOf(), proxy.url('user:pass')));
    expect(found).toMatchObject({ status: 'ok', httpStatus: 204, proxy: `${proxy.url()}/` });
    expect(found.id).toMatch(/\/proxy$/);
    expect(proxy.requests.map(({ authority }) => authority)).toEqual([`localhost:${port}`]);
  });

  test('a proxy that refuses', async () => {
    const proxy = await proxyOf({ login: 'user:pass' });
    const found = inReport(await measureHttps('https://localhost:443/', optionsOf(), proxy.url()));
    expect(found).toMatchObject({ status: 'failed', error: { code: 'ERR_TRANSPORT_PROXY' } });
  });

  test('SOCKS, which carries plain HTTP too', async () => {
    const { port } = await webServer();
    const proxy = await startSocksProxy({ names: { [NAME]: '127.0.0.1' } });
    cleanUpWith(() => proxy.close());
    const found = inReport(await measureHttps(`http://${NAME}:${port}/`, optionsOf(), proxy.url()));
    expect(found).toMatchObject({ status: 'ok', httpStatus: 204 });
  });

  /** A proxy for plain HTTP, which has no CONNECT. @param {(request: import('node:http').IncomingMessage) => number} statusFor */
  async function plainProxy(statusFor) {
    /** @type {string[]} */
    const asked = [];
    const server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      response.writeHead(statusFor(request)).end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanUpWith(() => server.close());
    const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
    return { asked, place: `127.0.0.1:${port}` };
  }

  test('plain HTTP is asked of an HTTP proxy itself, with the login', async () => {
    const token = `Basic ${Buffer.from('user:pass').toString('base64')}`;
    const proxy = await plainProxy(({ headers }) =>
      headers['proxy-authorization'] === token ? 200 : 407,
    );
    const url = `http://${NAME}/path?query`;
    const right = await measureHttps(url, optionsOf(), `http://user:pass@${proxy.place}`);
    expect(inReport(right)).toMatchObject({ status: 'ok', httpStatus: 200 });
    expect(proxy.asked).toEqual([`GET http://${NAME}/path?query`]);

    const wrong = inReport(await measureHttps(url, optionsOf(), `http://user:no@${proxy.place}`));
    expect(wrong).toMatchObject({ status: 'failed', error: { code: 'ERR_TRANSPORT_PROXY' } });
    expect(wrong.error?.hint).toMatch(/refused the user name or the password/);
    const none = inReport(await measureHttps(url, optionsOf(), `http://${proxy.place}`));
    expect(none.error?.hint).toMatch(/asks for a user name/);
  });

  test('a proxy that is not there', async () => {
    const { server, target } = await tcpServer(() => {});
    server.close();
    const proxy = `http://127.0.0.1:${target.port}`;
    for (const url of [`http://${NAME}/`, `https://${NAME}/`]) {
      const found = inReport(await measureHttps(url, optionsOf(), proxy));
      expect(found).toMatchObject({
        status: 'failed',
        error: { code: 'ERR_TRANSPORT_PROXY', systemCode: 'ECONNREFUSED' },
      });
    }
  });
});
