// Random and broken input: a message or a PosternError comes out, nothing else; and reading a message that was
// accepted never goes out of its bytes. Seeds are fixed. The same, longer and under sanitizers: tests/fuzz.
import { expect, test } from '@jest/globals';
import {
  decode,
  decodeBatch,
  nonceFeatures,
  prepareKey,
  StreamDeframer,
  verify,
} from '../../../js/codec/index.js';
import { ATTRIBUTES } from '../../../js/generated/registry.js';
import { Random } from './support.js';
import { bytesOf, readVectors } from './vectors.js';

const key = prepareKey({ password: 'VOkJxbRl1RmTxUk/WvJxBt' });
const DECODE_CODES = new Set([
  'ERR_STUN_TOO_SHORT',
  'ERR_STUN_FIRST_BITS',
  'ERR_STUN_LENGTH_UNALIGNED',
  'ERR_STUN_TRUNCATED',
  'ERR_STUN_TRAILING_BYTES',
  'ERR_STUN_COOKIE',
  'ERR_STUN_ATTRIBUTE_OVERRUN',
]);
const VALUE_CODES = new Set(['ERR_STUN_ATTRIBUTE_LENGTH', 'ERR_STUN_ATTRIBUTE_VALUE']);

/**
 * Fails where `action` throws something that is no PosternError of these codes with an offset in the input.
 *
 * @template T
 * @param {ReadonlySet<string>} codes
 * @param {number} length
 * @param {() => T} action
 * @returns {T | undefined}
 */
function guarded(codes, length, action) {
  try {
    return action();
  } catch (error) {
    const { name, code, offset } = /** @type {any} */ (error);
    if (name !== 'PosternError' || !codes.has(code) || !(offset >= 0 && offset <= length))
      throw error;
    return undefined;
  }
}

/** Uses everything that a message offers. @param {import('../../../js/codec/index.js').Message} message */
function readAll(message) {
  const { length, buffer, byteOffset } = message.bytes;
  /** @param {unknown} value */
  const isWithin = (value) =>
    !(value instanceof Uint8Array) ||
    (value.buffer === buffer &&
      value.byteOffset >= byteOffset &&
      value.byteOffset + value.length <= byteOffset + length);
  let next = 20;
  const seen = new Set();
  for (const { type, offset, length: bytes, value } of message) {
    // Attributes follow each other without a gap, and end within the message.
    if (offset !== next + 4 || offset + bytes > length || !isWithin(value))
      throw new Error(`attribute at ${offset}`);
    next = offset + ((bytes + 3) & ~3);
    seen.add(type);
  }
  if (next !== length) throw new Error(`attributes end at ${next}`);
  for (const type of seen) {
    const value = guarded(VALUE_CODES, length, () => message.get(type));
    if (!isWithin(value) || !isWithin(message.raw(type))) throw new Error(`value of ${type}`);
    guarded(VALUE_CODES, length, () => message.getAll(type));
  }
  for (const type of message.unknownRequired) {
    if (type >= 0x8000 || !seen.has(type)) throw new Error(`unknown: ${type}`);
  }
  message.toJSON();
  verify(message, key);
  verify(message, key, { integrity: 'sha256', leastLength: 16 });
}

/** @param {Uint8Array} bytes */
function check(bytes) {
  let readable = 0;
  for (const allowClassic of [false, true]) {
    const message = guarded(DECODE_CODES, bytes.length, () => decode(bytes, { allowClassic }));
    if (message === undefined) continue;
    readable += 1;
    readAll(message);
  }
  return readable;
}

const vectors = [...readVectors('stun-messages').messages, ...readVectors('malformed').messages]
  .map(bytesOf)
  .filter((/** @type {Uint8Array} */ bytes) => bytes.length < 2000);

/** Makes one to four changes of the kinds that break parsers. @param {Random} random @param {Uint8Array} original */
function mutate(random, original) {
  let bytes = Uint8Array.from(original);
  for (let changes = 1 + random.below(4); changes > 0; changes -= 1) {
    const at = random.below(bytes.length + 1);
    switch (random.below(7)) {
      case 0:
        if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
        break;
      case 1:
        if (at < bytes.length) bytes[at] = random.pick([0, 1, 4, 0x7f, 0x80, 0xfc, 0xff]);
        break;
      case 2:
        bytes = bytes.slice(0, at);
        break;
      case 3:
        bytes = Uint8Array.from([
          ...bytes.subarray(0, at),
          ...random.bytes(1 + random.below(8)),
          ...bytes.subarray(at),
        ]);
        break;
      case 4: {
        // An attribute's header: a type of the registry, a length that may fit.
        const header = (at & ~3) + 20;
        if (header + 4 > bytes.length) break;
        const view = new DataView(bytes.buffer);
        view.setUint16(header, random.pick(ATTRIBUTES)[0]);
        view.setUint16(header + 2, random.below(64));
        break;
      }
      case 5:
        bytes = Uint8Array.from([...bytes, ...random.pick(vectors).subarray(20)]);
        break;
      default:
        // The length right again, so that the change reaches what is behind the header.
        if (bytes.length >= 20) {
          bytes = bytes.slice(0, bytes.length & ~3);
          new DataView(bytes.buffer).setUint16(2, bytes.length - 20);
        }
    }
  }
  return bytes;
}

