// Through an HTTP proxy that others wrote, to a STUN server.
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { startStunResponder } from '../../js/dev/stun-responder.js';
import { getMappedAddress } from '../../js/get-mapped-address.js';
import { cleanUp, fixture, tlsServer } from '../js/transports/helpers.js';
import { describeWithTinyproxy, startTinyproxy } from './tinyproxy.js';

describeWithTinyproxy('CONNECT', () => {
  /** @type {import('../../js/dev/stun-responder.js').StunResponder} */ let responder;
  /** @type {import('../support/local-server.js').LocalServer} */ let plain;
  /** @type {import('../support/local-server.js').LocalServer} */ let strict;

  beforeAll(async () => {
    responder = await startStunResponder();
    plain = await startTinyproxy();
    strict = await startTinyproxy({
      login: ['user', 'geheim'],
      connectPorts: [responder.tcpPort],
    });
  }, 60_000);
  afterAll(async () => {
    await Promise.all([plain, strict].map((proxy) => proxy?.stop()));
    await responder?.close();
  });
  afterEach(cleanUp);

  const resolver = {
    lookup: async () => {
      throw new Error('a name was looked up');
    },
    resolveSrv: async () => {
      throw new Error('a name was looked up');
    },
  };
  /** @param {string} url @param {string} proxy @param {object} [options] */
  const ask = (url, proxy, options) => getMappedAddress(url, { proxy, resolver, ...options });
  const tcp = { transport: 'tcp' };

  test('over TCP, to a name', async () => {
    const url = `stun:localhost:${responder.tcpPort}`;
    const result = await ask(url, `http://127.0.0.1:${plain.port}`, tcp);
    expect(result).toMatchObject({ address: '127.0.0.1', transport: 'tcp', attempts: [] });
    expect(result.port).not.toBe(result.localAddress.port);
  });

  test('over TLS, to a name', async () => {
    const { target } = await tlsServer('good', (socket) => {
      const onward = connect(responder.tcpPort, responder.host);
      onward.on('error', () => socket.destroy());
      socket.on('close', () => onward.destroy());
      socket.pipe(onward).pipe(socket);
    });
    const options = { tls: { ca: fixture('ca') } };
    const url = `stuns:localhost:${target.port}`;
    const result = await ask(url, `http://127.0.0.1:${plain.port}`, options);
    expect(result).toMatchObject({ address: '127.0.0.1', transport: 'tls' });
  });

  test('with a user name and a password', async () => {
    const url = `stun:127.0.0.1:${responder.tcpPort}`;
    const result = await ask(url, `http://user:geheim@127.0.0.1:${strict.port}`, tcp);
    expect(result).toMatchObject({ address: '127.0.0.1', transport: 'tcp' });
  });

  test.each([
    ['', /asks for a user name.* It takes: Basic\./],
    ['user:wrong@', /refused the user name or the password.* It takes: Basic\./],
  ])('not with %j', async (userinfo, hint) => {
    const url = `stun:127.0.0.1:${responder.tcpPort}`;
    const asking = ask(url, `http://${userinfo}127.0.0.1:${strict.port}`, tcp);
    await expect(asking).rejects.toMatchObject({
      code: 'ERR_TRANSPORT_PROXY',
      phase: 'proxy',
      hint: expect.stringMatching(hint),
    });
  });

  test('not to a port that it does not allow', async () => {
    const asking = ask('stun:127.0.0.1:1', `http://user:geheim@127.0.0.1:${strict.port}`, tcp);
    await expect(asking).rejects.toMatchObject({
      message: expect.stringContaining(': 403 '),
      hint: expect.stringContaining('most allow port 443 only'),
    });
  });

  test('not where nothing listens', async () => {
    const { server, target } = await tlsServer('good');
    await new Promise((resolve) => server.close(resolve));
    const asking = ask(`stun:127.0.0.1:${target.port}`, `http://127.0.0.1:${plain.port}`, tcp);
    await expect(asking).rejects.toMatchObject({
      code: 'ERR_TRANSPORT_PROXY',
      message: expect.stringMatching(/: 50\d /),
    });
  });
});
