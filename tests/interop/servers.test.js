// Servers that come and go, send their clients on, or help to find out about NATs.
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { encode } from '../../js/codec/index.js';
import { getMappedAddress, openStunClient } from '../../js/index.js';
import { describeWithCoturn, startCoturn } from './coturn.js';
import { exchangeTcp, rejection, uriOf } from './support.js';

jest.setTimeout(60_000);

describeWithCoturn('servers', () => {
  /** @type {import('./coturn.js').Coturn[]} */
  const servers = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.stop();
  });
  const start = async (/** @type {Parameters<typeof startCoturn>[0]} */ options) => {
    const server = await startCoturn(options);
    servers.push(server);
    return server;
  };

  describe('RFC 5780', () => {
    test('with two addresses, it names its other one', async () => {
      const server = await start({ hosts: ['127.0.0.1', '127.0.0.2'] });
      const { port } = server;
      const family = 'IPv4';
      expect(await getMappedAddress(uriOf('127.0.0.1', port))).toMatchObject({
        responseOrigin: { address: '127.0.0.1', port, family },
        otherAddress: { address: '127.0.0.2', port: port + 1, family },
      });
      // coturn says the same at the other address; where it answered from is right.
      expect(await getMappedAddress(uriOf('127.0.0.2', port + 1))).toMatchObject({
        responseOrigin: { address: '127.0.0.2', port: port + 1, family },
        otherAddress: { address: '127.0.0.2' },
      });
    });

    test('with one address, it has none, and CHANGE-REQUEST gets 420', async () => {
      const server = await start({ hosts: ['127.0.0.1'] });
      const client = await openStunClient(uriOf('127.0.0.1', server.port));
      expect((await client.bind()).otherAddress).toBeUndefined();
      const error = await rejection(client.bind({ changeIp: true }));
      expect(error).toMatchObject({ code: 'ERR_STUN_RESPONSE', errorCode: 420 });
      expect(error.reason).toContain('RFC 5780');
      await client.close();
    });
  });

  test('one that goes: a clear error; and comes back: all is well', async () => {
    const server = await start({ hosts: ['127.0.0.1'] });
    const { port } = server;
    const uri = uriOf('127.0.0.1', port);
    const client = await openStunClient(uri);
    const connection = await openStunClient(uri, { transport: 'tcp' });
    await client.bind();
    await connection.bind();

    const { pid } = server;
    await server.restart();
    expect(server.pid).not.toBe(pid);
    // The connection was the old server's; datagrams do not care.
    await connection.closed;
    expect(await rejection(connection.bind())).toMatchObject({ code: 'ERR_TRANSPORT_CLOSED' });
    expect(await client.bind()).toMatchObject({ address: '127.0.0.1' });
    await client.close();
    for (const transport of /** @type {const} */ (['udp', 'tcp'])) {
      expect(await getMappedAddress(uri, { transport })).toMatchObject({ address: '127.0.0.1' });
    }

    await server.stop();
    for (const transport of /** @type {const} */ (['udp', 'tcp'])) {
      const error = await rejection(getMappedAddress(uri, { transport }));
      expect(error).toMatchObject({
        code: 'ERR_TRANSPORT_CONNECT',
        url: uri,
        attempts: [{ transport, address: '127.0.0.1', port }],
      });
      expect(error.hint).toContain('nothing listens');
    }
  });

  test('of several, one that is down is passed over', async () => {
    const down = await start({ hosts: ['127.0.0.1'] });
    await down.stop();
    const up = await start({ hosts: ['127.0.0.1'] });
    const uris = [down, up].map(({ port }) => uriOf('127.0.0.1', port));
    expect(await getMappedAddress(uris)).toMatchObject({
      url: uris[1],
      attempts: [{ port: down.port, code: 'ERR_TRANSPORT_CONNECT' }],
    });
  });

  // It sends on who asks for an allocation; tests/js/client/redirect.test.js is about those who send on all.
  test('one with --alternate-server answers Binding itself', async () => {
    const second = await start({ hosts: ['127.0.0.1'] });
    const args = ['--alternate-server', `127.0.0.1:${second.port}`];
    const { port } = await start({ hosts: ['127.0.0.1'], args });
    expect(await getMappedAddress(uriOf('127.0.0.1', port))).toMatchObject({
      serverAddress: { port },
    });
    const attributes = { requestedTransport: 17 };
    const allocate = encode({ class: 'request', method: 'Allocate', attributes });
    const { attributes: answer } = await exchangeTcp('127.0.0.1', port, allocate);
    expect(answer).toMatchObject({
      errorCode: { code: 300, reason: 'Try Alternate' },
      alternateServer: { address: '127.0.0.1', port: second.port, family: 'IPv4' },
    });
  });
});
