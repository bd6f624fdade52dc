import { createDecipheriv } from 'node:crypto';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { createAccessToken } from '../../../js/credentials/index.js';
import { NOW_MS, NOW_SECONDS, rejection } from './support.js';

const KEY = Buffer.alloc(32, 7);
const OPTIONS = { kid: 'key-1', key: KEY, serverName: 'turn.example.org', nowMs: NOW_MS };

/**
 * As a TURN server opens it.
 *
 * @param {Uint8Array} token
 * @param {Buffer} [key]
 * @param {string} [serverName]
 */
function open(token, key = KEY, serverName = OPTIONS.serverName) {
  const bytes = Buffer.from(token);
  expect(bytes.readUInt16BE(0)).toBe(12);
  const cipher = key.length === 32 ? 'aes-256-gcm' : 'aes-128-gcm';
  const decipher = createDecipheriv(cipher, key, bytes.subarray(2, 14));
  decipher.setAAD(Buffer.from(serverName));
  decipher.setAuthTag(bytes.subarray(-16));
  const block = Buffer.concat([decipher.update(bytes.subarray(14, -16)), decipher.final()]);
  const keyLength = block.readUInt16BE(0);
  expect(block).toHaveLength(2 + keyLength + 12);
  return {
    macKey: new Uint8Array(block.subarray(2, 2 + keyLength)),
    seconds: block.readUIntBE(2 + keyLength, 6),
    fraction: block.readUInt16BE(2 + keyLength + 6),
    lifetime: block.readUInt32BE(2 + keyLength + 8),
  };
}

describe('createAccessToken', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  // RFC 7635 appendix A.
  test.each([
    [
      'A256GCM',
      'HGkj32KJGiuy098sdfaqbNjOiaz71923',
      '617ef134a3d5e44e9a19cc7dc104b0c03d03b2a551d8fdf5cd3b6dca6f10cfb77e5b2ddec84d293a5c50499359f0c2e26f76',
    ],
    [
      'A128GCM',
      'HGkj32KJGiuy098s',
      '7fb9e99f0827be3df1e1bd651493d3031d36df57079784aee5eacb65fad4f27fab1a3f97974b69f851b24bf5af09eda357e0',
    ],
  ])('makes the sample of the RFC with %s', async (_, key, sealed) => {
    const nonce = Buffer.from('h4j3k2l2n4b5');
    jest
      .spyOn(globalThis.crypto, 'getRandomValues')
      .mockImplementation((/** @type {any} */ array) => {
        array.set(nonce);
        return array;
      });
    const { accessToken } = await createAccessToken({
      kid: 'sample',
      key: Buffer.from(key),
      serverName: 'blackdow.carleon.gov',
      macKey: Buffer.from('ZksjpweoixXmvn67534m'),
      nowMs: Math.floor(92470300704768 / 65536) * 1000,
    });
    expect(Buffer.from(accessToken).toString('hex')).toBe(`000c${nonce.toString('hex')}${sealed}`);
  });

  test('seals the key that the client gets, the time and the lifetime', async () => {
    const made = await createAccessToken({ ...OPTIONS, nowMs: NOW_MS + 250.5, ttlSeconds: 60 });
    const { kid, accessToken, macKey, ...times } = made;
    expect(kid).toBe('key-1');
    expect(times).toEqual({ ttlSeconds: 60, expiresAt: NOW_MS + 60_000 });
    expect(macKey).toHaveLength(20);
    expect(open(accessToken)).toEqual({
      macKey,
      seconds: NOW_SECONDS,
      fraction: Math.floor(250.5 * 64),
      lifetime: 60,
    });
  });

  test('for an hour, by the clock of this machine', async () => {
    const before = Date.now();
    const { nowMs: _, ...options } = OPTIONS;
    const { accessToken, ttlSeconds } = await createAccessToken(options);
    const { seconds, lifetime } = open(accessToken);
    expect([ttlSeconds, lifetime]).toEqual([3600, 3600]);
    expect(seconds).toBeGreaterThanOrEqual(Math.floor(before / 1000));
    expect(seconds).toBeLessThanOrEqual(Math.floor(Date.now() / 1000));
  });

  test('never with the same nonce or key again', async () => {
    const made = await Promise.all(Array.from({ length: 100 }, () => createAccessToken(OPTIONS)));
    const nonces = made.map(({ accessToken }) => Buffer.from(accessToken).toString('hex', 0, 14));
    const keys = made.map(({ macKey }) => Buffer.from(macKey).toString('hex'));
    expect(new Set(nonces).size).toBe(100);
    expect(new Set(keys).size).toBe(100);
  });

  test('for one server only', async () => {
    const { accessToken } = await createAccessToken(OPTIONS);
    expect(() => open(accessToken, KEY, 'turn.example.com')).toThrow();
  });

  test('with a key of the caller’s, and with times that need more than 32 bits', async () => {
    const given = Buffer.alloc(64, 3);
    const { accessToken, macKey } = await createAccessToken({
      ...OPTIONS,
      key: Buffer.alloc(16, 1),
      macKey: given,
      nowMs: 8.64e15,
      ttlSeconds: 0xffffffff,
    });
    given.fill(0); // what came out is a copy
    expect(macKey).toEqual(new Uint8Array(64).fill(3));
    const opened = open(accessToken, Buffer.alloc(16, 1));
    expect(opened).toEqual({ macKey, seconds: 8.64e12, fraction: 0, lifetime: 0xffffffff });
  });

  test.each([
    ['options', undefined],
    ['options.kid', { kid: '' }],
    ['options.kid', { kid: 'x'.repeat(509) }],
    ['options.kid', { kid: 7 }],
    ['options.key', { key: Buffer.alloc(24) }],
    ['options.key', { key: 'x'.repeat(32) }],
    ['options.serverName', { serverName: undefined }],
    ['options.serverName', { serverName: 'ä'.repeat(128) }],
    ['options.ttlSeconds', { ttlSeconds: 0 }],
    ['options.ttlSeconds', { ttlSeconds: 2 ** 32 }],
    ['options.macKey', { macKey: Buffer.alloc(15) }],
    ['options.macKey', { macKey: Buffer.alloc(65) }],
    ['options.macKey', { macKey: null }],
    ['options.nowMs', { nowMs: Number.NaN }],
  ])('refuses %s that is not right (%#)', async (argument, wrong) => {
    const options = /** @type {any} */ (wrong && { ...OPTIONS, ...wrong });
    const error = await rejection(createAccessToken(options));
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ code: 'ERR_INVALID_ARGUMENT', argument });
  });
});
