// encode(): headers, integrity, limits, and whose the memory is.
import { describe, expect, test } from '@jest/globals';
import { decode, encode, prepareKey, verify } from '../../../js/codec/index.js';
import { METHODS } from '../../../js/generated/registry.js';
import { fromHex, Random, TRANSACTION_ID, thrownBy, toHex } from './support.js';

/** @typedef {Parameters<typeof encode>[0]} MessageInput */

/** @type {MessageInput} */
const request = { class: 'request', method: 'Binding', transactionId: TRANSACTION_ID };
const shortTerm = prepareKey({ password: 'VOkJxbRl1RmTxUk/WvJxBt' });
const longTerm = prepareKey({ username: 'user', realm: 'realm', password: 'pass' });
const strong = prepareKey({
  username: 'user',
  realm: 'realm',
  password: 'pass',
  algorithm: 'SHA-256',
});

/** @param {Uint8Array} bytes */
const namesOf = (bytes) => Array.from(decode(bytes), ({ name }) => name);

describe('the header', () => {
  const classes = /** @type {const} */ ([
    ['request', 0x0000],
    ['indication', 0x0010],
    ['success', 0x0100],
    ['error', 0x0110],
  ]);

  test.each(classes)('of every method, as %s', (name, bits) => {
    for (const [number, method] of METHODS) {
      const bytes = encode({ ...request, class: name, method });
      // RFC 8489 section 5, figure 3: the class bits stand between those of the method.
      const type = ((number & 0xf80) << 2) | ((number & 0x70) << 1) | (number & 0xf) | bits;
      expect(toHex(bytes)).toBe(
        `${type.toString(16).padStart(4, '0')}00002112a442${toHex(TRANSACTION_ID)}`,
      );
      expect(decode(bytes)).toMatchObject({ class: name, method, type });
      expect(toHex(encode({ ...request, class: name, method: number }))).toBe(toHex(bytes));
    }
  });

  test('of each of the 4096 methods, by number', () => {
    const known = new Map(METHODS);
    for (let number = 0; number < 0x1000; number += 1) {
      const method = known.get(/** @type {any} */ (number)) ?? number;
      expect(decode(encode({ ...request, method: number })).method).toBe(method);
    }
  });

  test('has a random transaction ID where none is given', () => {
    const ids = Array.from({ length: 1000 }, () =>
      toHex(encode({ class: 'request', method: 'Binding' }).subarray(8)),
    );
    expect(new Set(ids).size).toBe(1000);
    for (let at = 0; at < 24; at += 2) {
      expect(new Set(ids.map((id) => id.slice(at, at + 2))).size).toBeGreaterThan(200);
    }
  });

  test('has no cookie in a classic message', () => {
    const transactionId = fromHex('00112233445566778899aabbccddeeff');
    const bytes = encode({
      class: 'success',
      method: 'Binding',
      transactionId,
      attributes: { changeRequest: { changeIp: true, changePort: false } },
    });
    expect(toHex(bytes)).toBe(`01010008${toHex(transactionId)}0003000400000004`);
    const message = decode(bytes, { allowClassic: true });
    expect(message.isClassic).toBe(true);
    expect(message.transactionId).toEqual(transactionId);
    expect(thrownBy(() => decode(bytes))).toMatchObject({ code: 'ERR_STUN_COOKIE', offset: 4 });
  });
});

