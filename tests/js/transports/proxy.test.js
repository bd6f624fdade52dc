// What both kinds of proxy have in common: TCP and TLS through them, and what can happen on the way.

import { once } from 'node:events';
import { inspect } from 'node:util';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { parseProxyUrl } from '../../../js/transports/proxy/proxy-url.js';
import { openTcp } from '../../../js/transports/tcp.js';
import { openTls } from '../../../js/transports/tls.js';
import { openUdp } from '../../../js/transports/udp.js';
import { startHttpProxy } from '../../support/http-proxy.js';
import { startSocksProxy } from '../../support/socks-proxy.js';
import {
  cleanUp,
  cleanUpWith,
  closed,
  fixture,
  freeUdpPort,
  openSockets,
  received,
  tcpServer,
  text,
  tlsServer,
  tracked,
} from './helpers.js';

afterEach(cleanUp);
afterEach(() => void jest.useRealTimers());

const hello = Buffer.from('hello');
const reason = new Error('enough');
const ca = fixture('ca');
const certificate = { key: fixture('server-key'), cert: fixture('good') };
const names = { 'stun.example.org': '127.0.0.1', localhost: '127.0.0.1' };

/** @param {import('node:net').Socket} socket */
const echo = (socket) => void socket.pipe(socket);

/** @template {{ close(): Promise<void> }} T @param {Promise<T>} starting @returns {Promise<T>} */
async function ended(starting) {
  const proxy = await starting;
  cleanUpWith(() => proxy.close());
  return proxy;
}

const start = {
  http: (/** @type {object} */ options = {}) => ended(startHttpProxy({ names, ...options })),
  https: (/** @type {object} */ options = {}) =>
    ended(startHttpProxy({ names, tls: certificate, ...options })),
  socks5: (/** @type {object} */ options = {}) => ended(startSocksProxy({ names, ...options })),
};

const kinds = /** @type {const} */ (['http', 'https', 'socks5']);
const USER = 'user:geheim';
const logins = {
  http: { login: USER },
  https: { login: USER },
  socks5: { login: { username: 'user', password: 'geheim' } },
};
const proxyTls = { ca };

/** @param {string} url */
const through = (url) => ({ proxy: parseProxyUrl(url), proxyTls });

/** What opening rejects with, checked not to tell the password. @param {Promise<any>} opening @returns {Promise<any>} */
async function refusal(opening) {
  const error = await opening.then(
    (transport) => {
      tracked(transport);
      throw new Error('was accepted');
    },
    (thrown) => thrown,
  );
  expect(inspect(error, { showHidden: true, depth: 9 })).not.toMatch(/geheim|dXNlcjpnZWhlaW0/);
  return error;
}

/** @param {import('../../../js/transports/transport.js').Transport} transport */
async function echoed(transport) {
  const answer = received(transport);
  transport.send(hello);
  return text((await answer).bytes);
}

