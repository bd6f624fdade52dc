// 300 (Try Alternate): servers that send their clients on (RFC 8489 section 10).
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { decode, prepareKey, verify } from '../../../js/codec/index.js';
import { getMappedAddress, PosternError } from '../../../js/index.js';
import { cleanUp, fixture, tlsServer } from '../transports/helpers.js';
import {
  failure,
  MAPPED,
  memoryServer,
  ownSockets,
  PATIENT,
  rejection,
  resolverOf,
  SERVER,
  scriptedTcpServer,
  scriptedUdpServer,
  success,
  uriOf,
} from './support.js';

/** @typedef {import('../../../js/codec/index.js').Message} Message */

afterEach(async () => {
  await cleanUp();
  expect(await ownSockets()).toEqual([]);
});

/** @param {{ address: string, port: number }} alternateServer @param {object} [more] */
const sendOn = (alternateServer, more) => (/** @type {Message} */ request) =>
  failure(request, 300, { alternateServer, ...more });

describe.each([
  ['udp', scriptedUdpServer],
  ['tcp', scriptedTcpServer],
])('over %s', (name, start) => {
  test.each(['127.0.0.1', '::1'])('on %s, it is followed', async (host) => {
    const second = await start((request) => success(request, { software: 'second' }), host);
    const first = await start(sendOn(second.target), host);
    const transport = /** @type {'udp'} */ (name);
    const result = await getMappedAddress(first.uri, { transport, ...PATIENT });
    expect(result).toMatchObject({
      ...MAPPED,
      transport,
      software: 'second',
      url: first.uri,
      serverAddress: second.target,
      attempts: [{ transport, ...first.target, code: 'ERR_STUN_RESPONSE' }],
    });
    expect(first.requests).toHaveLength(1);
    expect(second.requests).toHaveLength(1);
  });
});

test('over TLS, the certificate has to name ALTERNATE-DOMAIN', async () => {
  const second = await tlsServer('good', (socket) => {
    socket.on('data', (bytes) => socket.write(success(decode(bytes))));
  });
  const ask = async (/** @type {string} */ alternateDomain) => {
    const first = await tlsServer('wrong-name', (socket) => {
      socket.on('data', (bytes) =>
        socket.write(sendOn(second.target, { alternateDomain })(decode(bytes))),
      );
    });
    const tls = { ca: fixture('ca'), servername: 'other.example.org' };
    return getMappedAddress(uriOf(first.target, 'stuns'), { tls });
  };
  expect(await ask('stun.example.org')).toMatchObject({ ...MAPPED, serverAddress: second.target });
  expect(await rejection(ask('third.example.org'))).toMatchObject({ code: 'ERR_TRANSPORT_TLS' });
});

/** Servers in memory, by their last number: what each says. @param {Record<string, (request: Message) => Uint8Array | undefined>} scripts */
function network(scripts) {
  /** @type {string[]} */
  const asked = [];
  const { transport, targets } = memoryServer((request, { target }) => {
    const number = target.address.slice(target.address.lastIndexOf('.') + 1);
    asked.push(number);
    return scripts[number]?.(request);
  });
  return { transport, asked, targets };
}

/** @param {number} number */
const server = (number) => ({ address: `198.51.100.${number}`, port: 3478 });
const yes = (/** @type {Message} */ request) => success(request);

test('several times', async () => {
  const { transport, asked } = network({
    1: sendOn(server(2)),
    2: sendOn(server(3)),
    3: sendOn(server(4)),
    4: yes,
  });
  const { attempts } = await getMappedAddress(SERVER, { transport });
  expect(asked).toEqual(['1', '2', '3', '4']);
  expect(attempts.map(({ address }) => address.slice(-1))).toEqual(['1', '2', '3']);
});

test('a loop ends with ERR_REDIRECT_LIMIT, and nobody is asked twice', async () => {
  const { transport, asked } = network({ 1: sendOn(server(2)), 2: sendOn(server(1)) });
  const error = await rejection(getMappedAddress(SERVER, { transport }));
  expect(error).toMatchObject({
    code: 'ERR_REDIRECT_LIMIT',
    phase: 'redirect',
    url: SERVER,
    cause: { code: 'ERR_STUN_RESPONSE', errorCode: 300 },
  });
  expect(error.attempts).toMatchObject([server(1), server(2)]);
  expect(asked).toEqual(['1', '2']);
});

test('a server that sends its clients to itself', async () => {
  const { transport, asked } = network({ 1: sendOn(server(1)) });
  expect(await rejection(getMappedAddress(SERVER, { transport }))).toMatchObject({
    code: 'ERR_REDIRECT_LIMIT',
  });
  expect(asked).toEqual(['1']);
});

test('a chain without end is cut after five', async () => {
  let next = 1;
  const { transport, requests } = memoryServer((request) => sendOn(server(++next))(request));
  expect(await rejection(getMappedAddress(SERVER, { transport }))).toMatchObject({
    code: 'ERR_REDIRECT_LIMIT',
  });
  expect(requests).toHaveLength(6);
});

test('where it leads is down: that is the error', async () => {
  const { transport } = network({ 1: sendOn(server(2)) });
  const retransmission = { rtoMs: 1, rc: 1, rm: 1 };
  const error = await rejection(getMappedAddress(SERVER, { transport, retransmission }));
  expect(error.code).toBe('ERR_STUN_TIMEOUT');
  expect(error.attempts).toMatchObject([
    { ...server(1), code: 'ERR_STUN_RESPONSE' },
    { ...server(2), code: 'ERR_STUN_TIMEOUT' },
  ]);
});