describe('integrity', () => {
  test.each([
    ['a short-term key', shortTerm, undefined, ['MESSAGE-INTEGRITY']],
    ['a long-term key of MD5', longTerm, undefined, ['MESSAGE-INTEGRITY']],
    ['a long-term key of SHA-256', strong, undefined, ['MESSAGE-INTEGRITY-SHA256']],
    ["'sha1'", strong, 'sha1', ['MESSAGE-INTEGRITY']],
    ["'sha256'", shortTerm, 'sha256', ['MESSAGE-INTEGRITY-SHA256']],
    ["'both'", longTerm, 'both', ['MESSAGE-INTEGRITY', 'MESSAGE-INTEGRITY-SHA256']],
  ])('%s', (_title, key, choice, names) => {
    const integrity = /** @type {MessageInput['integrity']} */ (choice);
    const bytes = encode({
      ...request,
      attributes: { software: 'x' },
      key,
      integrity,
      fingerprint: true,
    });
    expect(namesOf(bytes)).toEqual(['SOFTWARE', ...names, 'FINGERPRINT']);
    const message = decode(bytes);
    expect(message.fingerprint).toBe('valid');
    expect(verify(message, key)).toBe(true);
    expect(verify(message, key, { integrity: 'sha1' })).toBe(names.includes('MESSAGE-INTEGRITY'));
    expect(verify(message, key, { integrity: 'sha256' })).toBe(
      names.includes('MESSAGE-INTEGRITY-SHA256'),
    );
    expect(verify(message, prepareKey({ password: 'another' }))).toBe(false);
  });

  test.each([16, 20, 24, 28, 32])('MESSAGE-INTEGRITY-SHA256 of %i bytes', (integrityLength) => {
    const message = decode(
      encode({ ...request, key: shortTerm, integrity: 'sha256', integrityLength }),
    );
    expect(message.raw('messageIntegritySha256')?.length).toBe(integrityLength);
    for (const leastLength of [16, 20, 24, 28, 32]) {
      expect(verify(message, shortTerm, { leastLength })).toBe(integrityLength >= leastLength);
    }
    expect(verify(message, shortTerm)).toBe(integrityLength === 32);
  });

  test.each(/** @type {const} */ (['sha1', 'sha256']))(
    '%s: no byte can be another',
    (integrity) => {
      const bytes = encode({
        ...request,
        attributes: { username: 'alice', priority: 7 },
        key: strong,
        integrity,
      });
      for (let at = 0; at < bytes.length; at += 1) {
        const changed = Uint8Array.from(bytes);
        changed[at] = /** @type {number} */ (changed[at]) ^ 1;
        // A changed attribute header may leave a message that cannot be read, or one without integrity.
        let isAuthentic = false;
        try {
          isAuthentic = verify(decode(changed), strong);
        } catch {}
        expect({ at, isAuthentic }).toEqual({ at, isAuthentic: false });
      }
      expect(verify(decode(bytes), strong)).toBe(true);
    },
  );

  test('a message without it is not authentic', () => {
    expect(verify(decode(encode({ ...request, fingerprint: true })), shortTerm)).toBe(false);
  });

  test('none where there is no key', () => {
    expect(namesOf(encode(request))).toEqual([]);
    expect(thrownBy(() => encode({ ...request, integrity: 'sha1' }))).toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      argument: 'message.key',
    });
  });

  test('a short-term key is the password; a long-term key is its hash', () => {
    expect(shortTerm.algorithm).toBeUndefined();
    expect(longTerm.algorithm).toBe('MD5');
    expect(strong.algorithm).toBe('SHA-256');
    const fromBytes = prepareKey({ password: new TextEncoder().encode('VOkJxbRl1RmTxUk/WvJxBt') });
    expect(toHex(encode({ ...request, key: fromBytes }))).toBe(
      toHex(encode({ ...request, key: shortTerm })),
    );
  });

  test('a key shows nothing of itself', () => {
    expect(JSON.stringify(longTerm)).toBe('{"algorithm":"MD5"}');
    expect(Object.getOwnPropertyNames(longTerm)).toEqual(['algorithm']);
  });
});

