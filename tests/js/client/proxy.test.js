// Clients behind a proxy: names are left for it, and the answers come through it.

import { connect } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { startStunResponder } from '../../../js/dev/stun-responder.js';
import { getMappedAddress } from '../../../js/get-mapped-address.js';
import { resolveServer as resolveInBrowser } from '../../../js/platform/browser.js';
import { resolveServer } from '../../../js/resolve/through-proxy.js';
import { parseUri } from '../../../js/uri.js';
import { startHttpProxy } from '../../support/http-proxy.js';
import { startSocksProxy } from '../../support/socks-proxy.js';
import { cleanUp, cleanUpWith, fixture, tlsServer } from '../transports/helpers.js';
import { failure, rejection, scriptedTcpServer } from './support.js';

afterEach(cleanUp);

const ca = fixture('ca');
const names = { 'stun.example.org': '127.0.0.1' };

/** Fails the test that looks a name up. */
const noResolver = {
  lookup: async () => {
    throw new Error('a name was looked up');
  },
  resolveSrv: async () => {
    throw new Error('a name was looked up');
  },
};

/** @template {{ close(): Promise<void> }} T @param {Promise<T>} starting @returns {Promise<T>} */
async function ended(starting) {
  const server = await starting;
  cleanUpWith(() => server.close());
  return server;
}

const start = {
  http: () => ended(startHttpProxy({ names, login: 'user:geheim' })),
  socks5: () => ended(startSocksProxy({ names, login: { username: 'user', password: 'geheim' } })),
};

describe.each(/** @type {const} */ (['http', 'socks5']))('through a proxy of %s', (kind) => {
  test('over TCP: the mapped address is the proxy’s', async () => {
    const responder = await ended(startStunResponder());
    const proxy = await start[kind]();
    const url = `stun:stun.example.org:${responder.tcpPort}`;
    const result = await getMappedAddress(url, {
      transport: 'tcp',
      proxy: proxy.url('user:geheim'),
      resolver: noResolver,
    });
    expect(result).toMatchObject({
      address: '127.0.0.1',
      family: 'IPv4',
      transport: 'tcp',
      url,
      serverAddress: { address: 'stun.example.org', port: responder.tcpPort },
      attempts: [],
    });
    expect(result.port).not.toBe(result.localAddress.port);
    expect(inspect(result, { showHidden: true, depth: 9 })).not.toContain('geheim');
  });

  test('over TLS: the certificate names the server', async () => {
    const responder = await ended(startStunResponder());
    const { target } = await tlsServer('good', (socket) => {
      const onward = connect(responder.tcpPort, responder.host);
      onward.on('error', () => socket.destroy());
      socket.on('close', () => onward.destroy());
      socket.pipe(onward).pipe(socket);
    });
    const proxy = await start[kind]();
    const result = await getMappedAddress(`stuns:stun.example.org:${target.port}`, {
      proxy: proxy.url('user:geheim'),
      tls: { ca },
      resolver: noResolver,
    });
    expect(result).toMatchObject({ address: '127.0.0.1', transport: 'tls' });
    const wrong = getMappedAddress(`stuns:other.example.org:${target.port}`, {
      proxy: proxy.url('user:geheim'),
      tls: { ca },
      resolver: noResolver,
    });
    expect(await rejection(wrong)).toMatchObject({ code: 'ERR_TRANSPORT_PROXY' });
  });

  test('that refuses: the error says how, and never the password', async () => {
    const proxy = await start[kind]();
    const options = { transport: /** @type {const} */ ('tcp'), proxy: proxy.url('user:geheimnis') };
    const error = await rejection(getMappedAddress('stun:stun.example.org', options));
    expect(error).toMatchObject({
      code: 'ERR_TRANSPORT_PROXY',
      phase: 'proxy',
      url: 'stun:stun.example.org',
      attempts: [
        { transport: 'tcp', address: 'stun.example.org', port: 3478, code: 'ERR_TRANSPORT_PROXY' },
      ],
    });
    expect(inspect(error, { showHidden: true, depth: 9 })).not.toContain('geheim');
  });

  test('a redirection goes through it too', async () => {
    const responder = await ended(startStunResponder());
    const first = await scriptedTcpServer((request) =>
      failure(request, 300, {
        alternateServer: { address: '127.0.0.1', port: responder.tcpPort },
      }),
    );
    const proxy = await start[kind]();
    const result = await getMappedAddress(first.uri, {
      transport: 'tcp',
      proxy: proxy.url('user:geheim'),
    });
    expect(result.attempts).toHaveLength(1);
    expect(proxy.requests).toHaveLength(2);
  });
});

test('UDP goes its own way', async () => {
  const responder = await ended(startStunResponder());
  const result = await getMappedAddress(`stun:127.0.0.1:${responder.udpPort}`, {
    proxy: 'http://127.0.0.1:1',
  });
  expect(result).toMatchObject({ transport: 'udp', address: '127.0.0.1' });
});

test.each([
  [3128, /^options\.proxy must be a URL such as .*, or 'env'$/],
  ['proxy:3128', /^options\.proxy must be a URL that begins with http:/],
])('the option %j is refused', async (proxy, message) => {
  const options = { transport: /** @type {const} */ ('tcp'), proxy: /** @type {any} */ (proxy) };
  expect(await rejection(getMappedAddress('stun:stun.example.org', options))).toMatchObject({
    code: 'ERR_INVALID_ARGUMENT',
    argument: 'options.proxy',
    message: expect.stringMatching(message),
  });
});

