import { afterEach, describe, expect, test } from '@jest/globals';
import { createCredentials, createIceServers } from '../../../js/credentials/index.js';
import { NOW_MS, NOW_SECONDS, rejection, SECRET, signed } from './support.js';

const STUN = 'stun:stun.example.org';
const TURN = 'turn:turn.example.org?transport=udp';
const TURNS = 'turns:turn.example.org';

describe('createCredentials', () => {
  // By: printf 1700003600:alice | openssl dgst -sha1 -hmac north -binary | base64; the others alike.
  test.each([
    ['as the draft makes them', {}, '1700003600:alice', 'wjwSXO2ch1B6VaLTLMy2Avn5O9o='],
    [
      'with SHA-256',
      { algorithm: 'SHA-256' },
      '1700003600:alice',
      'ZlB8VYmPhmyc10FawVJHfIDwpZjz6GuPyl7Yh17ftDs=',
    ],
    [
      'without a user, for a day',
      { userId: undefined, ttlSeconds: undefined },
      '1700086400',
      'K+RlgFj3QLvB7WAVHfjfgMgyBeA=',
    ],
  ])('%s', async (_, options, username, credential) => {
    const base = { secret: SECRET, userId: 'alice', ttlSeconds: 3600, nowMs: 1_700_000_000_999 };
    const made = await createCredentials(/** @type {any} */ ({ ...base, ...options }));
    const expiry = Number.parseInt(username, 10);
    expect(made).toEqual({
      username,
      credential,
      ttlSeconds: expiry - 1_700_000_000,
      expiresAt: expiry * 1000,
    });
  });

  test('with another separator, a secret of bytes, a user ID beyond ASCII', async () => {
    const secret = Buffer.from([0, 0xff, 0x0a]);
    const options = { secret, userId: 'ä:ö 1', separator: '.', ttlSeconds: 1, nowMs: NOW_MS };
    expect(await createCredentials(options)).toEqual({
      ...signed(`${NOW_SECONDS + 1}.ä:ö 1`, { secret }),
      ttlSeconds: 1,
      expiresAt: NOW_MS + 1000,
    });
  });

  test('by the clock of this machine', async () => {
    const before = Date.now();
    const { expiresAt } = await createCredentials({ secret: SECRET, ttlSeconds: 60 });
    expect(expiresAt).toBeGreaterThan(before + 59_000 - 1);
    expect(expiresAt).toBeLessThanOrEqual(Date.now() + 60_000);
  });

  test('up to the longest user name that STUN has', async () => {
    const base = { secret: SECRET, nowMs: NOW_MS };
    const userId = 'é'.repeat(248); // 496 bytes
    const { username } = await createCredentials({ ...base, userId: `${userId}x` });
    expect(Buffer.byteLength(username)).toBe(508);
    const error = await rejection(createCredentials({ ...base, userId: `${userId}xx` }));
    expect(error).toMatchObject({ argument: 'options.userId' });
    expect(error.message).toContain('497 bytes');
  });

  test.each(
    /** @type {[string, any][]} */ ([
      ['options', undefined],
      ['options.secret', {}],
      ['options.secret', { secret: '' }],
      ['options.secret', { secret: new Uint8Array() }],
      ['options.secret', { secret: 'hidden-word\n' }],
      ['options.secret', { secret: 7 }],
      ['options.userId', { userId: '' }],
      ['options.userId', { userId: 7 }],
      ['options.userId', { userId: 'a\u0000' }],
      ['options.userId', { userId: 'a\u00a0b' }],
      ['options.userId', { userId: 'e\u0301' }],
      ['options.userId', { userId: '\ud800' }],
      ['options.ttlSeconds', { ttlSeconds: 0 }],
      ['options.ttlSeconds', { ttlSeconds: 1.5 }],
      ['options.ttlSeconds', { ttlSeconds: '60' }],
      ['options.ttlSeconds', { ttlSeconds: 2 ** 32 }],
      ['options.algorithm', { algorithm: 'MD5' }],
      ['options.separator', { separator: '' }],
      ['options.separator', { separator: '::' }],
      ['options.separator', { separator: '7' }],
      ['options.nowMs', { nowMs: Number.NaN }],
      ['options.nowMs', { nowMs: new Date() }],
    ]),
  )('%s cannot be as in %p', async (argument, options) => {
    const isOfSecret = argument === 'options.secret';
    const given = isOfSecret || !options ? options : { secret: 'hidden-word', ...options };
    const error = await rejection(createCredentials(given));
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ code: 'ERR_INVALID_ARGUMENT', argument });
    expect(error.message).not.toContain('hidden-word');
  });

  describe('without WebCrypto', () => {
    const descriptor = /** @type {PropertyDescriptor} */ (
      Object.getOwnPropertyDescriptor(globalThis, 'crypto')
    );
    afterEach(() => Object.defineProperty(globalThis, 'crypto', descriptor));

    test('says so', async () => {
      Object.defineProperty(globalThis, 'crypto', { value: {}, configurable: true });
      const error = await rejection(createCredentials({ secret: SECRET }));
      expect(error.code).toBe('ERR_CRYPTO_UNAVAILABLE');
    });
  });
});

describe('createIceServers', () => {
  const base = { secret: SECRET, userId: 'alice', ttlSeconds: 600, nowMs: NOW_MS };
  const credentials = signed(`${NOW_SECONDS + 600}:alice`);
  const lifetime = { ttlSeconds: 600, expiresAt: NOW_MS + 600_000 };

  test.each([
    ['one URI', TURN, [{ urls: [TURN], ...credentials }]],
    [
      'STUN apart, without credentials',
      [STUN, TURN, TURNS],
      [{ urls: [STUN] }, { urls: [TURN, TURNS], ...credentials }],
    ],
    [
      'what comes first first, each once',
      [TURNS, STUN, TURNS, TURN],
      [{ urls: [TURNS, TURN], ...credentials }, { urls: [STUN] }],
    ],
    ['STUN only', [STUN], [{ urls: [STUN] }]],
    ['a gateway', 'wss://example.org/turn', [{ urls: ['wss://example.org/turn'], ...credentials }]],
  ])('of %s', async (_, urls, iceServers) => {
    expect(await createIceServers({ ...base, urls })).toEqual({ iceServers, ...lifetime });
  });

  test.each(
    /** @type {[string, any][]} */ ([
      ['options', undefined],
      ['options.urls', undefined],
      ['options.urls', []],
      ['options.urls', 7],
      ['options.urls[1]', [STUN, 7]],
    ]),
  )('%s cannot be %p', async (argument, urls) => {
    const options = argument === 'options' ? urls : { ...base, urls };
    expect(await rejection(createIceServers(options))).toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      argument,
    });
  });

  test('tells which URI cannot be read', async () => {
    const error = await rejection(createIceServers({ ...base, urls: [STUN, 'http://x'] }));
    expect(error.code).toBe('ERR_INVALID_URI');
    expect(error.message).toMatch(/^options\.urls\[1\]: /);
  });
});
