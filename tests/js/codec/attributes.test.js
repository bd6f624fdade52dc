// Every attribute of the registry, written and read again: the same value, the bytes that its RFC draws.
import { describe, expect, test } from '@jest/globals';
import { decode, encode } from '../../../js/codec/index.js';
import { ATTRIBUTES } from '../../../js/generated/registry.js';
import { none, SAMPLES, token } from './attribute-samples.js';
import { fromHex, TRANSACTION_ID, thrownBy, toHex } from './support.js';

const COMPUTED = ['messageIntegrity', 'messageIntegritySha256', 'fingerprint'];
const writable = ATTRIBUTES.filter(
  ([, property, , , unregistered]) => unregistered === 0 && !COMPUTED.includes(property),
);
const header = {
  class: /** @type {const} */ ('success'),
  method: /** @type {const} */ ('Binding'),
};

/** @param {Record<string, unknown>} attributes */
const write = (attributes) => encode({ ...header, transactionId: TRANSACTION_ID, attributes });

describe.each(writable)('%i %s', (type, property, name, kind) => {
  const samples = SAMPLES[kind] ?? [];

  test('is written as its RFC says, and zero-padded', () => {
    expect(samples.length).toBeGreaterThan(0);
    for (const [input, hex] of samples) {
      const value = fromHex(hex);
      const attribute = new Uint8Array(4 + ((value.length + 3) & ~3));
      const view = new DataView(attribute.buffer);
      view.setUint16(0, type);
      view.setUint16(2, value.length);
      attribute.set(value, 4);
      expect(toHex(write({ [property]: input }).subarray(20))).toBe(toHex(attribute));
    }
  });

  test('is read as it was written', () => {
    for (const [input, , output = input] of samples) {
      const message = decode(write({ [property]: input }));
      expect(message.attributes[property]).toEqual(output);
      expect(message.get(name)).toEqual(output);
      expect([...message]).toMatchObject([{ type, name, counts: true, value: output }]);
      expect(message.attributes.toJSON()).toEqual({ [property]: output });
    }
  });

  test('what was read can be written', () => {
    for (const [input] of samples) {
      const bytes = write({ [property]: input });
      expect(toHex(write({ [property]: decode(bytes).attributes[property] }))).toBe(toHex(bytes));
    }
  });

  test('is undefined where the message lacks it, and left out where it is undefined', () => {
    const message = decode(write({ [property]: undefined }));
    expect(message.bytes.length).toBe(20);
    expect(message.attributes[property]).toBeUndefined();
    expect(message.get(type)).toBeUndefined();
    expect(message.getAll(name)).toEqual([]);
    expect(message.raw(property)).toBeUndefined();
  });

  test('repeats; the first counts', () => {
    const isList = kind.endsWith('List');
    const values = samples.map(([input]) => input);
    if (isList) return;
    const message = decode(write({ [property]: values }));
    const outputs = samples.map(([input, , output = input]) => output);
    expect(message.getAll(property)).toEqual(outputs);
    expect(message.attributes[property]).toEqual(outputs[0]);
  });
});

test('every kind of value has samples', () => {
  const kinds = new Set(writable.map(([, , , kind]) => /** @type {string} */ (kind)));
  expect(Object.keys(SAMPLES).sort()).toEqual([...kinds].sort());
});

test('a flag that is false is left out', () => {
  expect(write({ useCandidate: false, dontFragment: false }).length).toBe(20);
});

test.each(ATTRIBUTES.filter(([, , , , unregistered]) => unregistered === 1))(
  '%i %s was never registered: read, but written as raw bytes only',
  (type, property, name, kind) => {
    const [input, hex, output = input] = /** @type {any[]} */ (SAMPLES[kind]).at(-1);
    const error = thrownBy(() => write({ [property]: input }));
    expect(error).toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      argument: `message.attributes.${property}`,
    });
    const rawAttributes = [{ type, value: fromHex(hex) }];
    const message = decode(encode({ ...header, transactionId: TRANSACTION_ID, rawAttributes }));
    expect([...message]).toMatchObject([{ type, name }]);
    expect(message.attributes[property]).toEqual(output);
    // Not understood, though it has a name (RFC 8489 section 6.3).
    expect(message.unknownRequired).toEqual(type < 0x8000 ? [type] : []);
  },
);

test.each(COMPUTED)('%s is computed, not given', (property) => {
  const error = thrownBy(() => write({ [property]: new Uint8Array(20) }));
  expect(error).toMatchObject({
    code: 'ERR_INVALID_ARGUMENT',
    argument: `message.attributes.${property}`,
  });
});

describe('attributes that the registry lacks', () => {
  const rawAttributes = [
    { type: 0x7abc, value: token(3) },
    { type: 0x9abc, value: none },
    { type: 0x7abc, value: token(4) },
  ];
  const bytes = encode({
    ...header,
    transactionId: TRANSACTION_ID,
    attributes: { software: 'x' },
    rawAttributes,
  });

  test('are written behind the others and kept raw', () => {
    expect(toHex(bytes.subarray(28))).toBe('7abc0003fffefd009abc00007abc0004fffefdfc');
    const message = decode(bytes);
    expect(message.get(0x7abc)).toEqual(token(3));
    expect(message.getAll(0x7abc)).toEqual([token(3), token(4)]);
    expect(message.raw(0x9abc)).toEqual(none);
    expect(message.get(0x7abd)).toBeUndefined();
    expect(message.get('X-UNKNOWN')).toBeUndefined();
    expect([...message].map(({ type, name }) => [type, name])).toEqual([
      [0x8022, 'SOFTWARE'],
      [0x7abc, undefined],
      [0x9abc, undefined],
      [0x7abc, undefined],
    ]);
  });

  test('are reported where they must be understood, and are no part of `attributes`', () => {
    expect(decode(bytes).unknownRequired).toEqual([0x7abc, 0x7abc]);
    expect(decode(bytes).attributes.toJSON()).toEqual({ software: 'x' });
  });
});

test('attributes are written in the order of the properties', () => {
  const names = (/** @type {Record<string, unknown>} */ attributes) =>
    Array.from(decode(write(attributes)), ({ name }) => name);
  expect(names({ realm: 'r', software: 's', nonce: 'n' })).toEqual(['REALM', 'SOFTWARE', 'NONCE']);
  expect(names({ nonce: 'n', software: 's', realm: 'r' })).toEqual(['NONCE', 'SOFTWARE', 'REALM']);
});

test('text that is no UTF-8 is read with replacement characters; its bytes are there', () => {
  const message = decode(write({ nonce: fromHex('61ff62') }));
  expect(message.attributes.nonce).toBe('a\uFFFDb');
  expect(message.raw('nonce')).toEqual(fromHex('61ff62'));
});

test('NUL bytes that a server counts into SOFTWARE or a reason phrase are not text', () => {
  const rawAttributes = [
    { type: 0x8022, value: fromHex('436f7475726e0000') },
    { type: 0x0009, value: fromHex('000004016e6f00') },
  ];
  const message = decode(encode({ class: 'error', method: 'Allocate', rawAttributes }));
  expect(message.attributes.software).toBe('Coturn');
  expect(message.attributes.errorCode).toEqual({ code: 401, reason: 'no' });
});
