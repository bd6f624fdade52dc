import { describe, expect, test } from '@jest/globals';
import { createCredentials, verifyCredentials } from '../../../js/credentials/index.js';
import { hmac, NOW_MS, NOW_SECONDS, rejection, SECRET, signed } from './support.js';

const later = `${NOW_SECONDS + 60}`;
const earlier = `${NOW_SECONDS - 60}`;
const expiresAt = NOW_MS + 60_000;

/** @param {any} options */
const verify = (options) => verifyCredentials({ secrets: SECRET, nowMs: NOW_MS, ...options });

describe('valid', () => {
  test.each([
    ['with a user', `${later}:alice`, { userId: 'alice' }],
    ['with a user of several parts', `${later}:a:b`, { userId: 'a:b' }],
    ['bare', later, {}],
    ['with nothing after the separator', `${later}:`, {}],
  ])('%s', async (_, username, user) => {
    expect(await verify(signed(username))).toEqual({
      valid: true,
      ...user,
      expiresAt,
      secretIndex: 0,
    });
  });

  test('by any of several secrets', async () => {
    const secrets = ['south', Buffer.from(SECRET), 'east'];
    expect(await verify({ ...signed(later), secrets })).toMatchObject({ secretIndex: 1 });
    const credentials = signed(later, { secret: 'east' });
    expect(await verify({ ...credentials, secrets })).toMatchObject({ secretIndex: 2 });
  });

  test('with SHA-256 and another separator, where that is said', async () => {
    const rules = { algorithm: /** @type {const} */ ('SHA-256'), separator: '_', nowMs: NOW_MS };
    const made = await createCredentials({ secret: SECRET, userId: 'alice', ...rules });
    expect(await verify({ ...made, ...rules })).toMatchObject({ valid: true, userId: 'alice' });
    expect(await verify({ ...made, ...rules, separator: ':' })).toMatchObject({ valid: false });
    expect(await verify({ ...made, ...rules, algorithm: 'SHA-1' })).toMatchObject({
      reason: 'wrong-secret',
    });
  });

  test('until the last second is over, and for as long as clocks may differ', async () => {
    const credentials = signed(`${NOW_SECONDS}`);
    const at = async (/** @type {number} */ ms, clockSkewSeconds = 0) =>
      (await verify({ ...credentials, nowMs: NOW_MS + ms, clockSkewSeconds })).valid;
    expect(await at(999)).toBe(true);
    expect(await at(1000)).toBe(false);
    expect(await at(5999, 5)).toBe(true);
    expect(await at(6000, 5)).toBe(false);
  });
});

describe('not valid', () => {
  const right = signed(`${later}:alice`);
  const known = { userId: 'alice', expiresAt };

  test('expired', async () => {
    expect(await verify(signed(`${earlier}:alice`))).toEqual({
      valid: false,
      reason: 'expired',
      userId: 'alice',
      expiresAt: NOW_MS - 60_000,
    });
  });

  test.each([
    ['another secret', signed(right.username, { secret: 'south' }).credential],
    ['another user', signed(`${later}:bob`).credential],
    ['another hash', signed(right.username, { hash: 'sha256' }).credential],
    ['hexadecimal', hmac(right.username).toString('hex')],
    ['without padding', right.credential.replace('=', '')],
    ['with white space', `${right.credential}\n`],
    // The last character holds two bits that decoders drop.
    [
      'with other bits that do not count',
      right.credential.replace(
        /(.)=$/,
        (_, last) => `${String.fromCharCode(last.charCodeAt(0) + 1)}=`,
      ),
    ],
    ['cut', right.credential.slice(0, 24)],
    ['empty', ''],
    ['beyond Latin-1', '\u20ac'],
    ['nothing', undefined],
    ['a number', 7],
  ])('%s', async (_, credential) => {
    const { username } = right;
    expect(await verify({ username, credential })).toEqual({
      valid: false,
      reason: 'wrong-secret',
      ...known,
    });
  });

  test.each([
    'alice',
    `alice:${later}`,
    `${later}000`,
    ` ${later}`,
    `-${later}`,
    '',
    ':',
    undefined,
    7,
    {},
  ])('the user name %p tells no time', async (username) => {
    const { credential } = signed(String(username));
    expect(await verify({ username, credential })).toEqual({
      valid: false,
      reason: 'no-timestamp',
    });
  });
});

test.each(
  /** @type {[string, any][]} */ ([
    ['options.secrets', { secrets: undefined }],
    ['options.secrets', { secrets: [] }],
    ['options.secrets[1]', { secrets: ['a', ''] }],
    ['options.clockSkewSeconds', { clockSkewSeconds: -1 }],
    ['options.clockSkewSeconds', { clockSkewSeconds: 86_401 }],
  ]),
)('%s cannot be as in %p', async (argument, options) => {
  expect(await rejection(verify({ ...signed(later), ...options }))).toMatchObject({
    code: 'ERR_INVALID_ARGUMENT',
    argument,
  });
});
