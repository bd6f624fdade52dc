// Servers with several addresses, and several servers: who is asked when, and whose error counts.
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { getMappedAddress, openStunClient } from '../../../js/index.js';

import {
  cleanUp,
  fixture,
  freeUdpPort,
  tcpServer,
  tlsServer,
  tracked,
} from '../transports/helpers.js';
import {
  failure,
  gate,
  MAPPED,
  memoryServer,
  ownSockets,
  PATIENT,
  rejection,
  resolverOf,
  scriptedTcpServer,
  scriptedUdpServer,
  success,
  uriOf,
} from './support.js';

/** @typedef {import('../../../js/codec/index.js').Message} Message */

afterEach(async () => {
  jest.useRealTimers();
  await cleanUp();
  expect(await ownSockets()).toEqual([]);
});

const yes = (/** @type {Message} */ request) => success(request);
const silence = () => undefined;

describe('a server with several addresses', () => {
  test('the first is silent: the second gets its chance, and the loser is closed', async () => {
    const first = await scriptedUdpServer(silence, '::1');
    const second = await scriptedUdpServer(yes);
    const resolver = resolverOf(first.target, second.target);
    const result = await getMappedAddress('stun:stun.example.org', { resolver, ...PATIENT });
    expect(result).toMatchObject({
      ...MAPPED,
      url: 'stun:stun.example.org',
      serverAddress: second.target,
      attempts: [],
    });
    expect(first.requests).toHaveLength(1);
    await cleanUp();
    expect(await ownSockets()).toEqual([]);
  });

  test('the first fails: the second is asked without delay', async () => {
    jest.useFakeTimers({ doNotFake: ['queueMicrotask', 'nextTick', 'setImmediate'] });
    const dead = { address: '127.0.0.1', port: await freeUdpPort() };
    const { target } = await scriptedUdpServer(yes);
    const resolver = resolverOf(dead, target);
    // No timer runs here: a head start would last for ever.
    const result = await getMappedAddress('stun:stun.example.org', { resolver });
    expect(result).toMatchObject({
      serverAddress: target,
      attempts: [{ transport: 'udp', ...dead, code: 'ERR_TRANSPORT_CONNECT' }],
    });
    expect(result.attempts[0].message).toContain('ECONNREFUSED');
    expect(jest.getTimerCount()).toBe(0);
  });

  test('the first answers: no other is asked', async () => {
    jest.useFakeTimers({ doNotFake: ['queueMicrotask', 'nextTick', 'setImmediate'] });
    const first = await scriptedUdpServer(yes);
    const second = await scriptedUdpServer(yes);
    const resolver = resolverOf(first.target, second.target);
    await getMappedAddress('stun:stun.example.org', { resolver });
    expect(second.requests).toEqual([]);
  });

  test('all are silent: one error for all, with what was tried', async () => {
    const servers = [await scriptedUdpServer(silence, '::1'), await scriptedUdpServer(silence)];
    const targets = servers.map(({ target }) => target);
    const resolver = resolverOf(...targets);
    const retransmission = { rtoMs: 1, rc: 2, rm: 1 };
    const error = await rejection(
      getMappedAddress('stun:stun.example.org', { resolver, retransmission }),
    );
    expect(error).toMatchObject({ code: 'ERR_STUN_TIMEOUT', url: 'stun:stun.example.org' });
    expect(error.attempts).toMatchObject(targets);
  });

  test('timeoutMs lists those that were still waiting', async () => {
    jest.useFakeTimers({ doNotFake: ['queueMicrotask', 'nextTick', 'setImmediate'] });
    const dead = { address: '127.0.0.1', port: await freeUdpPort() };
    const asked = gate();
    const { target } = await scriptedUdpServer(() => void asked.open());
    const options = { resolver: resolverOf(dead, target), timeoutMs: 100 };
    const promise = rejection(getMappedAddress('stun:stun.example.org', options));
    await asked.opened;
    await jest.advanceTimersByTimeAsync(100);
    const error = await promise;
    expect(error).toMatchObject({ code: 'ERR_STUN_TIMEOUT', url: 'stun:stun.example.org' });
    expect(error.attempts).toMatchObject([
      { ...dead, code: 'ERR_TRANSPORT_CONNECT' },
      { ...target, code: 'ERR_STUN_TIMEOUT' },
    ]);
  });
});