describe('resolution', () => {
  const proxy = 'socks5://user:geheim@proxy.example.org';
  /** @param {string} uri @param {Parameters<typeof resolveServer>[1]} [options] */
  const resolve = (uri, options) =>
    resolveServer(parseUri(uri), { proxy, resolver: noResolver, ...options });

  test.each([
    ['stuns:stun.example.org', 'tls', 5349],
    ['turn:stun.example.org?transport=tcp', 'tcp', 3478],
    ['turns:stun.example.org:443', 'tls', 443],
  ])('of %s asks nobody', async (uri, transport, port) => {
    expect(await resolve(uri)).toEqual([
      {
        transport,
        address: 'stun.example.org',
        port,
        family: 'IPv4',
        host: 'stun.example.org',
        via: 'proxy',
      },
    ]);
  });

  test('leaves an address as it is, and checks what it checks without a proxy', async () => {
    expect(await resolve('turn:[2001:DB8::1]?transport=tcp')).toEqual([
      {
        transport: 'tcp',
        address: '2001:db8::1',
        port: 3478,
        family: 'IPv6',
        host: '2001:db8::1',
        via: 'proxy',
      },
    ]);
    expect(await rejection(resolve('stuns:192.0.2.1'))).toMatchObject({ code: 'ERR_INVALID_URI' });
    const options = /** @type {const} */ ({ family: 6 });
    expect(await rejection(resolve('turns:192.0.2.1', options))).toMatchObject({
      argument: 'options.family',
    });
  });

  test('writes names in ASCII, and takes servername for the certificate', async () => {
    expect(
      await resolve('turns:b%C3%BCcher.example.', { servername: 'other.example' }),
    ).toMatchObject([{ address: 'xn--bcher-kva.example.', host: 'other.example' }]);
    expect(await resolve('turns:example.org.', { family: 6 })).toMatchObject([
      { address: 'example.org.', host: 'example.org', family: 'IPv6' },
    ]);
  });

  test('of UDP is that of ever, and what fails there does not keep TCP from trying', async () => {
    const lookup = async () => [{ address: '192.0.2.1', family: 4 }];
    const resolver = { ...noResolver, lookup };
    const both = [
      { transport: 'udp', address: '192.0.2.1', via: 'address' },
      { transport: 'tcp', address: 'turn.example.org', via: 'proxy' },
    ];
    expect(await resolve('turn:turn.example.org', { resolver })).toMatchObject(both);
    expect(
      await resolve('turn:turn.example.org', { resolver, transport: ['tcp', 'udp'] }),
    ).toMatchObject([both[1], both[0]]);
    expect(await resolve('turn:turn.example.org')).toMatchObject([both[1]]);
    expect(await rejection(resolve('stun:turn.example.org'))).toMatchObject({ code: 'ERR_DNS' });
  });

  test('is ended by its signal', async () => {
    const reason = new Error('enough');
    const options = { signal: AbortSignal.abort(reason) };
    expect(await rejection(resolve('turns:example.org', options))).toBe(reason);
  });

  describe("with 'env'", () => {
    const variables = [
      'HTTPS_PROXY',
      'https_proxy',
      'ALL_PROXY',
      'all_proxy',
      'NO_PROXY',
      'no_proxy',
    ];
    const saved = variables.map((name) => /** @type {const} */ ([name, process.env[name]]));
    beforeEach(() => {
      for (const name of variables) delete process.env[name];
    });
    afterEach(() => {
      for (const [name, value] of saved) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    });

    test('follows the environment, except for NO_PROXY', async () => {
      const resolver = {
        ...noResolver,
        lookup: async () => [{ address: '192.0.2.1', family: 4 }],
      };
      const ask = (/** @type {string} */ uri) => resolve(uri, { proxy: 'env', resolver });
      expect(await ask('turns:turn.example.org')).toMatchObject([{ via: 'address' }]);
      process.env.HTTPS_PROXY = 'http://proxy.example.org:3128';
      process.env.NO_PROXY = 'inside.example.org, other.example.org:443';
      expect(await ask('turns:turn.example.org')).toMatchObject([{ via: 'proxy' }]);
      expect(await ask('turns:turn.inside.example.org')).toMatchObject([{ via: 'address' }]);
      expect(await ask('turns:other.example.org:443')).toMatchObject([{ via: 'address' }]);
      expect(await ask('turns:other.example.org')).toMatchObject([{ via: 'proxy' }]);
    });

    test('opens what it has resolved', async () => {
      const responder = await ended(startStunResponder());
      const proxy = await start.http();
      process.env.HTTPS_PROXY = proxy.url('user:geheim');
      process.env.NO_PROXY = '';
      const uri = `stun:127.0.0.1:${responder.tcpPort}`;
      const options = { transport: /** @type {const} */ ('tcp'), proxy: 'env' };
      await getMappedAddress(uri, options);
      expect(proxy.requests).toHaveLength(1);
      process.env.NO_PROXY = '127.0.0.0/8';
      await getMappedAddress(uri, options);
      expect(proxy.requests).toHaveLength(1);
    });
  });
});

test('a browser chooses its own', async () => {
  const resolving = resolveInBrowser(parseUri('turns:turn.example.org'), { proxy: 'http://a:1' });
  expect(await rejection(resolving)).toMatchObject({
    code: 'ERR_TRANSPORT_UNSUPPORTED',
    message: expect.stringContaining('its own proxy settings'),
  });
});
