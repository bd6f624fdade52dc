// Datagrams that are not the server's answer, and answers that somebody has changed.
import { afterEach, describe, expect, test } from '@jest/globals';
import { encode, prepareKey } from '../../../js/codec/index.js';
import { getMappedAddress, openStunClient } from '../../../js/index.js';
import { cleanUp, tracked, udpServer } from '../transports/helpers.js';
import {
  failure,
  MAPPED,
  memoryServer,
  PATIENT,
  rejection,
  SERVER,
  scriptedUdpServer,
  success,
} from './support.js';

/** @typedef {import('../../../js/codec/index.js').Message} Message */

afterEach(cleanUp);

const LIE = { address: '192.0.2.66', port: 666, family: /** @type {const} */ ('IPv4') };
const NOTHING_DROPPED = {
  malformed: 0,
  unexpected: 0,
  wrongSource: 0,
  unknownTransaction: 0,
  late: 0,
  badFingerprint: 0,
  badIntegrity: 0,
  ignored: 0,
};

/** @param {Uint8Array} bytes @param {number} at counted from the end where negative */
function flipped(bytes, at) {
  const copy = Uint8Array.from(bytes);
  copy[at < 0 ? copy.length + at : at] ^= 1;
  return copy;
}

const key = prepareKey({ password: 'secret' });
const signed = /** @type {const} */ ({
  credentials: { mechanism: 'short-term', username: 'u', password: 'secret' },
});

/** A lie, signed as if it were true. @param {Message} request */
const lie = (request) => success(request, { xorMappedAddress: LIE }, { key, integrity: 'sha256' });

/** @type {[string, keyof typeof NOTHING_DROPPED, (request: Message) => Uint8Array][]} */
const forgeries = [
  ['noise', 'malformed', () => Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ['nothing', 'malformed', () => new Uint8Array()],
  ['64 KiB of zeros', 'malformed', () => new Uint8Array(65_507)],
  ['half an answer', 'malformed', (request) => lie(request).subarray(0, 24)],
  ['an answer without the cookie', 'malformed', (request) => flipped(lie(request), 4)],
  ['the answer to another request', 'unknownTransaction', (request) => flipped(lie(request), 19)],
  ['the answer to another method', 'unexpected', (request) => flipped(lie(request), 1)],
  [
    'a request',
    'unexpected',
    ({ transactionId }) => encode({ class: 'request', method: 'Binding', transactionId }),
  ],
  [
    'an indication',
    'unexpected',
    ({ transactionId }) => encode({ class: 'indication', method: 'Binding', transactionId }),
  ],
  [
    'a wrong FINGERPRINT',
    'badFingerprint',
    (request) =>
      flipped(
        success(
          request,
          { xorMappedAddress: LIE },
          { key, integrity: 'sha256', fingerprint: true },
        ),
        -1,
      ),
  ],
  ['no integrity', 'badIntegrity', (request) => success(request, { xorMappedAddress: LIE })],
  ['changed after it was signed', 'badIntegrity', (request) => flipped(lie(request), 27)],
  [
    'signed with another password',
    'badIntegrity',
    (request) =>
      success(
        request,
        { xorMappedAddress: LIE },
        { key: prepareKey({ password: 'guess' }), integrity: 'sha256' },
      ),
  ],
  ['an error without integrity', 'badIntegrity', (request) => failure(request, 400)],
];

describe('is dropped, and the answer behind it taken:', () => {
  test.each(forgeries)('%s', async (_, counter, forge) => {
    const { transport } = memoryServer((request) => [
      forge(request),
      success(request, {}, { key, integrity: 'sha256' }),
    ]);
    const client = tracked(await openStunClient(SERVER, { transport, ...signed }));
    expect(await client.bind()).toMatchObject({ ...MAPPED, authenticated: true, requestsSent: 1 });
    expect(client.stats()).toEqual({ ...NOTHING_DROPPED, [counter]: 1 });
  });
});

test('the same answer again is late', async () => {
  const { transport } = memoryServer((request) => [
    success(request),
    success(request),
    success(request),
  ]);
  const client = tracked(await openStunClient(SERVER, { transport }));
  await client.bind();
  await client.bind();
  expect(client.stats()).toEqual({ ...NOTHING_DROPPED, late: 4 });
});

test('an answer from another source is dropped', async () => {
  /** @type {(import('../../../js/codec/values.js').TransportAddress | undefined)[]} */
  const sources = [
    { address: '198.51.100.1', port: 3479, family: 'IPv4' },
    { address: '198.51.100.2', port: 3478, family: 'IPv4' },
    { address: '2001:db8::1', port: 3478, family: 'IPv6' },
    { address: 'nonsense', port: 3478, family: 'IPv4' },
  ];
  const { transport } = memoryServer(
    (request) => [
      ...sources.map(() => success(request, { xorMappedAddress: LIE })),
      success(request),
    ],
    {
      network: ({ bytes, source, deliver }) => {
        const isAnswer = source.port === 3478;
        queueMicrotask(() => deliver(bytes, (isAnswer && sources.shift()) || source));
      },
    },
  );
  const client = tracked(await openStunClient(SERVER, { transport }));
  expect(await client.bind()).toMatchObject({ ...MAPPED, requestsSent: 1 });
  expect(client.stats()).toEqual({ ...NOTHING_DROPPED, wrongSource: 4 });
});

test('on a real socket, a stranger is not heard', async () => {
  const { socket: stranger } = await udpServer('127.0.0.1', 0, false);
  const server = await scriptedUdpServer((request, { source }) => {
    // The truth is sent when the lie is on its way.
    stranger.send(success(request, { xorMappedAddress: LIE }), source.port, source.address, () =>
      server.socket.send(success(request), source.port, source.address),
    );
    return undefined;
  });
  expect(await getMappedAddress(server.uri, PATIENT)).toMatchObject({ ...MAPPED, requestsSent: 1 });
});

test('with CHANGE-REQUEST the answer may come from elsewhere, and the result says from where', async () => {
  const elsewhere = { address: '198.51.100.2', port: 3479, family: /** @type {const} */ ('IPv4') };
  const { transport, requests } = memoryServer((request) => success(request), {
    network: ({ bytes, source, deliver }) => {
      queueMicrotask(() => deliver(bytes, source.port === 3478 ? elsewhere : source));
    },
  });
  const client = tracked(await openStunClient(SERVER, { transport }));
  expect(await client.bind({ changeIp: true, changePort: true })).toMatchObject({
    ...MAPPED,
    serverAddress: elsewhere,
  });
  expect(requests[0].attributes.changeRequest).toEqual({ changeIp: true, changePort: true });
});

test('on a stream, wrong integrity is the end: nothing else can have sent it', async () => {
  const { transport } = memoryServer(lieTo, { reliable: true });
  function lieTo(/** @type {Message} */ request) {
    return success(request, {}, { key: prepareKey({ password: 'guess' }), integrity: 'sha256' });
  }
  expect(await rejection(getMappedAddress(SERVER, { transport, ...signed }))).toMatchObject({
    code: 'ERR_STUN_INTEGRITY',
  });
});

test('with nothing but forgeries, the error says what was wrong with them', async () => {
  const { transport } = memoryServer((request) => failure(request, 403));
  const options = { ...signed, transport, retransmission: { rtoMs: 1, rc: 2, rm: 1 } };
  expect(await rejection(getMappedAddress(SERVER, options))).toMatchObject({
    code: 'ERR_STUN_INTEGRITY',
    errorCode: 403,
  });
});
