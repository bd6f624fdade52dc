// coturn with --secure-stun: it wants long-term credentials for Binding too.
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { getMappedAddress, openStunClient } from '../../js/index.js';
import { describeWithCoturn, startCoturn } from './coturn.js';
import { rejection, uriOf } from './support.js';

jest.setTimeout(60_000);

describeWithCoturn('long-term credentials', () => {
  const username = 'zoë';
  const password = 'pa:ss wörd';
  /** @type {import('./coturn.js').Coturn} */
  let server;
  beforeAll(async () => {
    server = await startCoturn({ args: ['--secure-stun', '-a', '-u', `${username}:${password}`] });
  });
  afterAll(() => server?.stop());

  describe.each(/** @type {const} */ (['udp', 'tcp']))('%s', (transport) => {
    test('the right ones', async () => {
      const result = await getMappedAddress(uriOf('127.0.0.1', server.port), {
        transport,
        credentials: { username, password },
      });
      expect(result).toMatchObject({
        address: '127.0.0.1',
        port: result.localAddress.port,
        authenticated: true,
      });
      expect(result.requestsSent).toBeGreaterThanOrEqual(2);
    });

    test('of an RTCIceServer, over IPv6', async () => {
      const urls = `${uriOf('::1', server.port, 'turn')}?transport=${transport}`;
      const result = await getMappedAddress({ urls, username, credential: password });
      expect(result).toMatchObject({ address: '::1', authenticated: true });
    });

    test('a wrong password', async () => {
      const uri = uriOf('127.0.0.1', server.port);
      const error = await rejection(
        getMappedAddress(uri, { transport, credentials: { username, password: 'wrong' } }),
      );
      expect(error).toMatchObject({
        code: 'ERR_STUN_UNAUTHENTICATED',
        phase: 'challenge',
        errorCode: 401,
        url: uri,
      });
    });

    test('an unknown user', async () => {
      const uri = uriOf('127.0.0.1', server.port);
      const credentials = { username: 'nobody', password };
      expect(await rejection(getMappedAddress(uri, { transport, credentials }))).toMatchObject({
        code: 'ERR_STUN_UNAUTHENTICATED',
      });
    });

    test('none', async () => {
      const uri = uriOf('127.0.0.1', server.port);
      const error = await rejection(getMappedAddress(uri, { transport }));
      expect(error).toMatchObject({
        code: 'ERR_STUN_CREDENTIALS_NEEDED',
        errorCode: 401,
        url: uri,
      });
      expect(error.hint).toContain("'example.org'");
    });

    test('for another realm only', async () => {
      const credentials = { username, password, realm: 'example.net' };
      const uri = uriOf('127.0.0.1', server.port);
      expect(await rejection(getMappedAddress(uri, { transport, credentials }))).toMatchObject({
        code: 'ERR_STUN_CREDENTIALS_NEEDED',
      });
    });

    test('a client is challenged once', async () => {
      const client = await openStunClient(uriOf('127.0.0.1', server.port), {
        transport,
        credentials: { username, password, realm: 'example.org' },
        retransmission: { rtoMs: 60_000 },
      });
      const requests = [];
      for (let i = 0; i < 4; i++) requests.push((await client.bind()).requestsSent);
      expect(requests).toEqual([2, 1, 1, 1]);
      const results = await Promise.all([
        client.bind(),
        client.bind(),
        client.bind(),
        client.bind(),
      ]);
      expect(results.every(({ authenticated }) => authenticated)).toBe(true);
      await client.close();
    });
  });
});