describe.each(kinds)('%s', (kind) => {
  test('carries TCP to a name, which it looks up', async () => {
    const { target } = await tcpServer(echo);
    const proxy = await start[kind]();
    const server = { address: 'stun.example.org', port: target.port };
    const transport = tracked(await openTcp(server, through(proxy.url())));
    expect(transport).toMatchObject({
      kind: 'tcp',
      reliable: true,
      remoteAddress: { ...server, family: 'IPv4' },
      localAddress: { address: '127.0.0.1', family: 'IPv4', port: expect.any(Number) },
      phases: { connect: expect.any(Number), proxy: expect.any(Number) },
    });
    expect(transport.phases.tls).toBeUndefined();
    expect(await echoed(transport)).toBe('hello');
    const end = closed(transport);
    transport.close();
    expect(await end).toBeUndefined();
  });

  test.each(['127.0.0.1', '::1'])('carries TCP to %s', async (address) => {
    const { target } = await tcpServer(echo, address);
    const proxy = await start[kind]();
    const transport = tracked(await openTcp(target, through(proxy.url())));
    expect(transport.remoteAddress).toMatchObject(target);
    expect(await echoed(transport)).toBe('hello');
  });

  test('carries TLS, and the certificate is the server’s', async () => {
    const { server, target } = await tlsServer('good', echo);
    const accepted = once(server, 'secureConnection');
    const proxy = await start[kind]();
    const address = { address: 'stun.example.org', host: 'localhost', port: target.port };
    const options = { tls: { ca }, alpn: /** @type {const} */ ('stun.turn') };
    const transport = tracked(await openTls(address, { ...options, ...through(proxy.url()) }));
    expect(transport.kind).toBe('tls');
    expect(Object.keys(transport.phases)).toEqual(['connect', 'proxy', 'tls']);
    for (const time of Object.values(transport.phases)) expect(time).toBeGreaterThan(0);
    expect(await echoed(transport)).toBe('hello');
    const [socket] = await accepted;
    expect(socket.servername).toBe('localhost');
    const gone = once(socket, 'close');
    await transport[Symbol.asyncDispose]();
    await gone;
  });

  test('does not answer for the server’s certificate', async () => {
    const { target } = await tlsServer('wrong-name');
    const proxy = await start[kind]();
    const before = await openSockets();
    const server = { ...target, host: 'localhost' };
    const error = await refusal(openTls(server, { tls: { ca }, ...through(proxy.url()) }));
    expect(error).toMatchObject({
      code: 'ERR_TRANSPORT_TLS',
      phase: 'tls',
      cause: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
    });
    while (proxy.sockets.size > 0) await new Promise(setImmediate);
    expect(await openSockets()).toEqual(before);
  });

  test('takes a user name and a password', async () => {
    const { target } = await tcpServer(echo);
    const proxy = await start[kind](logins[kind]);
    const transport = tracked(await openTcp(target, through(proxy.url(USER))));
    expect(await echoed(transport)).toBe('hello');
    expect(inspect(transport, { showHidden: true, depth: 9 })).not.toMatch(/geheim/);
  });

  test.each([
    [
      'wrong ones',
      'geheimer:geheim',
      /refused the user name or the password|password in its URL is wrong/,
    ],
    ['none', '', /user:password@host/],
  ])('with %s: says so', async (_, userinfo, hint) => {
    const { target } = await tcpServer(echo);
    const proxy = await start[kind](logins[kind]);
    const error = await refusal(openTcp(target, through(proxy.url(userinfo))));
    expect(error).toMatchObject({
      name: 'PosternError',
      code: 'ERR_TRANSPORT_PROXY',
      phase: 'proxy',
      hint: expect.stringMatching(hint),
      message: expect.stringContaining(`The proxy 127.0.0.1:${proxy.port} opened no connection to`),
    });
  });

  test('may answer byte by byte', async () => {
    const { target } = await tcpServer(echo);
    const proxy = await start[kind]({ ...logins[kind], isSlow: true });
    const transport = tracked(await openTcp(target, through(proxy.url(USER))));
    expect(await echoed(transport)).toBe('hello');
  });

  test('may send bytes of the tunnel with its answer: they wait for onbytes', async () => {
    const { target } = await tcpServer(() => {});
    const proxy = await start[kind]({ early: 'early' });
    const transport = tracked(await openTcp(target, through(proxy.url())));
    await new Promise(setImmediate);
    expect(text((await received(transport)).bytes)).toBe('early');
  });

  test('cannot reach the server', async () => {
    const { server, target } = await tcpServer(() => {});
    await new Promise((resolve) => server.close(resolve));
    const proxy = await start[kind]();
    expect(await refusal(openTcp(target, through(proxy.url())))).toMatchObject({
      code: 'ERR_TRANSPORT_PROXY',
      message: expect.stringContaining(`127.0.0.1:${target.port}: `),
      hint: expect.stringContaining('othing listens'),
    });
  });

  test('is not there', async () => {
    const proxy = await startHttpProxy();
    await proxy.close();
    const url = `${kind}://${USER}@127.0.0.1:${proxy.port}`;
    const target = { address: 'stun.example.org', port: 3478 };
    const before = await openSockets();
    expect(await refusal(openTcp(target, through(url)))).toMatchObject({
      code: 'ERR_TRANSPORT_PROXY',
      phase: 'proxy',
      message: `The proxy 127.0.0.1:${proxy.port} could not be reached (ECONNREFUSED).`,
      hint: expect.stringContaining('nothing listens'),
      cause: { code: 'ECONNREFUSED' },
    });
    expect(await openSockets()).toEqual(before);
  });

  test('ends the connection before it has answered', async () => {
    const { target } = await tcpServer((socket) => socket.once('data', () => socket.end()));
    const url = `${kind}://${USER}@127.0.0.1:${target.port}`;
    expect(await refusal(openTcp({ address: 'a', port: 1 }, through(url)))).toMatchObject({
      code: 'ERR_TRANSPORT_PROXY',
      phase: 'proxy',
    });
  });

  test('resets the connection before it has answered', async () => {
    const { target } = await tcpServer((socket) =>
      socket.once('data', () => socket.resetAndDestroy()),
    );
    const url = `${kind}://${USER}@127.0.0.1:${target.port}`;
    expect(await refusal(openTcp({ address: 'a', port: 1 }, through(url)))).toMatchObject({
      code: 'ERR_TRANSPORT_PROXY',
      cause: { code: 'ECONNRESET' },
    });
  });

  test('answers nothing: an abort closes the socket at once', async () => {
    const proxy = await start[kind]({ isSilent: true });
    const before = await openSockets();
    const controller = new AbortController();
    const { signal } = controller;
    const opening = openTcp({ address: 'a', port: 1 }, { signal, ...through(proxy.url(USER)) });
    const failed = refusal(opening);
    while (proxy.requests.length === 0) await new Promise(setImmediate);
    controller.abort(reason);
    expect(await failed).toBe(reason);
    while (proxy.sockets.size > 0) await new Promise(setImmediate);
    expect(await openSockets()).toEqual(before);
  });

  test('answers nothing: the time is one for all steps', async () => {
    const proxy = await start[kind]({ isSilent: true });
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    const options = { timeoutMs: 1000, ...through(proxy.url(USER)) };
    const failed = refusal(openTcp({ address: 'a', port: 1 }, options));
    await once(proxy.server, 'connection');
    jest.advanceTimersByTime(400);
    while (proxy.requests.length === 0) await new Promise(setImmediate);
    jest.advanceTimersByTime(599);
    expect(jest.getTimerCount()).toBe(1);
    jest.advanceTimersByTime(1);
    expect(await failed).toMatchObject({
      code: 'ERR_TRANSPORT_PROXY',
      phase: 'proxy',
      cause: { message: 'Nothing happened within 1000 ms.' },
    });
    expect(jest.getTimerCount()).toBe(0);
  });

  test('is left alone by an abort beforehand', async () => {
    const proxy = await start[kind]();
    const signal = AbortSignal.abort(reason);
    const target = { address: 'a', port: 1 };
    expect(await refusal(openTcp(target, { signal, ...through(proxy.url()) }))).toBe(reason);
    expect(proxy.sockets.size).toBe(0);
  });

  test('is reached from the local address that is asked for, under its name too', async () => {
    const { target } = await tcpServer(echo);
    const proxy = await start[kind]();
    const url = proxy.url().replace('127.0.0.1', 'localhost');
    const options = { localAddress: '127.0.0.1', ...through(url) };
    const transport = tracked(await openTcp(target, options));
    expect(transport.localAddress.address).toBe('127.0.0.1');
  });
});

