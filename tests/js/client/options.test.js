// Wrong arguments: refused before anything is opened, with the name of what is wrong.
import { describe, expect, test } from '@jest/globals';
import * as postern from '../../../js/index.js';
import { getMappedAddress, openStunClient } from '../../../js/index.js';
import { failure, memoryServer, rejection, SERVER, success } from './support.js';

/** For values that TypeScript would refuse. @param {unknown} value @returns {any} */
const as = (value) => value;

const notObjects = [null, 0, 'text', true];
const notStrings = [null, 7, true, {}, ['a']];
const notMilliseconds = [null, '100', 0, -1, 0.5, NaN, Infinity, 4_000_001];
const credentials = { username: 'u', password: 'p' };
/** @param {object} wrong */
const withCredentials = (wrong) => ({ credentials: { ...credentials, ...wrong } });
/** @param {object} retransmission */
const withRetransmission = (retransmission) => ({ retransmission });

/** @type {[string, readonly unknown[], (value: any) => unknown][]} */
const wrongOptions = [
  ['options', notObjects, (value) => value],
  [
    'options.signal',
    [null, 0, {}, { aborted: false }, new AbortController()],
    (signal) => ({ signal }),
  ],
  ['options.timeoutMs', notMilliseconds, (timeoutMs) => ({ timeoutMs })],
  ['options.transport', [null, 'UDP', 'dtls', '', 17, {}], (transport) => ({ transport })],
  ['options.family', [null, 0, '4', 'IPv4', 46], (family) => ({ family })],
  ['options.credentials', notObjects, (value) => ({ credentials: value })],
  [
    'options.credentials.username',
    [undefined, ...notStrings],
    (username) => withCredentials({ username }),
  ],
  [
    'options.credentials.password',
    [undefined, ...notStrings],
    (password) => withCredentials({ password }),
  ],
  ['options.credentials.realm', notStrings, (realm) => withCredentials({ realm })],
  [
    'options.credentials.mechanism',
    [null, 'long', 'LONG-TERM', true],
    (mechanism) => withCredentials({ mechanism }),
  ],
  [
    'options.credentials.preparation',
    [null, 'OpaqueString', 'SASLprep', true],
    (preparation) => withCredentials({ preparation }),
  ],
  ['options.tls', notObjects, (tls) => ({ tls })],
  [
    'options.localAddress',
    [null, 1, {}, '', 'localhost', '127.1', '[::1]'],
    (localAddress) => ({ localAddress }),
  ],
  ['options.localPort', [null, '1', -1, 1.5, 65_536, NaN], (localPort) => ({ localPort })],
  [
    'options.software',
    [...notStrings, 'x'.repeat(128), 'é'.repeat(64)],
    (software) => ({ software }),
  ],
  ['options.fingerprint', [null, 0, 'true', {}], (fingerprint) => ({ fingerprint })],
  ['options.retransmission', notObjects, (retransmission) => ({ retransmission })],
  ['options.retransmission.rtoMs', notMilliseconds, (rtoMs) => withRetransmission({ rtoMs })],
  ['options.retransmission.rc', [null, '7', 0, -1, 1.5, 15], (rc) => withRetransmission({ rc })],
  [
    'options.retransmission.rm',
    [null, '16', 0, -1, 1.5, 65_536],
    (rm) => withRetransmission({ rm }),
  ],
  ['options.retransmission.tiMs', notMilliseconds, (tiMs) => withRetransmission({ tiMs })],
  ['options.featureBitOrder', [null, 'Right', 0], (featureBitOrder) => ({ featureBitOrder })],
  ['options.resolver', [null, 0, {}, () => {}, { resolveSrv() {} }], (resolver) => ({ resolver })],
];

/** @param {unknown} value */
const show = (value) =>
  (typeof value === 'object' ? JSON.stringify(value) : String(value)).slice(0, 40);
const rows = wrongOptions.flatMap(([argument, values, make]) =>
  values.map((value) => /** @type {const} */ ([argument, show(value), make(value)])),
);

/** @param {any} error @param {string} argument */
function expectArgumentError(error, argument) {
  expect(error).toBeInstanceOf(TypeError);
  expect(error).toMatchObject({ code: 'ERR_INVALID_ARGUMENT', argument });
  expect(error.message).toMatch(new RegExp(`^${argument.replaceAll('.', '\\.')} must be `));
}

