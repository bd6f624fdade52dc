// What is encoded is decoded to the same, for any values; what is decoded is encoded to the same bytes.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  decode,
  decodeBatch,
  encode,
  encodeBatch,
  prepareKey,
  StreamDeframer,
  verify,
} from '../../../js/codec/index.js';
import { ATTRIBUTES, METHODS } from '../../../js/generated/registry.js';
import { toHex } from './support.js';

const settings = { seed: 8489, numRuns: 1000 };

const uint = (/** @type {number} */ bits) => fc.integer({ min: 0, max: 2 ** bits - 1 });
const bytes = (/** @type {number} */ maxLength) => fc.uint8Array({ maxLength });
const exactly = (/** @type {number} */ length) =>
  fc.uint8Array({ minLength: length, maxLength: length });
/** Any well-formed string whose UTF-8 form has at most `most` bytes. @param {number} most */
const text = (most) =>
  fc
    .string({ unit: 'binary', maxLength: most })
    .filter((value) => new TextEncoder().encode(value).length <= most);

const ipv4 = fc.ipV4();
/** In the one form of RFC 5952, so that it comes back as it was. */
const ipv6 = fc
  .array(fc.oneof(fc.constant(0), uint(16)), { minLength: 8, maxLength: 8 })
  .map((groups) =>
    new URL(`http://[${groups.map((group) => group.toString(16)).join(':')}]`).hostname.slice(
      1,
      -1,
    ),
  )
  // The URL standard writes IPv4-mapped addresses in hexadecimal, RFC 5952 section 5 does not.
  .filter((address) => !address.startsWith('::ffff:'));
const family = fc.constantFrom('IPv4', 'IPv6');
const address = fc.oneof(
  fc.record({ address: ipv4, port: uint(16), family: fc.constant('IPv4') }),
  fc.record({ address: ipv6, port: uint(16), family: fc.constant('IPv6') }),
);
const algorithm = fc.record({
  algorithm: fc.oneof(fc.constantFrom('MD5', 'SHA-256'), fc.integer({ min: 3, max: 0xffff })),
  parameters: bytes(20),
});
// Trailing NULs of a label are padding that a server counted in.
const label = text(60).filter((value) => !value.endsWith('\0'));
const code = fc.integer({ min: 300, max: 699 });

/** By kind: values as decode() gives them. @type {Record<string, fc.Arbitrary<any>>} */
const VALUES = {
  Opaque: bytes(100),
  Text: text(100),
  Label: label,
  Username: text(508),
  DomainName: text(255),
  Token4: exactly(4),
  Token8: exactly(8),
  Sha256Digest: exactly(32),
  Uint16List: fc.array(uint(16)),
  Uint32List: fc.array(uint(32)),
  Flag: fc.constant(true),
  Uint32: uint(32),
  Uint64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  Channel: uint(16),
  Port: uint(16),
  Protocol: uint(8),
  ReserveFlag: fc.boolean(),
  Address: address,
  XorAddress: address,
  AddressFamily: family,
  ChangeFlags: fc.record({ changeIp: fc.boolean(), changePort: fc.boolean() }),
  ErrorReason: fc.record({ code, reason: label }),
  FamilyErrorReason: fc.record({ family, code, reason: label }),
  OneAlgorithm: algorithm,
  AlgorithmList: fc.array(algorithm),
  IcmpError: fc.record({ type: uint(8), code: uint(8), data: uint(32) }),
  TransmitCounter: fc.record({ request: uint(8), response: uint(8) }),
  EcnCheck: fc.record({ ecn: uint(2), valid: fc.boolean() }),
  NetworkInfo: fc.record({ id: uint(16), cost: uint(16) }),
};

const computed = ['messageIntegrity', 'messageIntegritySha256', 'fingerprint'];
const writable = ATTRIBUTES.filter(
  ([, property, , , unregistered]) => unregistered === 0 && !computed.includes(property),
);
const someAttributes = fc
  .shuffledSubarray(writable, { maxLength: 8 })
  .chain((rows) =>
    fc
      .tuple(...rows.map(([, , , kind]) => /** @type {fc.Arbitrary<any>} */ (VALUES[kind])))
      .map((values) => Object.fromEntries(rows.map(([, property], i) => [property, values[i]]))),
  );
