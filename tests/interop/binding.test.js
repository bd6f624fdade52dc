// The question, over every transport and both families, and many times.
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { getMappedAddress, openStunClient } from '../../js/index.js';
import { describeWithCoturn, startCoturn } from './coturn.js';
import { makeCertificate, NAME, rejection, resolverOf, uriOf } from './support.js';

jest.setTimeout(60_000);

describeWithCoturn('Binding', () => {
  /** @type {import('./coturn.js').Coturn} */
  let server;
  /** @type {ReturnType<typeof makeCertificate>} */
  let certificate;
  beforeAll(async () => {
    certificate = makeCertificate();
    server = await startCoturn({ tls: certificate.files });
  });
  afterAll(async () => {
    await server?.stop();
    certificate?.remove();
  });

  /** @param {string} host @param {string} transport @returns {[string, import('../../js/stun-options.js').StunOptions]} */
  function way(host, transport) {
    if (transport !== 'tls') {
      return [uriOf(host, server.port), { transport: /** @type {'udp' | 'tcp'} */ (transport) }];
    }
    return [
      uriOf(NAME, server.tlsPort, 'stuns'),
      { resolver: resolverOf(host), tls: { ca: certificate.ca } },
    ];
  }

  describe.each([
    ['127.0.0.1', 'IPv4'],
    ['::1', 'IPv6'],
  ])('%s', (host, family) => {
    describe.each(['udp', 'tcp', 'tls'])('%s', (transport) => {
      test('the mapped address is that of the socket', async () => {
        const [uri, options] = way(host, transport);
        const result = await getMappedAddress(uri, options);
        const { address, port } = result.localAddress;
        expect(result).toMatchObject({
          address,
          port,
          family,
          transport,
          url: uri,
          authenticated: false,
          serverAddress: { address: host, family },
        });
        expect(address).toBe(host);
        expect(result.software).toMatch(/Coturn/);
      });

      test('FINGERPRINT is taken and given', async () => {
        const [uri, options] = way(host, transport);
        const client = await openStunClient(uri, { ...options, fingerprint: true });
        const results = [await client.bind(), await client.bind({ fingerprint: false })];
        expect(results.map(({ port }) => port)).toEqual(Array(2).fill(client.localAddress.port));
        client.keepAlive();
        expect(await client.bind()).toMatchObject({ address: host });
        expect(Object.values(client.stats())).toEqual(Array(8).fill(0));
        await client.close();
      });
    });
  });

  test('200 times, one after the other', async () => {
    const [uri, options] = way('127.0.0.1', 'udp');
    const ports = new Set();
    for (let i = 0; i < 200; i++) {
      const { port, localAddress } = await getMappedAddress(uri, options);
      expect(port).toBe(localAddress.port);
      ports.add(port);
    }
    expect(ports.size).toBeGreaterThan(1);
  });

  test.each(['udp', 'tcp', 'tls'])('100 times at once over %s', async (transport) => {
    const [uri, options] = way('127.0.0.1', transport);
    const results = await Promise.all(
      Array.from({ length: 100 }, () => getMappedAddress(uri, options)),
    );
    for (const { port, localAddress } of results) expect(port).toBe(localAddress.port);
    expect(new Set(results.map(({ port }) => port)).size).toBe(100);
  });

  test("from a port of the caller's choice", async () => {
    const [uri, options] = way('127.0.0.1', 'udp');
    const { localAddress } = await getMappedAddress(uri, options);
    const again = { ...options, localAddress: '127.0.0.1', localPort: localAddress.port };
    expect(await getMappedAddress(uri, again)).toMatchObject({ port: localAddress.port });
  });

  test('a name with both families: IPv6 first', async () => {
    const resolver = {
      lookup: async () => [
        { address: '::1', family: 6 },
        { address: '127.0.0.1', family: 4 },
      ],
      resolveSrv: async () => [],
    };
    const uri = uriOf(NAME, server.port);
    expect(await getMappedAddress(uri, { resolver })).toMatchObject({ family: 'IPv6' });
    expect(await getMappedAddress(uri, { resolver, family: 4 })).toMatchObject({ family: 'IPv4' });
  });

  describe('TLS', () => {
    test('an authority that is not known: ERR_TRANSPORT_TLS, with what to do', async () => {
      const [uri, options] = way('127.0.0.1', 'tls');
      const error = await rejection(getMappedAddress(uri, { ...options, tls: {} }));
      expect(error).toMatchObject({ code: 'ERR_TRANSPORT_TLS', phase: 'tls', url: uri });
      expect(error.hint).toContain('tls.ca');
    });

    test("another name than the certificate's", async () => {
      const [, options] = way('127.0.0.1', 'tls');
      const uri = uriOf('other.example.org', server.tlsPort, 'stuns');
      const error = await rejection(getMappedAddress(uri, options));
      expect(error).toMatchObject({ code: 'ERR_TRANSPORT_TLS', phase: 'tls', url: uri });
      expect(error.hint).toContain('another name');
    });

    test('an address, with the name given beside', async () => {
      const uri = uriOf('127.0.0.1', server.tlsPort, 'stuns');
      const tls = { ca: certificate.ca, servername: NAME };
      expect(await getMappedAddress(uri, { tls })).toMatchObject({ transport: 'tls' });
    });

    test('on the port of plain TCP too: coturn tells them apart by the first bytes', async () => {
      const [, options] = way('127.0.0.1', 'tls');
      const uri = uriOf(NAME, server.port, 'stuns');
      expect(await getMappedAddress(uri, options)).toMatchObject({ transport: 'tls' });
    });
  });
});
