// The question itself, over real sockets on loopback and over transports of the caller's.
import { afterEach, describe, expect, test } from '@jest/globals';
import { decode } from '../../../js/codec/index.js';
import { startStunResponder } from '../../../js/dev/stun-responder.js';
import { getMappedAddress, PosternError } from '../../../js/index.js';
import { cleanUp, fixture, freeUdpPort, tlsServer } from '../transports/helpers.js';
import {
  MAPPED,
  MAPPED_6,
  memoryServer,
  ownSockets,
  PATIENT,
  rejection,
  SERVER,
  scriptedTcpServer,
  scriptedUdpServer,
  success,
  uriOf,
} from './support.js';

/** @type {(() => Promise<void>)[]} */
const closings = [];
afterEach(async () => {
  await cleanUp();
  for (const close of closings.splice(0)) await close();
  expect(await ownSockets()).toEqual([]);
});

/** @param {string} host */
async function responder(host) {
  const server = await startStunResponder({ host, software: 'responder 1.0' });
  closings.push(server.close);
  return { address: host, port: server.udpPort };
}

describe.each([
  ['127.0.0.1', 'IPv4'],
  ['::1', 'IPv6'],
])('on %s', (host, family) => {
  test.each(/** @type {const} */ (['udp', 'tcp']))('over %s', async (transport) => {
    const target = await responder(host);
    const result = await getMappedAddress(uriOf(target), { transport, ...PATIENT });

    // Nothing translates on loopback: the server sees what the socket is called.
    const { address, port } = result.localAddress;
    expect(result).toEqual({
      address,
      port,
      family,
      roundTripMs: expect.any(Number),
      requestsSent: 1,
      authenticated: false,
      transport,
      localAddress: { address: host, port: expect.any(Number), family },
      serverAddress: { ...target, family },
      software: 'responder 1.0',
      otherAddress: undefined,
      responseOrigin: undefined,
      url: uriOf(target),
      phases: {
        dns: expect.any(Number),
        connect: expect.any(Number),
        request: expect.any(Number),
      },
      attempts: [],
    });
    const { phases } = result;
    expect(
      Math.min(result.roundTripMs ?? -1, phases.dns, phases.connect, phases.request),
    ).toBeGreaterThanOrEqual(0);
  });
});

test('over TLS', async () => {
  const { target } = await tlsServer('good', (socket) => {
    socket.on('data', (bytes) => socket.write(success(decode(bytes))));
  });
  const options = { tls: { ca: fixture('ca'), servername: 'stun.example.org' } };
  const { transport, address } = await getMappedAddress(uriOf(target, 'stuns'), options);
  expect({ transport, address }).toEqual({ transport: 'tls', address: MAPPED.address });
});

test('over TLS to another name than the certificate is for', async () => {
  const { target } = await tlsServer('good');
  const options = { tls: { ca: fixture('ca'), servername: 'other.example.org' } };
  const error = await rejection(getMappedAddress(uriOf(target, 'stuns'), options));
  expect(error).toMatchObject({
    code: 'ERR_TRANSPORT_TLS',
    phase: 'tls',
    url: uriOf(target, 'stuns'),
    attempts: [{ transport: 'tls', ...target, code: 'ERR_TRANSPORT_TLS' }],
  });
  expect(error.hint).toContain('tls.servername');
});

test('a request is plain, unless told otherwise', async () => {
  const server = memoryServer((request) => success(request));
  await getMappedAddress(SERVER, { transport: server.transport });
  const [request] = server.requests;
  expect(request).toMatchObject({ class: 'request', method: 'Binding', fingerprint: 'absent' });
  expect([...request]).toEqual([]);
});

test('SOFTWARE and FINGERPRINT are sent when asked for', async () => {
  const server = memoryServer((request) => success(request));
  const software = 'Straße 7';
  await getMappedAddress(SERVER, { transport: server.transport, software, fingerprint: true });
  const [request] = server.requests;
  expect(request.fingerprint).toBe('valid');
  expect(request.attributes.software).toBe(software);
});

test('every transaction has an ID of its own', async () => {
  const server = memoryServer((request) => success(request));
  for (let i = 0; i < 20; i++) await getMappedAddress(SERVER, { transport: server.transport });
  const ids = server.requests.map(({ transactionId }) =>
    Buffer.from(transactionId).toString('hex'),
  );
  expect(new Set(ids).size).toBe(20);
});

describe('reads', () => {
  /** @param {Record<string, unknown>} attributes */
  const resultOf = async (attributes) => {
    const { transport } = memoryServer((request) => success(request, attributes));
    return getMappedAddress(SERVER, { transport });
  };

  test('an IPv6 address', async () => {
    expect(await resultOf({ xorMappedAddress: MAPPED_6 })).toMatchObject(MAPPED_6);
  });

  test('MAPPED-ADDRESS where nothing else is', async () => {
    expect(await resultOf({ xorMappedAddress: undefined, mappedAddress: MAPPED })).toMatchObject(
      MAPPED,
    );
  });

  test('XOR-MAPPED-ADDRESS before MAPPED-ADDRESS, which NATs rewrite', async () => {
    const mappedAddress = { ...MAPPED, address: '192.168.0.1' };
    expect(await resultOf({ mappedAddress })).toMatchObject(MAPPED);
  });

  test('the addresses of RFC 5780', async () => {
    const responseOrigin = { address: '198.51.100.1', port: 3478, family: 'IPv4' };
    const otherAddress = { address: '198.51.100.2', port: 3479, family: 'IPv4' };
    const result = await resultOf({ responseOrigin, otherAddress });
    expect(result).toMatchObject({ responseOrigin, otherAddress });
  });

  test('SOFTWARE in any script', async () => {
    expect(await resultOf({ software: 'サーバー 1.0 – ok' })).toMatchObject({
      software: 'サーバー 1.0 – ok',
    });
  });

  test('no address: an error that says so', async () => {
    expect(await rejection(resultOf({ xorMappedAddress: undefined }))).toMatchObject({
      code: 'ERR_STUN_ATTRIBUTE_MISSING',
      phase: 'request',
    });
  });
});

