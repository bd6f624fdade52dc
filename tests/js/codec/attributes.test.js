// Every attribute of the registry, written and read again: the same value, the bytes that its RFC draws.
import { describe, expect, test } from '@jest/globals';
import { decode, encode } from '../../../js/codec/index.js';
import { ATTRIBUTES } from '../../../js/generated/registry.js';
import { fromHex, TRANSACTION_ID, thrownBy, toHex } from './support.js';

const none = new Uint8Array();
const token = (/** @type {number} */ length) => Uint8Array.from({ length }, (_, i) => 255 - i);

/**
 * By kind: what encode() is given, the bytes of the value, and what decode() gives where that differs.
 *
 * @type {Record<string, [input: any, hex: string, output?: any][]>}
 */
const SAMPLES = {
  Opaque: [
    [none, ''],
    [token(1), 'ff'],
    [token(5), 'fffefdfcfb'],
  ],
  Text: [
    ['', ''],
    ['example.org', '6578616d706c652e6f7267'],
    ['\u30DE\u00E9', 'e3839ec3a9'],
    ['\uFEFFmark', 'efbbbf6d61726b'],
    [fromHex('6162'), '6162', 'ab'],
    ['x'.repeat(509), '78'.repeat(509)],
  ],
  Label: [
    ['postern 1.0', '706f737465726e20312e30'],
    ['\u{1F6AA}', 'f09f9aaa'],
    ['x'.repeat(509), '78'.repeat(509)],
  ],
  Username: [
    ['evtj:h6vY', '6576746a3a68367659'],
    ['x'.repeat(508), '78'.repeat(508)],
  ],
  DomainName: [
    ['alt.example.org', '616c742e6578616d706c652e6f7267'],
    ['x'.repeat(255), '78'.repeat(255)],
  ],
  Token4: [[token(4), 'fffefdfc']],
  Token8: [[token(8), 'fffefdfcfbfaf9f8']],
  Sha256Digest: [[token(32), toHex(token(32))]],
  Uint16List: [
    [[], ''],
    [[0x001a], '001a'],
    [[0, 0x7fff, 0x8000, 0xffff], '00007fff8000ffff'],
  ],
  Uint32List: [
    [[], ''],
    [[0xdeadbeef, 1], 'deadbeef00000001'],
  ],
  Flag: [[true, '']],
  Uint32: [
    [0, '00000000'],
    [600, '00000258'],
    [0xffffffff, 'ffffffff'],
  ],
  Uint64: [
    [0n, '0000000000000000'],
    [0x932ff9b151263b36n, '932ff9b151263b36'],
    [2n ** 64n - 1n, 'ffffffffffffffff'],
  ],
  Channel: [
    [0x4000, '40000000'],
    [0xffff, 'ffff0000'],
  ],
  Port: [
    [0, '0000'],
    [4711, '1267'],
  ],
  Protocol: [
    [17, '11000000'],
    [255, 'ff000000'],
  ],
  ReserveFlag: [
    [true, '80'],
    [false, '00'],
  ],
  Address: [
    [
      { address: '192.0.2.1', port: 32853 },
      '00018055c0000201',
      { address: '192.0.2.1', port: 32853, family: 'IPv4' },
    ],
    [
      { address: '2001:DB8:0:0::1', port: 0, family: 'IPv6' },
      '0002000020010db8000000000000000000000001',
      { address: '2001:db8::1', port: 0, family: 'IPv6' },
    ],
  ],
  XorAddress: [
    [
      { address: '255.255.255.255', port: 65535 },
      '0001deeddeed5bbd',
      { address: '255.255.255.255', port: 65535, family: 'IPv4' },
    ],
    [
      { address: '::ffff:192.0.2.1', port: 1 },
      '000221132112a442a0a1a2a3a4a5595868a9a8aa',
      { address: '::ffff:192.0.2.1', port: 1, family: 'IPv6' },
    ],
  ],
  AddressFamily: [
    ['IPv4', '01000000'],
    ['IPv6', '02000000'],
  ],
  ChangeFlags: [
    [{ changeIp: false, changePort: false }, '00000000'],
    [{ changeIp: true, changePort: false }, '00000004'],
    [{ changeIp: false, changePort: true }, '00000002'],
  ],
  ErrorReason: [
    [{ code: 401, reason: 'Unauthenticated' }, '00000401556e61757468656e74696361746564'],
    [{ code: 300 }, '00000300', { code: 300, reason: '' }],
    [{ code: 699, reason: '\u00E9' }, '00000663c3a9'],
  ],
  FamilyErrorReason: [
    [{ family: 'IPv6', code: 440, reason: 'no' }, '020004286e6f'],
    [{ family: 'IPv4', code: 508 }, '01000508', { family: 'IPv4', code: 508, reason: '' }],
  ],
  OneAlgorithm: [
    ['MD5', '00010000', { algorithm: 'MD5', parameters: none }],
    [2, '00020000', { algorithm: 'SHA-256', parameters: none }],
    [{ algorithm: 0xabcd, parameters: token(3) }, 'abcd0003fffefd00'],
  ],
  AlgorithmList: [
    [[], ''],
    [
      [
        'SHA-256',
        { algorithm: 'MD5' },
        { algorithm: 9, parameters: token(5) },
        { algorithm: 8, parameters: token(4) },
      ],
      '000200000001000000090005fffefdfcfb00000000080004fffefdfc',
      [
        { algorithm: 'SHA-256', parameters: none },
        { algorithm: 'MD5', parameters: none },
        { algorithm: 9, parameters: token(5) },
        { algorithm: 8, parameters: token(4) },
      ],
    ],
  ],
  IcmpError: [[{ type: 3, code: 4, data: 0x89abcdef }, '0000030489abcdef']],
  TransmitCounter: [[{ request: 7, response: 255 }, '000007ff']],
  EcnCheck: [
    [{ ecn: 3, valid: true }, '00000007'],
    [{ ecn: 1, valid: false }, '00000002'],
  ],
  NetworkInfo: [[{ id: 0xfffe, cost: 10 }, 'fffe000a']],
};

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
