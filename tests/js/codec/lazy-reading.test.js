// A message keeps giving its own values, whatever was decoded or encoded since: the core has one place for the
// messages of the last call, and a message that lost its place is read again.
import { describe, expect, test } from '@jest/globals';
import { discardCore } from '../../../js/codec/core.js';
import {
  decode,
  decodeBatch,
  encode,
  encodeBatch,
  encodeInto,
  nonceFeatures,
  prepareKey,
  StreamDeframer,
  userhash,
  verify,
  verifyBatch,
} from '../../../js/codec/index.js';
import { Random, thrownBy } from './support.js';

/** @typedef {import('../../../js/codec/index.js').Message} Message */

const key = prepareKey({ username: 'user', realm: 'realm', password: 'pass' });

/** A message that is told from all others by each of its attributes. @param {number} i @param {number} [bytes] */
const numbered = (i, bytes = 0) =>
  encode({
    class: 'request',
    method: 'Allocate',
    attributes: {
      username: `user ${i}`,
      lifetime: i,
      xorPeerAddress: [
        { address: '192.0.2.1', port: i },
        { address: `2001:db8::${(i + 1).toString(16)}`, port: i },
      ],
      unknownAttributes: [i, i + 1],
      data: new Uint8Array(bytes).fill(i),
      passwordAlgorithms: ['MD5', { algorithm: i, parameters: new Uint8Array(3) }],
    },
    rawAttributes: [{ type: 0x7000 + i, value: new Uint8Array(1) }],
    key: i % 3 === 0 ? key : undefined,
    fingerprint: i % 2 === 0,
  });

/** @param {Message} message @param {number} i @param {number} [bytes] */
function expectNumbered(message, i, bytes = 0) {
  const { attributes } = message;
  expect(attributes.username).toBe(`user ${i}`);
  expect(attributes.lifetime).toBe(i);
  expect(attributes.unknownAttributes).toEqual([i, i + 1]);
  expect(attributes.passwordAlgorithms?.[1]).toMatchObject({ parameters: new Uint8Array(3) });
  expect(attributes.data?.length).toBe(bytes);
  expect(attributes.data?.[bytes - 1]).toBe(bytes > 0 ? i & 0xff : undefined);
  expect(message.getAll('xorPeerAddress')).toEqual([
    { address: '192.0.2.1', port: i, family: 'IPv4' },
    { address: `2001:db8::${(i + 1).toString(16)}`, port: i, family: 'IPv6' },
  ]);
  expect(message.unknownRequired).toEqual([0x7000 + i]);
  expect([...message][0]).toMatchObject({ name: 'USERNAME', value: `user ${i}` });
  expect(verify(message, key)).toBe(i % 3 === 0);
  expect(message.fingerprint).toBe(i % 2 === 0 ? 'valid' : 'absent');
}