test('random bytes', () => {
  const random = new Random(11);
  for (let i = 0; i < 5000; i += 1) check(random.bytes(random.below(random.pick([21, 64, 600]))));
  for (let i = 0; i < 5; i += 1) check(random.bytes(60_000 + random.below(20_000)));
});

test('random attributes behind a good header', () => {
  const random = new Random(12);
  let readable = 0;
  for (let i = 0; i < 5000; i += 1) {
    const bytes = random.bytes(20 + 4 * random.below(40));
    const view = new DataView(bytes.buffer);
    view.setUint16(0, random.below(0x4000));
    view.setUint16(2, bytes.length - 20);
    view.setUint32(4, 0x2112a442);
    for (let at = 20; at + 4 <= bytes.length; ) {
      const length = random.below(random.pick([5, 9, 40]));
      view.setUint16(
        at,
        random.below(8) === 0 ? random.below(0x10000) : random.pick(ATTRIBUTES)[0],
      );
      view.setUint16(at + 2, length);
      at += 4 + ((length + 3) & ~3);
    }
    readable += check(bytes);
  }
  // Or the test says nothing about attributes.
  expect(readable).toBeGreaterThan(3000);
});

test('vectors with changes', () => {
  const random = new Random(13);
  let readable = 0;
  for (let i = 0; i < 10_000; i += 1) readable += check(mutate(random, random.pick(vectors)));
  expect(readable).toBeGreaterThan(3000);
});

test('vectors cut at every byte', () => {
  for (const bytes of vectors) {
    for (let end = 0; end < bytes.length; end += 1) check(bytes.subarray(0, end));
  }
});

test('batches of everything', () => {
  const random = new Random(14);
  for (let i = 0; i < 50; i += 1) {
    const list = Array.from({ length: random.below(150) }, () =>
      random.below(3) === 0
        ? random.bytes(random.below(100))
        : mutate(random, random.pick(vectors)),
    );
    const results = decodeBatch(list, { allowClassic: random.below(2) === 0 });
    expect(results.length).toBe(list.length);
    for (const [at, result] of results.entries()) {
      if ('code' in result) expect(DECODE_CODES.has(result.code)).toBe(true);
      else expect(result.bytes).toBe(list[at]);
    }
    for (const result of results) if (!('code' in result)) readAll(result);
  }
});

test('a message whose bytes change under it', () => {
  const random = new Random(15);
  const codes = new Set([...DECODE_CODES, ...VALUE_CODES]);
  for (let i = 0; i < 2000; i += 1) {
    const bytes = Uint8Array.from(random.pick(vectors));
    const message = guarded(DECODE_CODES, bytes.length, () =>
      decode(bytes, { allowClassic: true }),
    );
    if (message === undefined) continue;
    bytes.set(mutate(random, bytes).subarray(0, bytes.length));
    // With the core's copy of it as it was, and with none.
    for (const isEvicted of [false, true]) {
      if (isEvicted) decode(/** @type {Uint8Array} */ (vectors[0]));
      for (const [type] of ATTRIBUTES) guarded(codes, bytes.length, () => message.get(type));
      guarded(codes, bytes.length, () => [...message].length + message.unknownRequired.length);
      guarded(codes, bytes.length, () => verify(message, key));
      guarded(codes, bytes.length, () => message.toJSON());
    }
  }
});

test('streams of anything', () => {
  const random = new Random(16);
  for (let i = 0; i < 1000; i += 1) {
    const deframer = new StreamDeframer({ maxFrameBytes: random.pick([20, 100, 1500, 65_540]) });
    const stream = Buffer.concat(
      Array.from({ length: 1 + random.below(8) }, () =>
        random.below(6) === 0
          ? random.bytes(random.below(30))
          : mutate(random, random.pick(vectors)),
      ),
    );
    let taken = 0;
    try {
      for (let at = 0; at < stream.length; ) {
        const size = 1 + random.below(200);
        for (const { bytes } of deframer.push(stream.subarray(at, at + size)))
          taken += bytes.length;
        at += size;
      }
    } catch (error) {
      const { name, code, offset } = /** @type {any} */ (error);
      expect([name, code.startsWith('ERR_STREAM_')]).toEqual(['PosternError', true]);
      expect(offset).toBeGreaterThanOrEqual(taken);
      expect(offset).toBeLessThan(stream.length);
    }
    expect(taken + deframer.pendingBytes).toBeLessThanOrEqual(stream.length);
  }
});

test('nonces of anything', () => {
  const random = new Random(17);
  for (let i = 0; i < 5000; i += 1) {
    const tail = String.fromCharCode(
      ...Array.from({ length: random.below(8) }, () => random.below(random.pick([128, 0x10000]))),
    );
    const features = nonceFeatures((random.below(2) === 0 ? 'obMatJos2' : '') + tail);
    if (features !== undefined) expect(features.bits >>> 24).toBe(0);
  }
});
