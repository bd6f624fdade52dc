// A message is a view on the bytes that it was read from; and how it shows itself.
import { describe, expect, test } from '@jest/globals';
import { decode, encode } from '../../../js/codec/index.js';
import { expectNumbered, numbered } from './numbered-messages.js';
import { thrownBy } from './support.js';

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