describe('the server is named by', () => {
  test('an RTCIceServer', async () => {
    const { target } = await scriptedUdpServer((request) => success(request));
    const urls = [uriOf(target)];
    expect(await getMappedAddress({ urls }, PATIENT)).toMatchObject({ ...MAPPED, url: urls[0] });
  });

  test('a turn: URI, whose transport is taken', async () => {
    const { target } = await scriptedTcpServer((request) => success(request));
    const url = `turn:127.0.0.1:${target.port}?transport=tcp`;
    expect(await getMappedAddress(url)).toMatchObject({ ...MAPPED, url, transport: 'tcp' });
  });

  test('a name, looked up by the resolver given', async () => {
    const { target } = await scriptedUdpServer((request) => success(request));
    /** @type {string[]} */
    const asked = [];
    const resolver = {
      lookup: async (/** @type {string} */ name) => {
        asked.push(name);
        return [{ address: '127.0.0.1', family: 4 }];
      },
      resolveSrv: async () => [],
    };
    const url = `stun:stun.example.org:${target.port}`;
    expect(await getMappedAddress(url, { resolver, ...PATIENT })).toMatchObject({ ...MAPPED, url });
    expect(asked).toEqual(['stun.example.org']);
  });

  test('a name that cannot be resolved: ERR_DNS with the cause', async () => {
    const cause = Object.assign(new Error('no'), { code: 'ENOTFOUND' });
    const resolver = { lookup: () => Promise.reject(cause), resolveSrv: async () => [] };
    const error = await rejection(getMappedAddress('stun:stun.example.org:3478', { resolver }));
    expect(error).toMatchObject({
      code: 'ERR_DNS',
      phase: 'dns',
      url: 'stun:stun.example.org:3478',
      cause,
    });
    expect(error.attempts).toEqual([]);
  });

  test('a name, left to the transport of the caller', async () => {
    const { transport, targets } = memoryServer((request) => success(request));
    await getMappedAddress('stun:stun.example.org', { transport });
    expect(targets).toMatchObject([
      { address: 'stun.example.org', port: 3478, host: 'stun.example.org' },
    ]);
  });
});

describe('a server that cannot be reached', () => {
  test('over UDP: the ICMP error ends it at once', async () => {
    const target = { address: '127.0.0.1', port: await freeUdpPort() };
    const error = await rejection(getMappedAddress(uriOf(target), PATIENT));
    expect(error).toBeInstanceOf(PosternError);
    expect(error).toMatchObject({
      code: 'ERR_TRANSPORT_CONNECT',
      url: uriOf(target),
      attempts: [{ transport: 'udp', ...target, code: 'ERR_TRANSPORT_CONNECT' }],
      cause: { code: 'ERR_TRANSPORT_CONNECT', cause: { code: 'ECONNREFUSED' } },
    });
    expect(error.hint).toContain('nothing listens');
  });

  test('over TCP', async () => {
    const { target } = await scriptedTcpServer(() => undefined);
    await cleanUp();
    const error = await rejection(getMappedAddress(uriOf(target), { transport: 'tcp' }));
    expect(error).toMatchObject({
      code: 'ERR_TRANSPORT_CONNECT',
      phase: 'connect',
      url: uriOf(target),
      attempts: [{ transport: 'tcp', ...target, code: 'ERR_TRANSPORT_CONNECT' }],
      cause: { code: 'ECONNREFUSED' },
    });
    expect(error.hint).toContain('nothing listens');
  });

  test('over TCP that closes without an answer', async () => {
    const { uri } = await scriptedTcpServer((_, { socket }) => void socket.end());
    const error = await rejection(getMappedAddress(uri, { transport: 'tcp' }));
    expect(error).toMatchObject({ code: 'ERR_TRANSPORT_CLOSED', url: uri });
  });

  test('over TCP that resets the connection', async () => {
    const { uri } = await scriptedTcpServer((_, { socket }) => void socket.resetAndDestroy());
    const error = await rejection(getMappedAddress(uri, { transport: 'tcp' }));
    expect(error).toMatchObject({ code: 'ERR_TRANSPORT_CLOSED', url: uri });
    expect(error.message).toContain('ECONNRESET');
  });

  // "HT" could be the number of a channel, and what follows is its length then.
  test.each([
    ['SSH-2.0-OpenSSH_9.2\r\n', 'ERR_STREAM_DESYNCHRONISED'],
    ['HTTP/1.1 400 Bad Request\r\n\r\n', 'ERR_STREAM_FRAME_TOO_LONG'],
  ])('over TCP that speaks something else: %j', async (greeting, code) => {
    const { uri } = await scriptedTcpServer(() => Buffer.from(greeting));
    const error = await rejection(getMappedAddress(uri, { transport: 'tcp' }));
    expect(error).toMatchObject({ code, url: uri });
    expect(error.hint).toContain('does not speak STUN');
  });
});

test('an answer cut into single bytes', async () => {
  const { transport } = memoryServer(
    (request) => Array.from(success(request), (byte) => Uint8Array.of(byte)),
    { reliable: true },
  );
  expect(await getMappedAddress(SERVER, { transport })).toMatchObject(MAPPED);
});
