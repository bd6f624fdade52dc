// Values of every kind, with their bytes as the RFCs draw them.
import { fromHex, toHex } from './support.js';

export const none = new Uint8Array();
export const token = (/** @type {number} */ length) =>
  Uint8Array.from({ length }, (_, i) => 255 - i);

/**
 * By kind: what encode() is given, the bytes of the value, and what decode() gives where that differs.
 *
 * @type {Record<string, [input: any, hex: string, output?: any][]>}
 */
export const SAMPLES = {
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
