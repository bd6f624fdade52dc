// encodeInto() and encodeBatch(): the bytes of encode(), elsewhere and many at a time.
import { describe, expect, test } from '@jest/globals';
import { decode, encode, encodeBatch, encodeInto, prepareKey } from '../../../js/codec/index.js';
import { METHODS } from '../../../js/generated/registry.js';
import { Random, TRANSACTION_ID, thrownBy, toHex } from './support.js';

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

describe('encodeInto', () => {
  const input = {
    ...request,
    attributes: { software: 'postern' },
    key: shortTerm,
    fingerprint: true,
  };
  const expected = encode(input);

  test.each([0, 1, 2, 3, 7])('writes at offset %i, and nothing around it', (offset) => {
    const target = new Uint8Array(expected.length + 16).fill(0xcc);
    expect(encodeInto(target, input, offset)).toBe(expected.length);
    expect(toHex(target.subarray(offset, offset + expected.length))).toBe(toHex(expected));
    expect(target.subarray(0, offset).every((byte) => byte === 0xcc)).toBe(true);
    expect(target.subarray(offset + expected.length).every((byte) => byte === 0xcc)).toBe(true);
  });

  test('begins at the start of the target where no offset is given', () => {
    const target = new Uint8Array(expected.length);
    encodeInto(target, input);
    expect(toHex(target)).toBe(toHex(expected));
  });

  test('takes a slice of a larger buffer', () => {
    const whole = Buffer.alloc(400, 0xcc);
    expect(encodeInto(whole.subarray(100, 300), input, 50)).toBe(expected.length);
    expect(toHex(whole.subarray(150, 150 + expected.length))).toBe(toHex(expected));
    expect(whole[149]).toBe(0xcc);
  });

  test.each([0, expected.length - 1])(
    'leaves a target of %i bytes, which is too small, as it is',
    (length) => {
      const target = new Uint8Array(length).fill(0xcc);
      const error = thrownBy(() => encodeInto(target, input));
      expect(error).toMatchObject({ code: 'ERR_INVALID_ARGUMENT', argument: 'target' });
      expect(target.every((byte) => byte === 0xcc)).toBe(true);
    },
  );

  test('takes the longest message', () => {
    const target = new Uint8Array(65552);
    expect(
      encodeInto(target, { ...request, attributes: { data: new Uint8Array(65528).fill(1) } }),
    ).toBe(65552);
    expect(decode(target).attributes.data?.every((byte) => byte === 1)).toBe(true);
  });
});

describe('encodeBatch', () => {
  const random = new Random(2);
  const keys = [undefined, shortTerm, longTerm, strong];

  /** @param {number} longest */
  const someMessage = (longest) => ({
    ...request,
    method: random.pick(METHODS)[1],
    transactionId: random.bytes(12),
    attributes: {
      data: random.bytes(random.below(longest)),
      software: 'x'.repeat(random.below(100)),
    },
    key: random.pick(keys),
    fingerprint: random.below(2) === 0,
  });

  test.each([
    ['none', 0, 1],
    ['one', 1, 100],
    ['64, as many as the core takes at once', 64, 100],
    ['65', 65, 100],
    ['200 with keys that change', 200, 500],
    ['100 long ones', 100, 9000],
    ['20 very long ones', 20, 60_000],
  ])('%s: the same bytes as one by one', (_title, count, longest) => {
    const messages = Array.from({ length: count }, () => someMessage(longest));
    expect(encodeBatch(messages).map(toHex)).toEqual(
      messages.map((message) => toHex(encode(message))),
    );
  });

  test('runs of one key, as long as two calls of the core', () => {
    const messages = Array.from({ length: 300 }, (_, i) => ({
      ...someMessage(50),
      key: keys[Math.floor(i / 75)],
    }));
    expect(encodeBatch(messages).map(toHex)).toEqual(
      messages.map((message) => toHex(encode(message))),
    );
  });

  test('longest messages, each filling the core', () => {
    const messages = Array.from({ length: 5 }, (_, i) => ({
      ...request,
      attributes: { data: new Uint8Array(65528).fill(i) },
    }));
    const encoded = encodeBatch(messages);
    expect(encoded.map((bytes) => bytes.length)).toEqual([65552, 65552, 65552, 65552, 65552]);
    expect(encoded.map((bytes) => bytes[30])).toEqual([0, 1, 2, 3, 4]);
  });

  test('small attributes that take more room as records than in the message', () => {
    const rawAttributes = Array.from({ length: 500 }, (_, i) => ({
      type: 0x9000 + i,
      value: new Uint8Array(),
    }));
    const messages = Array.from({ length: 40 }, () => ({ ...request, rawAttributes }));
    expect(new Set(encodeBatch(messages).map(toHex))).toEqual(
      new Set([toHex(encode({ ...request, rawAttributes }))]),
    );
  });

  test.each([0, 5, 63, 64, 150])('says that message %i cannot be written', (index) => {
    const messages = Array.from({ length: 160 }, () => /** @type {any} */ (someMessage(50)));
    messages[index] = { ...request, attributes: { software: 'x', priority: -1 } };
    expect(thrownBy(() => encodeBatch(messages))).toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      argument: `messages[${index}].attributes.priority`,
      message: expect.stringContaining(`messages[${index}].attributes.priority must be`),
    });
    messages[index] = { ...request, attributes: { software: 'x', username: 'u'.repeat(600) } };
    expect(thrownBy(() => encodeBatch(messages)).argument).toBe(
      `messages[${index}].attributes.username`,
    );
    messages[index] = { ...request, attributes: { data: new Uint8Array(66_000) } };
    expect(thrownBy(() => encodeBatch(messages)).code).toBe('ERR_STUN_MESSAGE_TOO_LONG');
  });

  test('transaction IDs are random where they are not given', () => {
    const encoded = encodeBatch(
      Array.from({ length: 200 }, () => ({ class: 'request', method: 'Binding' })),
    );
    expect(new Set(encoded.map((bytes) => toHex(bytes.subarray(8, 20)))).size).toBe(200);
  });
});