describe('getMappedAddress() and openStunClient()', () => {
  test.each(rows)('%s: %s', async (argument, _, options) => {
    for (const call of [getMappedAddress, openStunClient]) {
      const { transport, targets } = memoryServer(() => undefined);
      const all = argument.startsWith('options.') ? { transport, ...as(options) } : options;
      expectArgumentError(await rejection(call(SERVER, as(all))), argument);
      expect(targets).toEqual([]);
    }
  });

  test.each([
    [undefined, 'server'],
    [null, 'server'],
    [7, 'server'],
    [[], 'server'],
    [[SERVER, 7], 'server[1]'],
    [{}, 'server.urls'],
    [{ urls: [] }, 'server.urls'],
    [{ urls: [SERVER, 7] }, 'server.urls[1]'],
    [{ urls: SERVER, username: 'u' }, 'server.credential'],
  ])('server: %j', async (server, argument) => {
    for (const call of [getMappedAddress, openStunClient]) {
      const error = await rejection(call(as(server)));
      expect(error).toBeInstanceOf(TypeError);
      expect(error).toMatchObject({ code: 'ERR_INVALID_ARGUMENT', argument });
    }
  });

  test.each(['', 'example.org', 'http://example.org', 'stun://example.org', 'stun:a:99999'])(
    'server: %j is no URI',
    async (uri) => {
      expect(await rejection(getMappedAddress(uri))).toMatchObject({
        code: 'ERR_INVALID_URI',
        offset: expect.any(Number),
      });
    },
  );

  test('what the URI does not allow', async () => {
    expectArgumentError(
      await rejection(getMappedAddress('stun:127.0.0.1:1', { transport: 'tls' })),
      'options.transport',
    );
    expectArgumentError(
      await rejection(getMappedAddress('stun:127.0.0.1:1', { family: 6 })),
      'options.family',
    );
    expect(await rejection(getMappedAddress('turns:127.0.0.1:1?transport=udp'))).toMatchObject({
      code: 'ERR_TRANSPORT_UNSUPPORTED',
    });
  });

  test('what node:tls does not take', async () => {
    const options = { tls: { servername: 'example.org', ca: 'nonsense', minVersion: as('TLSv9') } };
    expectArgumentError(
      await rejection(getMappedAddress('stuns:127.0.0.1:1', options)),
      'options.tls',
    );
  });

  test('certificates that are not to be checked', async () => {
    const tls = as({ servername: 'example.org', rejectUnauthorized: false });
    expectArgumentError(
      await rejection(getMappedAddress('stuns:127.0.0.1:1', { tls })),
      'options.tls.rejectUnauthorized',
    );
  });

  test('a local address of the other family', async () => {
    expectArgumentError(
      await rejection(getMappedAddress('stun:127.0.0.1:1', { localAddress: '::1' })),
      'options.localAddress',
    );
  });

  test('an empty user name, and one that is too long', async () => {
    const { transport } = memoryServer(() => undefined);
    const empty = { transport, ...withCredentials({ username: '' }) };
    expect(await rejection(getMappedAddress(SERVER, empty))).toMatchObject({
      code: 'ERR_STRING_EMPTY',
    });
    const long = { transport, ...withCredentials({ username: 'u'.repeat(600) }) };
    expect(await rejection(getMappedAddress(SERVER, long))).toMatchObject({
      code: 'ERR_STUN_CREDENTIALS',
    });
  });
});

test('everything undefined is as good as left out', async () => {
  const { transport, requests } = memoryServer((request) => success(request));
  const options = Object.fromEntries(wrongOptions.map(([name]) => [name.split('.')[1], undefined]));
  const { address } = await getMappedAddress(SERVER, { ...options, transport });
  expect(address).toBe('203.0.113.7');
  expect([...requests[0]]).toEqual([]);
});

describe('bind()', () => {
  /** @type {[string, readonly unknown[], (value: any) => unknown][]} */
  const wrong = [
    ['options', notObjects, (value) => value],
    ['options.signal', [null, 0, {}], (signal) => ({ signal })],
    ['options.fingerprint', [null, 0, 'true'], (fingerprint) => ({ fingerprint })],
    ['options.changeIp', [null, 1, 'true'], (changeIp) => ({ changeIp })],
    ['options.changePort', [null, 1, 'true'], (changePort) => ({ changePort })],
    ['options.responsePort', [null, '1', -1, 0, 1.5, 65_536], (responsePort) => ({ responsePort })],
    ['options.paddingBytes', [null, '1', -1, 1.5, 65_536], (paddingBytes) => ({ paddingBytes })],
  ];
  const rowsOfBind = wrong.flatMap(([argument, values, make]) =>
    values.map((value) => /** @type {const} */ ([argument, show(value), make(value)])),
  );
  test.each(rowsOfBind)('%s: %s', async (argument, _, options) => {
    const { transport, requests } = memoryServer((request) => success(request));
    const client = await openStunClient(SERVER, { transport });
    expectArgumentError(await rejection(client.bind(as(options))), argument);
    // The request that follows is the only one.
    await client.bind();
    expect(requests).toHaveLength(1);
    await client.close();
  });
});

test.each(notObjects)('init(): %p', async (options) => {
  expectArgumentError(await rejection(postern.init(as(options))), 'options');
});

test('options may be frozen', async () => {
  const { transport } = memoryServer((request) => failure(request, 500));
  const options = Object.freeze({
    transport,
    tls: Object.freeze({}),
    retransmission: Object.freeze({ rtoMs: 1, rc: 1, rm: 1 }),
    credentials: Object.freeze({ ...credentials }),
  });
  expect(await rejection(getMappedAddress(SERVER, options))).toMatchObject({ errorCode: 500 });
});

test('the package exports what it says', () => {
  expect(Object.keys(postern).sort()).toEqual([
    'PosternError',
    'Relay',
    'StunClient',
    'allocate',
    'checkIceServers',
    'discoverNat',
    'formatUri',
    'getMappedAddress',
    'init',
    'memoryTransportPair',
    'openStunClient',
    'parseUri',
    'turnSocket',
  ]);
});
