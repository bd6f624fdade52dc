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
import { expectNumbered, key, numbered } from './numbered-messages.js';
import { Random, thrownBy } from './support.js';

/** @typedef {import('../../../js/codec/index.js').Message} Message */

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
