// The published and hand-made messages of tests/vectors.
import { describe, expect, test } from '@jest/globals';
import {
  decode,
  decodeBatch,
  encode,
  nonceFeatures,
  prepareKey,
  userhash,
  verify,
} from '../../../js/codec/index.js';
import { ATTRIBUTES, SECURITY_FEATURES } from '../../../js/generated/registry.js';
import { fromHex, thrownBy, toHex } from './support.js';
import { bytesOf, fromNotation, readVectors, toNotation } from './vectors.js';

const { messages, keys, userhashes, nonceCookies } = readVectors('stun-messages');
const { messages: malformed } = readVectors('malformed');

/** @typedef {Record<string, any>} Vector */

const propertyByName = new Map(
  ATTRIBUTES.map(([, property, name]) => [/** @type {string} */ (name), property]),
);
const unregistered = new Set(
  ATTRIBUTES.filter(([, , , , flag]) => flag === 1).map(([, , name]) => name),
);

/** @param {Vector[]} vectors */
const named = (vectors) => vectors.map((vector) => /** @type {const} */ ([vector.id, vector]));
const readable = named(messages.filter((/** @type {Vector} */ { error }) => error === undefined));
const refused = named(
  [...messages, ...malformed].filter(({ error, get }) => error && get === undefined),
);
const unreadable = named(malformed.filter((/** @type {Vector} */ { get }) => get !== undefined));

describe('a message that can be read', () => {
  test.each(readable)('%s: its header', (_id, vector) => {
    const message = decode(bytesOf(vector), { allowClassic: vector.allowClassic ?? false });
    expect({
      type: message.type,
      class: message.class,
      method: message.method,
      transactionId: toHex(message.transactionId),
      isClassic: message.isClassic,
      fingerprint: message.fingerprint,
      unknownRequired: message.unknownRequired,
    }).toEqual({ ...vector.message, attributes: undefined });
  });

  test.each(readable)('%s: its attributes, in order', (_id, vector) => {
    const bytes = bytesOf(vector);
    const message = decode(bytes, { allowClassic: vector.allowClassic ?? false });
    const found = Array.from(message, ({ value, ...place }) => ({
      ...place,
      value: toNotation(value),
    }));
    const expected = vector.message.attributes.map((/** @type {Vector} */ row) => ({
      type: row.type,
      name: row.name,
      offset: row.offset + 4,
      length: row.length,
      counts: row.counts ?? true,
      value: row.value,
    }));
    expect(found).toEqual(expected);
  });

  test.each(readable)('%s: its attributes, by name and by type', (_id, vector) => {
    const bytes = bytesOf(vector);
    const message = decode(bytes, { allowClassic: vector.allowClassic ?? false });
    /** @type {Map<number, Vector[]>} */
    const rowsByType = new Map();
    for (const row of vector.message.attributes.filter(
      (/** @type {Vector} */ { counts }) => counts !== false,
    )) {
      rowsByType.set(row.type, [...(rowsByType.get(row.type) ?? []), row]);
    }
    const absent = ATTRIBUTES.filter(([type]) => !rowsByType.has(type));
    expect(absent.filter(([, property]) => message.attributes[property] !== undefined)).toEqual([]);
    for (const [type, rows] of rowsByType) {
      const [first] = /** @type {[Vector]} */ (rows);
      const property = /** @type {keyof typeof message.attributes} */ (
        propertyByName.get(first.name)
      );
      for (const key of [type, property, first.name].filter((known) => known !== undefined)) {
        const { offset, length } = first;
        expect(toNotation(message.raw(key))).toBe(
          toHex(bytes.subarray(offset + 4, offset + 4 + length)),
        );
        if (first.valueError === undefined) {
          expect(toNotation(message.get(key))).toEqual(first.value);
          expect(toNotation(message.getAll(key))).toEqual(rows.map(({ value }) => value));
        } else {
          expect(thrownBy(() => message.get(key))).toMatchObject({
            code: first.valueError,
            offset,
          });
          expect(thrownBy(() => message.getAll(key)).code).toBe(first.valueError);
        }
      }
      if (property !== undefined && first.valueError === undefined) {
        expect(toNotation(message.attributes[property])).toEqual(first.value);
      }
    }
  });

  test('all of them in one batch', () => {
    const decoded = decodeBatch(
      readable.map(([, vector]) => bytesOf(vector)),
      { allowClassic: true },
    );
    expect(decoded.map((message) => ('type' in message ? message.type : message.code))).toEqual(
      readable.map(([, vector]) => vector.message.type),
    );
  });

  const signed = named(
    readable.map(([, vector]) => vector).filter(({ integrity }) => integrity?.length > 0),
  );
  test.each(signed)('%s: its integrity', (_id, vector) => {
    const message = decode(bytesOf(vector));
    for (const { attribute, key = vector.key, leastLength = 32, result } of vector.integrity) {
      const integrity = attribute === 'best' ? undefined : attribute;
      // The core takes any least length; here one that RFC 8489 section 14.6 forbids is a caller's mistake.
      const options = { integrity, leastLength: Math.max(leastLength, 16) };
      expect([attribute, verify(message, prepareKey(key), options)]).toEqual([
        attribute,
        result === 'OK',
      ]);
    }
  });

  const canonical = named(
    readable.map(([, vector]) => vector).filter(({ canonical }) => canonical),
  );
  test.each(canonical)('%s: written again, it is the same', (_id, vector) => {
    const bytes = bytesOf(vector);
    /** @type {Record<string, any>} */
    const attributes = {};
    /** @type {{ type: number, value: Uint8Array }[]} */
    const rawAttributes = [];
    const names = new Set();
    let integrityLength;
    for (const { type, name, offset, length, value } of vector.message.attributes) {
      names.add(name);
      if (name === 'MESSAGE-INTEGRITY-SHA256') integrityLength = length;
      if (['MESSAGE-INTEGRITY', 'MESSAGE-INTEGRITY-SHA256', 'FINGERPRINT'].includes(name)) continue;
      const property = propertyByName.get(name);
      if (property === undefined || unregistered.has(name) || rawAttributes.length > 0) {
        rawAttributes.push({ type, value: bytes.subarray(offset + 4, offset + 4 + length) });
      } else if (property in attributes) {
        attributes[property] = [attributes[property], fromNotation(name, value)].flat();
      } else {
        attributes[property] = fromNotation(name, value);
      }
    }
    const isSigned = names.has('MESSAGE-INTEGRITY') || names.has('MESSAGE-INTEGRITY-SHA256');
    const strong = names.has('MESSAGE-INTEGRITY') ? 'both' : 'sha256';
    const encoded = encode({
      class: vector.message.class,
      method: vector.message.method,
      transactionId: fromHex(vector.message.transactionId),
      attributes,
      rawAttributes,
      key: isSigned ? prepareKey(vector.key) : undefined,
      integrity: isSigned ? (names.has('MESSAGE-INTEGRITY-SHA256') ? strong : 'sha1') : undefined,
      integrityLength,
      fingerprint: names.has('FINGERPRINT'),
    });
    expect(toHex(encoded)).toBe(toHex(bytes));
  });
});