describe('after something else used the core', () => {
  const attributes = { software: 'x'.repeat(200) };
  const request = {
    class: /** @type {const} */ ('request'),
    method: /** @type {const} */ ('Binding'),
    attributes,
  };
  const bad = /** @type {any} */ ({ ...request, attributes: { ...attributes, nope: 1 } });
  const long = 'x'.repeat(80_000);

  /** @type {[string, () => unknown][]} */
  const others = [
    ['decode', () => decode(numbered(9))],
    ['a decode that fails', () => thrownBy(() => decode(new Uint8Array(300)))],
    ['decodeBatch', () => decodeBatch([numbered(9), numbered(10)])],
    [
      'a decodeBatch of bad arguments',
      () => thrownBy(() => decodeBatch([numbered(9), /** @type {any} */ ('x')])),
    ],
    ['an empty decodeBatch', () => decodeBatch([])],
    ['encode', () => encode(request)],
    ['an encode that fails half-way', () => thrownBy(() => encode(bad))],
    [
      'an encode with a wrong key',
      () => thrownBy(() => encode({ ...request, key: /** @type {any} */ ({}) })),
    ],
    [
      'an encode that is too long',
      () => thrownBy(() => encode({ ...request, attributes: { username: long } })),
    ],
    ['encodeInto', () => encodeInto(new Uint8Array(300), request)],
    ['encodeInto without room', () => thrownBy(() => encodeInto(new Uint8Array(3), request))],
    ['encodeBatch', () => encodeBatch([request, request])],
    ['an encodeBatch that fails half-way', () => thrownBy(() => encodeBatch([request, bad]))],
    ['prepareKey', () => prepareKey({ password: 'p'.repeat(300) })],
    [
      'a prepareKey that fails',
      () => thrownBy(() => prepareKey({ username: 'u', realm: 'r', password: long })),
    ],
    ['userhash', () => userhash({ username: 'x'.repeat(300), realm: 'r' })],
    ['nonceFeatures', () => nonceFeatures('obMatJos2'.repeat(50))],
    ['nonceFeatures of what is too long', () => nonceFeatures(`\u00E9${long}`)],
    ['StreamDeframer', () => new StreamDeframer().push(numbered(9))],
    [
      'a StreamDeframer that fails',
      () => thrownBy(() => new StreamDeframer().push(new Uint8Array(300).fill(0xff))),
    ],
    ['another message', () => expectNumbered(decode(numbered(9)), 9)],
    ['a new core', () => discardCore()],
    [
      'a new core, with another message in it',
      () => {
        discardCore();
        for (let i = 0; i < 10; i += 1) decode(numbered(9));
      },
    ],
  ];

  test.each(others)('%s', (_title, use) => {
    const message = decode(numbered(6));
    use();
    expectNumbered(message, 6);
  });

  test.each(others)('%s, between any two steps of an iteration', (_title, use) => {
    const message = decode(numbered(6));
    const names = [];
    for (const { name, value } of message) {
      names.push(name);
      use();
      if (name === 'USERNAME') expect(value).toBe('user 6');
    }
    expect(names.slice(0, 4)).toEqual([
      'USERNAME',
      'LIFETIME',
      'XOR-PEER-ADDRESS',
      'XOR-PEER-ADDRESS',
    ]);
    expect(names.length).toBe(10);
  });

  test.each(others)('%s, and a batch', (_title, use) => {
    const list = [1, 2, 3].map((i) => numbered(i));
    const messages = /** @type {Message[]} */ (decodeBatch(list));
    use();
    expect(verifyBatch(messages, key)).toEqual([false, false, true]);
    use();
    for (const [i, message] of [...messages.entries()].reverse()) expectNumbered(message, i + 1);
  });
});

