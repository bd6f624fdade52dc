// Relays on coturn through proxies: HTTP ones, ours and tinyproxy, and SOCKS5.
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { allocate, checkIceServers } from '../../js/index.js';
import { startHttpProxy } from '../support/http-proxy.js';
import { startSocksProxy } from '../support/socks-proxy.js';
import { startTcpEcho } from '../support/tcp-peers.js';
import { startUdpPeer } from '../support/udp-peers.js';
import { describeWithCoturn, startCoturn } from './coturn.js';
import { fixtureCertificate, NAME, rejection } from './support.js';
import { describeWithTinyproxy, startTinyproxy } from './tinyproxy.js';
import { Belongings, bytesOf, options, take, textOf, users } from './turn-support.js';

jest.setTimeout(60_000);

const HOST = '127.0.0.1';
/** The proxy's to find. */
const names = { [NAME]: HOST };

describeWithCoturn('through proxies', () => {
  const servers = new Belongings();
  const belongings = new Belongings();
  /** @type {import('./coturn.js').Coturn} */ let server;
  beforeAll(async () => {
    server = await servers.hold(
      startCoturn({ hosts: [HOST], users, tls: fixtureCertificate.files }),
    );
  });
  afterAll(() => servers.release());
  afterEach(() => belongings.release());

  /** @param {string} proxy its URL @param {string} host as the URLs name the server */
  async function expectRelays(proxy, host) {
    const urls = [`turn:${host}:${server.port}?transport=tcp`, `turns:${host}:${server.tlsPort}`];
    for (const url of urls) {
      const relay = await belongings.hold(allocate(url, { ...options, proxy }));
      expect(relay.phases.proxy).toBeGreaterThanOrEqual(0);
      const peer = await belongings.hold(startUdpPeer());
      relay.send(bytesOf('through'), peer);
      expect(await take(relay, 1)).toMatchObject([{ data: bytesOf('through') }]);

      const tcp = await belongings.hold(
        allocate(url, { ...options, proxy, relayTransport: 'tcp' }),
      );
      const echo = await belongings.hold(startTcpEcho());
      const connection = await tcp.connect(echo);
      await connection.writable.getWriter().write(bytesOf('and on'));
      const { value } = await connection.readable.getReader().read();
      expect(textOf(value ?? new Uint8Array())).toBe('and on');
    }
  }

  test('HTTP, with a login', async () => {
    const proxy = await belongings.hold(startHttpProxy({ login: 'user:geheim', names }));
    await expectRelays(proxy.url('user:geheim'), NAME);
    // Each relay, and each connection to a peer, is a connection of its own.
    expect(proxy.requests.map(({ authority }) => authority)).toEqual([
      ...Array(3).fill(`${NAME}:${server.port}`),
      ...Array(3).fill(`${NAME}:${server.tlsPort}`),
    ]);
  });

  test('SOCKS5, with a login', async () => {
    const login = { username: 'user', password: 'geheim' };
    const proxy = await belongings.hold(startSocksProxy({ login, names }));
    await expectRelays(`socks5h://user:geheim@${proxy.host}:${proxy.port}`, NAME);
    expect(proxy.requests).toHaveLength(6);
  });

  test('refused: a proxy error, and in the rows of a check', async () => {
    const proxy = await belongings.hold(startHttpProxy({ login: 'user:geheim' }));
    const urls = `turn:${HOST}:${server.port}?transport=tcp`;
    const refusal = { code: 'ERR_TRANSPORT_PROXY', phase: 'proxy' };
    expect(await rejection(allocate(urls, { ...options, proxy: proxy.url() }))).toMatchObject(
      refusal,
    );
    const { username, password: credential } = options.credentials;
    const rows = await checkIceServers({ urls, username, credential }, { proxy: proxy.url() });
    expect(rows).toMatchObject([{ ok: false, ...refusal }]);
    expect(rows[0].hint).toMatch(/\w/);
  });

  describeWithTinyproxy('in between', () => {
    test('over TCP and TLS', async () => {
      const proxy = await belongings.hold(startTinyproxy());
      await expectRelays(`http://${HOST}:${proxy.port}`, 'localhost');
    });
  });
});