describe('limits', () => {
  // RFC 8489 section 5: the length is a multiple of 4 and has 16 bits.
  const LONGEST = 20 + 65532;

  test('the longest message', () => {
    const data = new Random(1).bytes(65528);
    const bytes = encode({ ...request, attributes: { data } });
    expect(bytes.length).toBe(LONGEST);
    const message = decode(bytes);
    expect(Buffer.compare(/** @type {Uint8Array} */ (message.attributes.data), data)).toBe(0);
    expect(decode(encode(request)).attributes.data).toBeUndefined();
    expect(message.attributes.data?.length).toBe(65528);
  });

  test('the longest message with integrity and FINGERPRINT', () => {
    const rest = 24 + 36 + 8;
    const data = new Uint8Array(65528 - rest).fill(0xee);
    const input = {
      ...request,
      attributes: { data },
      key: strong,
      integrity: /** @type {const} */ ('both'),
      fingerprint: true,
    };
    const message = decode(encode(input));
    expect(message.bytes.length).toBe(LONGEST);
    expect(message.fingerprint).toBe('valid');
    expect(verify(message, strong, { integrity: 'sha1' })).toBe(true);
    expect(verify(message, strong, { integrity: 'sha256' })).toBe(true);
    const longer = { ...input, attributes: { data: new Uint8Array(65528 - rest + 1) } };
    expect(thrownBy(() => encode(longer)).code).toBe('ERR_STUN_MESSAGE_TOO_LONG');
  });

  test.each([65529, 65532, 65535, 65536, 65537, 70_000, 73_728, 100_000, 10_000_000])(
    '%i bytes of data are too many',
    (length) => {
      const error = thrownBy(() =>
        encode({ ...request, attributes: { data: new Uint8Array(length) } }),
      );
      expect(error).toMatchObject({ name: 'PosternError', code: 'ERR_STUN_MESSAGE_TOO_LONG' });
    },
  );

  test.each(['x', '\u00E9', '\u30DE', '\u{1F6AA}'])('100,000 times %s is too long', (character) => {
    const error = thrownBy(() =>
      encode({ ...request, attributes: { username: character.repeat(100_000) } }),
    );
    expect(error.code).toBe('ERR_STUN_MESSAGE_TOO_LONG');
  });

  test('what does not fit leaves nothing behind', () => {
    const before = toHex(encode({ ...request, key: shortTerm, fingerprint: true }));
    for (const length of [65529, 73_500, 73_690, 73_700, 100_000]) {
      const attributes = {
        software: 'x',
        data: new Uint8Array(length).fill(0xff),
        username: 'y',
        priority: 1,
      };
      thrownBy(() => encode({ ...request, attributes }));
    }
    expect(toHex(encode({ ...request, key: shortTerm, fingerprint: true }))).toBe(before);
  });

  test('lists of any length that a message holds', () => {
    const unknownAttributes = Array.from({ length: 32764 }, (_, i) => i);
    const metaDtlsInStunAcknowledgement = Array.from({ length: 16382 }, (_, i) => i * 65537);
    const passwordAlgorithms = Array.from({ length: 16382 }, (_, i) => (i % 2 ? 'MD5' : 'SHA-256'));
    for (const attributes of [{ unknownAttributes }, { metaDtlsInStunAcknowledgement }]) {
      expect(decode(encode({ ...request, attributes })).attributes.toJSON()).toEqual(attributes);
    }
    const message = decode(
      encode({
        ...request,
        attributes: { passwordAlgorithms: /** @type {any} */ (passwordAlgorithms) },
      }),
    );
    expect(message.attributes.passwordAlgorithms?.map(({ algorithm }) => algorithm)).toEqual(
      passwordAlgorithms,
    );
  });

  test('a thousand peers', () => {
    const xorPeerAddress = Array.from({ length: 1000 }, (_, i) => ({
      address: `10.0.${i >> 8}.${i & 255}`,
      port: i,
    }));
    const message = decode(
      encode({ ...request, method: 'CreatePermission', attributes: { xorPeerAddress } }),
    );
    expect(message.getAll('xorPeerAddress')).toEqual(
      xorPeerAddress.map((peer) => ({ ...peer, family: 'IPv4' })),
    );
  });
});

describe('memory', () => {
  test('padding is zero, whatever was written there before', () => {
    encode({ ...request, attributes: { data: new Uint8Array(4000).fill(0xff) } });
    const lengths = Array.from({ length: 40 }, (_, i) => i);
    const attributes = lengths.map((length) => ({
      type: 0x8000 + length,
      value: new Uint8Array(length).fill(0xff),
    }));
    const bytes = encode({ ...request, rawAttributes: attributes });
    const message = decode(bytes);
    for (const { offset, length } of message) {
      const padding = bytes.subarray(offset + length, (offset + length + 3) & ~3);
      expect(padding.every((byte) => byte === 0)).toBe(true);
    }
    expect([...message].length).toBe(40);
  });

  test('results do not share bytes', () => {
    const input = (/** @type {number} */ i) => ({
      ...request,
      attributes: { data: new Uint8Array(i).fill(i) },
    });
    const results = Array.from({ length: 2000 }, (_, i) => encode(input(i % 300)));
    for (const [i, bytes] of results.entries()) {
      const { data } = decode(bytes).attributes;
      expect(data?.length).toBe(i % 300);
      expect(data?.every((byte) => byte === ((i % 300) & 0xff))).toBe(true);
    }
  });

  test('a buffer that was transferred away does not stop the next encode()', () => {
    const bytes = encode(request);
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    expect(bytes.length).toBe(0);
    expect(encode(request).length).toBe(20);
  });

  test('values are copied: changing them later changes nothing', () => {
    const data = new Uint8Array(8);
    const bytes = encode({ ...request, attributes: { data } });
    data.fill(1);
    expect(decode(bytes).attributes.data).toEqual(new Uint8Array(8));
  });
});