describe('batches', () => {
  test.each([
    ['one', 1, 0],
    ['64', 64, 0],
    ['65', 65, 0],
    ['200', 200, 50],
    ['40 long ones', 40, 9000],
    ['5 of 60 kB', 5, 60_000],
  ])('%s, read in and out of order', (_title, count, bytes) => {
    const list = Array.from({ length: count }, (_, i) => numbered(i, bytes));
    const messages = /** @type {Message[]} */ (decodeBatch(list));
    expect(messages.length).toBe(count);
    expect(verifyBatch(messages, key)).toEqual(list.map((_, i) => i % 3 === 0));
    const random = new Random(count);
    for (let reads = 0; reads < 60; reads += 1) {
      const i = random.below(count);
      expectNumbered(/** @type {Message} */ (messages[i]), i, bytes);
    }
  });

  test('messages of every size, mixed with malformed ones', () => {
    const random = new Random(3);
    const list = Array.from({ length: 150 }, (_, i) => {
      if (i % 7 === 3) return random.bytes(random.below(200));
      return numbered(i, random.pick([0, 1, 3, 500, 20_000, 64_000]));
    });
    const results = decodeBatch(list);
    for (const [i, result] of results.entries()) {
      if (i % 7 === 3)
        expect(result).toMatchObject({
          name: 'PosternError',
          code: expect.stringMatching(/^ERR_STUN_/),
        });
      else expect(/** @type {Message} */ (result).attributes.username).toBe(`user ${i}`);
    }
  });

  test('inputs that are longer than any message', () => {
    const results = decodeBatch([
      numbered(1),
      new Uint8Array(200_000),
      numbered(2),
      new Uint8Array(65_556),
      numbered(3),
    ]);
    expect(
      results.map((result) => ('code' in result ? result.code : result.attributes.lifetime)),
    ).toEqual([1, 'ERR_STUN_TRAILING_BYTES', 2, 'ERR_STUN_TRAILING_BYTES', 3]);
  });

  test('verifyBatch of a part of a batch, of several batches, twice the same, of none', () => {
    const one = /** @type {Message[]} */ (decodeBatch([0, 1, 2, 3, 4, 5].map((i) => numbered(i))));
    expect(verifyBatch(one.slice(2), key)).toEqual([false, true, false, false]);
    expect(verifyBatch(one.slice(0, 4), key)).toEqual([true, false, false, true]);
    const two = /** @type {Message[]} */ (decodeBatch([6, 7].map((i) => numbered(i))));
    expect(verifyBatch([...two, ...one], key)).toEqual([
      true,
      false,
      true,
      false,
      false,
      true,
      false,
      false,
    ]);
    const [again] = /** @type {[Message]} */ (/** @type {unknown} */ (two));
    expect(verifyBatch([again, again, again], key)).toEqual([true, true, true]);
    expect(verifyBatch([], key)).toEqual([]);
  });

  test('verifyBatch with one key after the other', () => {
    const keys = ['a', 'b', 'c'].map((password) => prepareKey({ password }));
    const list = keys.map((each) => encode({ class: 'request', method: 'Binding', key: each }));
    const messages = /** @type {Message[]} */ (decodeBatch(list));
    for (const [i, each] of keys.entries()) {
      expect(verifyBatch(messages, each)).toEqual([i === 0, i === 1, i === 2]);
    }
  });

  test('verifyBatch as verify() says, with every option', () => {
    const integrities = /** @type {const} */ (['sha1', 'sha256', 'both']);
    const list = integrities.flatMap((integrity) =>
      [16, 32].map((integrityLength) =>
        encode({ class: 'request', method: 'Binding', key, integrity, integrityLength }),
      ),
    );
    for (const integrity of /** @type {const} */ ([undefined, 'sha1', 'sha256'])) {
      for (const leastLength of [undefined, 16, 20]) {
        const options = { integrity, leastLength };
        const messages = /** @type {Message[]} */ (decodeBatch(list));
        expect(verifyBatch(messages, key, options)).toEqual(
          messages.map((message) => verify(message, key, options)),
        );
      }
    }
  });
});