describe('TLS to the proxy itself', () => {
  const target = { address: 'stun.example.org', port: 3478 };

  test('is checked, by options of its own', async () => {
    const proxy = await start.https();
    const options = { proxy: parseProxyUrl(proxy.url(USER)) };
    expect(await refusal(openTls(target, { ...options, tls: { ca } }))).toMatchObject({
      code: 'ERR_TRANSPORT_PROXY',
      phase: 'proxy',
      message: expect.stringContaining(`The TLS handshake with the proxy 127.0.0.1:${proxy.port}`),
      hint: expect.stringContaining('proxyTls.ca'),
      cause: { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' },
    });
    expect(proxy.requests).toEqual([]);
  });

  test('names the proxy, and no other', async () => {
    const proxy = await start.https({ tls: { ...certificate, cert: fixture('wrong-name') } });
    expect(await refusal(openTcp(target, through(proxy.url())))).toMatchObject({
      code: 'ERR_TRANSPORT_PROXY',
      hint: expect.stringContaining('proxyTls.servername'),
      cause: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
    });
    const options = {
      proxy: parseProxyUrl(proxy.url()),
      proxyTls: { ca, servername: 'other.example.org' },
    };
    const { target: server } = await tcpServer(echo);
    expect(await echoed(tracked(await openTcp(server, options)))).toBe('hello');
  });

  test('with wrong options is refused before a packet is sent', async () => {
    const proxy = parseProxyUrl('https://127.0.0.1:1');
    for (const [wrong, argument] of [
      [{ rejectUnauthorized: false }, 'options.proxyTls.rejectUnauthorized'],
      [{ ciphers: 'ROT13' }, 'options.proxyTls'],
    ]) {
      const opening = openTcp(target, { proxy, proxyTls: /** @type {any} */ (wrong) });
      expect(await refusal(opening)).toMatchObject({ code: 'ERR_INVALID_ARGUMENT', argument });
    }
  });
});

describe('the target', () => {
  const proxy = parseProxyUrl('http://127.0.0.1:1');

  test.each([
    '',
    'a b',
    'a\r\nHost: b',
    'a:1',
    'a/b',
    'user@a',
    'bücher.example',
    'fe80::1%eth0',
    '.a',
    'a..b',
    'a.'.repeat(128),
  ])('must be no %j', async (address) => {
    expect(await refusal(openTcp({ address, port: 1 }, { proxy }))).toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      argument: 'target.address',
    });
  });

  test('is no name without a proxy', async () => {
    expect(await refusal(openTls({ address: 'stun.example.org', port: 1 }))).toMatchObject({
      argument: 'target.address',
    });
  });

  test('and the local address, and the ports', async () => {
    const target = { address: 'a', port: 1 };
    const refused = async (/** @type {object} */ to, /** @type {object} */ options) =>
      (await refusal(openTcp({ ...target, ...to }, { proxy, ...options }))).argument;
    expect(await refused({ port: 0 }, {})).toBe('target.port');
    expect(await refused({}, { localAddress: 'a' })).toBe('options.localAddress');
    expect(await refused({}, { localPort: -1 })).toBe('options.localPort');
  });
});

test('without a proxy the phases are told too', async () => {
  const plain = await tcpServer(echo);
  const tcp = tracked(await openTcp(plain.target));
  expect(tcp.phases).toEqual({ connect: expect.any(Number) });
  const { target } = await tlsServer('good');
  const tls = tracked(await openTls({ ...target, host: 'localhost' }, { tls: { ca } }));
  expect(tls.phases).toEqual({ connect: expect.any(Number), tls: expect.any(Number) });
  const udp = tracked(await openUdp({ address: '127.0.0.1', port: await freeUdpPort() }));
  expect(udp.phases).toEqual({ connect: expect.any(Number) });
});