const rawAttributes = fc.array(
  fc.record({ type: fc.integer({ min: 0xd000, max: 0xffff }), value: bytes(50) }),
  {
    maxLength: 3,
  },
);
/** Methods from 0x100 on cannot be told from other protocols by their first byte (RFC 7983 section 7). */
const unknownMethod = fc.integer({ min: 0x81, max: 0xff });
const header = {
  class: fc.constantFrom('request', 'indication', 'success', 'error'),
  method: fc.oneof(fc.constantFrom(...METHODS.map(([, name]) => name)), unknownMethod),
  transactionId: exactly(12),
};
const key = fc.oneof(
  fc.record({ password: fc.uint8Array({ maxLength: 100 }) }),
  fc.record({
    username: bytes(50),
    realm: bytes(50),
    password: bytes(50),
    algorithm: /** @type {fc.Arbitrary<'MD5' | 'SHA-256'>} */ (fc.constantFrom('MD5', 'SHA-256')),
  }),
);
const protection = {
  credentials: fc.option(key, { nil: undefined }),
  integrity: fc.constantFrom(undefined, 'sha1', 'sha256', 'both'),
  fingerprint: fc.boolean(),
};
const anyMessage = fc
  .record({ ...header, attributes: someAttributes, rawAttributes, ...protection })
  .map(
    ({ credentials, integrity, ...input }) =>
      /** @type {any} */ ({
        ...input,
        key: credentials && prepareKey(credentials),
        integrity: credentials && integrity,
      }),
  );

/** @param {any} input */
function expectedNames({
  attributes: values,
  rawAttributes: raw,
  key: given,
  integrity,
  fingerprint,
}) {
  const names = ATTRIBUTES.map(
    ([, property, name]) => /** @type {[string, string]} */ ([property, name]),
  );
  const nameOf = new Map(names);
  const chosen = given && (integrity ?? (given.algorithm === 'SHA-256' ? 'sha256' : 'sha1'));
  return [
    ...Object.keys(values).map((property) => nameOf.get(property)),
    ...raw.map(() => undefined),
    ...(chosen === 'sha1' || chosen === 'both' ? ['MESSAGE-INTEGRITY'] : []),
    ...(chosen === 'sha256' || chosen === 'both' ? ['MESSAGE-INTEGRITY-SHA256'] : []),
    ...(fingerprint ? ['FINGERPRINT'] : []),
  ];
}

test('encode, then decode', () => {
  fc.assert(
    fc.property(anyMessage, (input) => {
      const message = decode(encode(input));
      expect(message.class).toBe(input.class);
      expect(message.method).toBe(input.method);
      expect(message.transactionId).toEqual(input.transactionId);
      expect(message.fingerprint).toBe(input.fingerprint ? 'valid' : 'absent');
      expect(message.unknownRequired).toEqual([]);
      const { fingerprint, messageIntegrity, messageIntegritySha256, ...values } =
        message.attributes.toJSON();
      expect(values).toEqual(input.attributes);
      expect(Array.from(message, ({ name }) => name)).toEqual(expectedNames(input));
      for (const { type } of input.rawAttributes) {
        const expected = input.rawAttributes.filter((/** @type {any} */ raw) => raw.type === type);
        expect(message.getAll(type)).toEqual(expected.map((/** @type {any} */ { value }) => value));
      }
      if (input.key) expect(verify(message, input.key)).toBe(true);
      expect(verify(message, prepareKey({ password: 'not this one' }))).toBe(false);
    }),
    settings,
  );
});

test('encode, decode, encode: the same bytes', () => {
  fc.assert(
    fc.property(anyMessage, (input) => {
      const first = encode(input);
      const message = decode(first);
      const { fingerprint, messageIntegrity, messageIntegritySha256, ...values } =
        message.attributes.toJSON();
      const again = encode({ ...input, transactionId: message.transactionId, attributes: values });
      expect(toHex(again)).toBe(toHex(first));
    }),
    settings,
  );
});

test('in batches, and over a stream', () => {
  fc.assert(
    fc.property(
      fc.array(anyMessage, { maxLength: 80 }),
      fc.array(fc.integer({ min: 1, max: 500 })),
      (inputs, sizes) => {
        const encoded = encodeBatch(inputs);
        expect(encoded.map(toHex)).toEqual(inputs.map((input) => toHex(encode(input))));
        const stream = Buffer.concat(encoded);
        const deframer = new StreamDeframer();
        const frames = [];
        for (let at = 0, i = 0; at < stream.length; i += 1) {
          const size = sizes[i % sizes.length] ?? stream.length;
          frames.push(...deframer.push(stream.subarray(at, at + size)));
          at += size;
        }
        const decoded = decodeBatch(frames.map((frame) => frame.bytes));
        expect(
          decoded.map((message) => ('bytes' in message ? toHex(message.bytes) : message)),
        ).toEqual(encoded.map(toHex));
        const methods = inputs.map(({ method }) => method);
        expect(decoded.map((message) => ('method' in message ? message.method : message))).toEqual(
          methods,
        );
      },
    ),
    { ...settings, numRuns: 60 },
  );
});

test('classic messages', () => {
  fc.assert(
    fc.property(
      fc.record({ ...header, transactionId: exactly(16), attributes: someAttributes }),
      (input) => {
        const encoded = encode(/** @type {any} */ (input));
        const message = decode(encoded, { allowClassic: true });
        expect(message.isClassic).toBe(toHex(input.transactionId.subarray(0, 4)) !== '2112a442');
        expect(message.attributes.toJSON()).toEqual(input.attributes);
        if (message.isClassic) expect(message.transactionId).toEqual(input.transactionId);
      },
    ),
    { ...settings, numRuns: 300 },
  );
});