describe('views', () => {
  test('nothing is copied: bytes of values are the bytes that were given', () => {
    const padded = Buffer.alloc(500);
    const encoded = numbered(5, 40);
    padded.set(encoded, 13);
    const bytes = padded.subarray(13, 13 + encoded.length);
    const message = decode(bytes);
    expect(message.bytes).toBe(bytes);
    for (const view of [
      message.attributes.data,
      message.raw('username'),
      message.transactionId,
      message.get(0x7005),
      message.attributes.passwordAlgorithms?.[1]?.parameters,
      ...Array.from(message, ({ value }) => value).filter((value) => value instanceof Uint8Array),
    ]) {
      expect(/** @type {Uint8Array} */ (view).buffer).toBe(padded.buffer);
    }
    const { data } = message.attributes;
    bytes.set([0xab], (data?.byteOffset ?? 0) - bytes.byteOffset);
    expect(data?.[0]).toBe(0xab);
  });

  test('a message that is changed is read as it is then, or refused: nothing else', () => {
    const bytes = Uint8Array.from(numbered(5));
    const message = decode(bytes);
    bytes.set(new TextEncoder().encode('USER'), 24);
    decode(numbered(1));
    expect(message.attributes.username).toBe('USER 5');
    bytes.fill(0xff);
    decode(numbered(1));
    expect(thrownBy(() => message.attributes.lifetime)).toMatchObject({
      code: 'ERR_STUN_FIRST_BITS',
      offset: 0,
    });
    bytes.set(numbered(7));
    expectNumbered(message, 7);
  });

  test('a buffer that grew after decode() stays within the core', () => {
    const small = numbered(5);
    const buffer = new ArrayBuffer(small.length, { maxByteLength: 400_000 });
    const bytes = new Uint8Array(buffer);
    bytes.set(small);
    const message = decode(bytes);
    const other = decode(numbered(6));
    buffer.resize(400_000);
    expect(thrownBy(() => message.attributes.username).code).toBe('ERR_STUN_TRAILING_BYTES');
    expectNumbered(other, 6);
    buffer.resize(small.length);
    expectNumbered(message, 5);
  });

  test('a buffer that was transferred away is an empty message', () => {
    const bytes = Uint8Array.from(numbered(5));
    const message = decode(bytes);
    decode(numbered(6));
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    expect(thrownBy(() => message.attributes.username)).toMatchObject({
      code: 'ERR_STUN_TOO_SHORT',
      offset: 0,
    });
  });

  test.each([
    ['Uint8Array', (/** @type {ArrayBuffer} */ buffer) => new Uint8Array(buffer)],
    ['Buffer', (/** @type {ArrayBuffer} */ buffer) => Buffer.from(buffer)],
    ['Int8Array', (/** @type {ArrayBuffer} */ buffer) => new Int8Array(buffer)],
    ['Uint8ClampedArray', (/** @type {ArrayBuffer} */ buffer) => new Uint8ClampedArray(buffer)],
    ['Uint16Array', (/** @type {ArrayBuffer} */ buffer) => new Uint16Array(buffer)],
    ['DataView', (/** @type {ArrayBuffer} */ buffer) => new DataView(buffer)],
    ['ArrayBuffer', (/** @type {ArrayBuffer} */ buffer) => buffer],
    [
      'SharedArrayBuffer',
      (/** @type {ArrayBuffer} */ buffer) => {
        const shared = new Uint8Array(new SharedArrayBuffer(buffer.byteLength));
        shared.set(new Uint8Array(buffer));
        return shared;
      },
    ],
  ])('of %s', (_title, make) => {
    const attributes = {
      nonce: '\u30DE\u00FF',
      software: '\u00E9'.repeat(60),
      data: Uint8Array.of(0x7f, 0x80, 0xff),
    };
    const encoded = Uint8Array.from(encode({ class: 'request', method: 'Binding', attributes }));
    const message = decode(make(encoded.buffer));
    expect(message.attributes.toJSON()).toEqual(attributes);
    expect(message.bytes).toEqual(encoded);
    expect(message.transactionId).toEqual(encoded.subarray(8, 20));
  });
});

describe('a message shows itself', () => {
  const bytes = encode({
    class: 'error',
    method: 'Allocate',
    transactionId: new Uint8Array(12).fill(0xab),
    attributes: { errorCode: { code: 401, reason: 'no' }, iceControlled: 1n },
    rawAttributes: [{ type: 0x8020, value: new Uint8Array(3) }],
    fingerprint: true,
  });

  test('as plain values, without those that cannot be read', () => {
    expect(decode(bytes).toJSON()).toEqual({
      class: 'error',
      method: 'Allocate',
      transactionId: 'abababababababababababab',
      fingerprint: 'valid',
      attributes: {
        errorCode: { code: 401, reason: 'no' },
        iceControlled: 1n,
        oldXorMappedAddress: undefined,
        fingerprint: expect.any(Number),
      },
    });
  });

  test('in the console', async () => {
    const { inspect } = await import('node:util');
    const text = inspect(decode(bytes));
    expect(text).toContain("class: 'error'");
    expect(text).toContain("reason: 'no'");
    expect(inspect(decode(bytes).attributes)).toContain('iceControlled: 1n');
  });

  test('what it must be understood, though unknown, it lists without a call where there is none', () => {
    expect(decode(bytes).unknownRequired).toEqual([]);
  });
});
