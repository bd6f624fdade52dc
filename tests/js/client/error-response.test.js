// What servers answer when they do not give the address.
import { afterEach, describe, expect, test } from '@jest/globals';
import { startStunResponder } from '../../../js/dev/stun-responder.js';
import { getMappedAddress, openStunClient, PosternError } from '../../../js/index.js';
import { failure, memoryServer, PATIENT, rejection, SERVER, success } from './support.js';

/** @type {(() => Promise<void>)[]} */
const closings = [];
afterEach(async () => {
  for (const close of closings.splice(0)) await close();
});

/** @param {Parameters<typeof memoryServer>[0]} script @param {boolean} [reliable] */
const errorOf = (script, reliable) =>
  rejection(getMappedAddress(SERVER, { transport: memoryServer(script, { reliable }).transport }));

test.each([false, true])('an error with its reason (reliable: %s)', async (reliable) => {
  const error = await errorOf(
    (request) => failure(request, 500, { errorCode: { code: 500, reason: 'Out of coffee' } }),
    reliable,
  );
  expect(error).toBeInstanceOf(PosternError);
  expect(error).toMatchObject({
    name: 'PosternError',
    code: 'ERR_STUN_RESPONSE',
    errorCode: 500,
    reason: 'Out of coffee',
    phase: 'request',
    url: SERVER,
    attempts: [
      { transport: 'udp', address: '198.51.100.1', port: 3478, code: 'ERR_STUN_RESPONSE' },
    ],
  });
  expect(error.message).toBe('The server answered 500 (Out of coffee).');
  expect(error.hint).toContain('try again');
});

test('NULs behind the reason are padding', async () => {
  const error = await errorOf((request) =>
    failure(request, 437, { errorCode: { code: 437, reason: 'Invalid allocation\0\0' } }),
  );
  expect(error).toMatchObject({ errorCode: 437, reason: 'Invalid allocation' });
});

test('without a reason, the registered one', async () => {
  const error = await errorOf((request) =>
    failure(request, 403, { errorCode: { code: 403, reason: '' } }),
  );
  expect(error).toMatchObject({ errorCode: 403, reason: 'Forbidden' });
});

test('a code that nobody has registered', async () => {
  const error = await errorOf((request) =>
    failure(request, 699, { errorCode: { code: 699, reason: '' } }),
  );
  expect(error).toMatchObject({ code: 'ERR_STUN_RESPONSE', errorCode: 699, hint: undefined });
  expect(error.message).toContain('699');
});

test('no ERROR-CODE at all', async () => {
  const error = await errorOf((request) => failure(request, 400, { errorCode: undefined }));
  expect(error).toMatchObject({ code: 'ERR_STUN_ATTRIBUTE_MISSING' });
});

test('420 tells what the server did not know', async () => {
  const error = await errorOf((request) =>
    failure(request, 420, { unknownAttributes: [0x0003, 0x7abc] }),
  );
  expect(error).toMatchObject({
    code: 'ERR_STUN_RESPONSE',
    errorCode: 420,
    unknownAttributes: [0x0003, 0x7abc],
  });
});

test('420 of our own responder, to CHANGE-REQUEST', async () => {
  const { udpPort, close } = await startStunResponder();
  closings.push(close);
  const client = await openStunClient(`stun:127.0.0.1:${udpPort}`, PATIENT);
  const error = await rejection(client.bind({ changePort: true }));
  expect(error).toMatchObject({ errorCode: 420, unknownAttributes: [0x0003] });
  // The client is as good as before.
  expect(await client.bind()).toMatchObject({ address: '127.0.0.1' });
  await client.close();
});

describe('an answer that demands what is not understood', () => {
  const rawAttributes = [
    { type: 0x7abc, value: Uint8Array.of(1) },
    { type: 0x7abd, value: new Uint8Array() },
    { type: 0xfabc, value: Uint8Array.of(1) }, // may be ignored
  ];

  test('is not used', async () => {
    expect(await errorOf((request) => success(request, {}, { rawAttributes }))).toMatchObject({
      code: 'ERR_STUN_UNKNOWN_ATTRIBUTES',
      unknownAttributes: [0x7abc, 0x7abd],
    });
  });

  test('as an error: neither', async () => {
    expect(await errorOf((request) => failure(request, 400, {}, { rawAttributes }))).toMatchObject({
      code: 'ERR_STUN_UNKNOWN_ATTRIBUTES',
      errorCode: 400,
      unknownAttributes: [0x7abc, 0x7abd],
    });
  });
});