describe('several servers', () => {
  test('are asked in turn: the first that answers counts', async () => {
    const dead = { address: '127.0.0.1', port: await freeUdpPort() };
    const refusing = await scriptedUdpServer((request) => failure(request, 500));
    const good = await scriptedUdpServer(yes);
    const last = await scriptedUdpServer(yes);
    const servers = [uriOf(dead), { urls: [refusing.uri, good.uri] }, last.uri];
    const result = await getMappedAddress(servers, PATIENT);
    expect(result).toMatchObject({ ...MAPPED, url: good.uri });
    expect(result.attempts).toMatchObject([dead, refusing.target]);
    expect(last.requests).toEqual([]);
  });

  test('fail with the error that says most, and with all attempts', async () => {
    const dead = { address: '127.0.0.1', port: await freeUdpPort() };
    const refusing = await scriptedUdpServer((request) => failure(request, 403));
    const closed = { address: '127.0.0.1', port: await freeUdpPort() };
    const servers = [uriOf(dead), refusing.uri, uriOf(closed)];
    const error = await rejection(getMappedAddress(servers, PATIENT));
    expect(error).toMatchObject({ code: 'ERR_STUN_RESPONSE', errorCode: 403, url: refusing.uri });
    expect(error.attempts).toMatchObject([dead, refusing.target, closed]);
  });

  test('a name that cannot be resolved is passed over', async () => {
    const good = await scriptedUdpServer(yes);
    const resolver = {
      lookup: () => Promise.reject(Object.assign(new Error(), { code: 'ENOTFOUND' })),
      resolveSrv: () => Promise.reject(new Error()),
    };
    const servers = ['stun:stun.example.org', good.uri];
    expect(await getMappedAddress(servers, { resolver, ...PATIENT })).toMatchObject({
      url: good.uri,
    });
  });

  test('credentials go to the server that they are for', async () => {
    const { transport, requests } = memoryServer((request, { number }) =>
      failure(request, 401, { realm: 'example.org', nonce: `n${number}` }),
    );
    const servers = [
      { urls: 'turn:198.51.100.1', username: 'one', credential: 'x' },
      'stun:198.51.100.2',
      { urls: 'turn:198.51.100.3', username: 'three', credential: 'x' },
    ];
    const error = await rejection(getMappedAddress(servers, { transport }));
    expect(error.code).toBe('ERR_STUN_UNAUTHENTICATED');
    expect(requests.map(({ attributes }) => attributes.username)).toEqual([
      undefined,
      'one',
      undefined,
      undefined,
      'three',
    ]);
  });
});

describe('openStunClient', () => {
  test('takes the first server that can be connected to', async () => {
    const gone = await scriptedTcpServer(silence);
    await cleanUp();
    const good = await scriptedTcpServer(yes);
    const client = tracked(await openStunClient([gone.uri, good.uri], { transport: 'tcp' }));
    expect(client.serverAddress).toEqual({ ...good.target, family: 'IPv4' });
    expect(await client.bind()).toMatchObject(MAPPED);
  });

  test('fails with what was tried', async () => {
    const gone = await scriptedTcpServer(silence);
    await cleanUp();
    const error = await rejection(openStunClient(gone.uri, { transport: 'tcp' }));
    expect(error).toMatchObject({
      code: 'ERR_TRANSPORT_CONNECT',
      url: gone.uri,
      attempts: [{ transport: 'tcp', ...gone.target, code: 'ERR_TRANSPORT_CONNECT' }],
    });
  });

  test('an address that takes the connection, and says nothing, holds up no other', async () => {
    const silent = await tcpServer(() => {}, '::1');
    const good = await tlsServer('good');
    const client = tracked(
      await openStunClient('stuns:stun.example.org', {
        resolver: resolverOf(silent.target, good.target),
        tls: { ca: fixture('ca') },
      }),
    );
    expect(client.serverAddress).toEqual({ ...good.target, family: 'IPv4' });
  });
});