describe('a message that cannot be read', () => {
  test.each(refused)('%s', (_id, vector) => {
    const bytes = bytesOf(vector);
    const options = { allowClassic: vector.allowClassic ?? false };
    const error = thrownBy(() => decode(bytes, options));
    expect(error.name).toBe('PosternError');
    expect(error).toMatchObject(vector.error);
    expect(decodeBatch([bytes], options)[0]).toMatchObject(vector.error);
  });

  test.each(unreadable)('%s', (_id, vector) => {
    const message = decode(bytesOf(vector), { allowClassic: vector.allowClassic ?? false });
    const property = /** @type {keyof typeof message.attributes} */ (
      propertyByName.get(vector.get)
    );
    for (const read of [() => message.get(vector.get), () => message.attributes[property]]) {
      const error = thrownBy(read);
      expect(error.name).toBe('PosternError');
      expect(error).toMatchObject(vector.error);
    }
    const attribute = [...message].find(({ name }) => name === vector.get);
    expect(attribute).toMatchObject({ offset: vector.error.offset + 4, value: undefined });
    expect(toHex(message.raw(vector.get) ?? new Uint8Array())).toBe(
      toHex(
        message.bytes.subarray(
          attribute?.offset,
          (attribute?.offset ?? 0) + (attribute?.length ?? 0),
        ),
      ),
    );
  });

  test('in a batch, none hides the good ones', () => {
    const good = bytesOf(readable[0][1]);
    const list = refused
      .filter(([, vector]) => !vector.allowClassic)
      .flatMap(([, vector]) => [bytesOf(vector), good]);
    const codes = decodeBatch(list).map((result) =>
      'code' in result ? result.code : result.method,
    );
    const expected = refused.filter(([, vector]) => !vector.allowClassic);
    expect(codes).toEqual(expected.flatMap(([, { error }]) => [error.code, 'Binding']));
  });
});

test.each(named(keys))('%s: the long-term key signs as its bytes do', (_id, vector) => {
  // The bytes of a long-term key are the key of the HMAC, as those of a short-term password are.
  const input = { class: 'request', method: 'Refresh', transactionId: new Uint8Array(12) };
  const signed = (/** @type {any} */ key) =>
    toHex(encode({ .../** @type {any} */ (input), key, integrity: 'both' }));
  expect(signed(prepareKey(vector))).toBe(signed(prepareKey({ password: fromHex(vector.hex) })));
});

test.each(userhashes.map((/** @type {Vector} */ row) => [row.username, row]))(
  'USERHASH of %s',
  (_name, row) => {
    expect(toHex(userhash(row))).toBe(row.hex);
  },
);

describe('the nonce cookie', () => {
  test.each(nonceCookies.map((/** @type {Vector} */ { nonce, features }) => [nonce, features]))(
    '%j announces %p',
    (nonce, features) => {
      const read = nonceFeatures(nonce);
      if (features === null) {
        expect(read).toBeUndefined();
        return;
      }
      expect(read).toEqual({
        bits: features,
        passwordAlgorithms: (features & 1) !== 0,
        usernameAnonymity: (features & 2) !== 0,
      });
      const fromLeft = nonceFeatures(nonce, { bitOrder: 'left' });
      for (const [name, bit] of SECURITY_FEATURES) {
        expect(fromLeft?.[name]).toBe(((features >> (23 - bit)) & 1) === 1);
      }
    },
  );
});