test('of two alternates, the second is tried when the first fails', async () => {
  const { transport, asked } = network({
    1: (request) =>
      failure(request, 300, {
        alternateServer: [{ ...server(2) }, { address: '2001:db8::3', port: 3478 }],
      }),
    2: (request) => failure(request, 500),
    '2001:db8::3': yes,
  });
  const result = await getMappedAddress(SERVER, { transport });
  expect(result.attempts).toMatchObject([server(1), server(2)]);
  expect(asked).toEqual(['1', '2', '2001:db8::3']);
});

test('with `family` set, an alternate of the other is no way', async () => {
  const { transport, asked } = network({ 1: sendOn({ address: '2001:db8::3', port: 3478 }) });
  expect(await rejection(getMappedAddress(SERVER, { transport, family: 4 }))).toMatchObject({
    code: 'ERR_STUN_RESPONSE',
    errorCode: 300,
  });
  expect(asked).toEqual(['1']);
});

test.each([
  ['without ALTERNATE-SERVER', (/** @type {Message} */ request) => failure(request, 300)],
  ['to port 0', sendOn({ ...server(2), port: 0 })],
])('%s there is no way on', async (_, script) => {
  const { transport, targets } = network({ 1: script, 2: yes });
  expect(await rejection(getMappedAddress(SERVER, { transport }))).toMatchObject({
    code: 'ERR_STUN_RESPONSE',
    errorCode: 300,
  });
  expect(targets).toHaveLength(1);
});

test('the other addresses of the server do not wait for where it leads', async () => {
  const silent = await scriptedUdpServer(() => undefined, '::1');
  const first = await scriptedUdpServer(sendOn(silent.target), '::1');
  const second = await scriptedUdpServer(yes);
  const result = await getMappedAddress('stun:stun.example.org', {
    ...PATIENT,
    resolver: resolverOf(first.target, second.target),
  });
  expect(result.serverAddress).toEqual({ ...second.target, family: 'IPv4' });
  expect(silent.requests).toHaveLength(1);
});

describe('over WebSocket', () => {
  test.each([
    ['wss://198.51.100.1/turn?token=x', { ...server(2) }, undefined, 'wss://198.51.100.2:3478/'],
    ['ws://198.51.100.1:81/', { ...server(2), port: 80 }, undefined, 'ws://198.51.100.2/'],
    [
      'wss://198.51.100.1/',
      { address: '2001:db8::2', port: 9 },
      undefined,
      'wss://[2001:db8::2]:9/',
    ],
    ['wss://198.51.100.1/a', server(2), 'b.example.org', 'wss://b.example.org:3478/'],
    ['turns:198.51.100.1?transport=ws', server(2), undefined, 'wss://198.51.100.2:3478/'],
  ])('%s leads to the place, without the path and query', async (url, place, domain, expected) => {
    const { transport, targets } = memoryServer((request, { number }) =>
      number === 0 ? sendOn(place, { alternateDomain: domain })(request) : yes(request),
    );
    const { attempts } = await getMappedAddress(url, { transport });
    expect(targets[1]).toMatchObject({ ...place, transport: 'ws', url: expected });
    expect(attempts).toMatchObject([{ transport: 'ws', errorCode: 300 }]);
  });

  test('a domain that is none is no way', async () => {
    const { transport, targets } = network({
      1: sendOn(server(2), { alternateDomain: 'b.example.org/turn?x' }),
    });
    expect(await rejection(getMappedAddress('wss://198.51.100.1/', { transport }))).toMatchObject({
      code: 'ERR_STUN_RESPONSE',
      errorCode: 300,
    });
    expect(targets).toHaveLength(1);
  });

  test('no WebSocket there: it is said what to do', async () => {
    const { transport: first } = network({ 1: sendOn(server(2)) });
    /** @type {typeof first} */
    const transport = async (target, options) => {
      if (target.address === server(2).address) throw new PosternError('ERR_TRANSPORT_CONNECT');
      return first(target, options);
    };
    const error = await rejection(getMappedAddress('wss://198.51.100.1/', { transport }));
    expect(error).toMatchObject({
      code: 'ERR_TRANSPORT_CONNECT',
      hint: expect.stringMatching(/^The server behind the WebSocket sends its clients on/),
      attempts: [{ errorCode: 300 }, server(2)],
    });
  });
});

describe('with credentials', () => {
  const credentials = {
    username: 'u',
    password: 'p',
    mechanism: /** @type {const} */ ('short-term'),
  };
  const key = prepareKey({ password: 'p' });
  let others = 0;
  beforeEach(() => {
    others = 0;
  });
  const second = (/** @type {Message} */ request) => {
    others++;
    return verify(request, key) ? success(request, {}, { key }) : undefined;
  };

  test('it is followed when the answer was signed', async () => {
    const { transport } = network({
      1: (request) => failure(request, 300, { alternateServer: server(2) }, { key }),
      2: second,
    });
    expect(await getMappedAddress(SERVER, { transport, credentials })).toMatchObject({
      ...MAPPED,
      authenticated: true,
    });
  });

  // RFC 8489 section 14.8: or whoever is faster than the server could have the credentials.
  test('it is not when it was not', async () => {
    const { transport } = network({
      1: (request) => failure(request, 300, { alternateServer: server(2) }),
      2: second,
    });
    const options = { transport, credentials: { username: 'u', password: 'p' } };
    expect(await rejection(getMappedAddress(SERVER, options))).toMatchObject({
      code: 'ERR_STUN_RESPONSE',
      errorCode: 300,
      alternateServers: undefined,
    });
    expect(others).toBe(0);
  });
});
