// Values that an attribute cannot hold: a TypeError that names the attribute, and what is wrong within it.
import { describe, expect, test } from '@jest/globals';
import { decode, encode } from '../../../js/codec/index.js';
import { ATTRIBUTES } from '../../../js/generated/registry.js';
import { as, expectArgumentError, withHole } from './support.js';

const request = {
  class: /** @type {const} */ ('request'),
  method: /** @type {const} */ ('Binding'),
};

describe('what attributes are refused', () => {
  /** By kind: what encode() must not take, and what is wrong about it. @type {Record<string, [unknown, string][]>} */
  const wrong = {
    Opaque: [
      ['text', ''],
      [null, ''],
      [new Int8Array(2), ''],
      [new ArrayBuffer(2), ''],
    ],
    Text: [
      [1, ''],
      [null, ''],
      ['x'.repeat(510), ''],
      ['\u00E9'.repeat(255), ''],
    ],
    Label: [
      [{}, ''],
      ['x'.repeat(510), ''],
    ],
    Username: [
      [true, ''],
      ['x'.repeat(509), ''],
      ['\u30DE'.repeat(170), ''],
    ],
    DomainName: [
      [null, ''],
      ['x'.repeat(256), ''],
    ],
    Token4: [
      [new Uint8Array(3), ''],
      [new Uint8Array(5), ''],
      ['abcd', ''],
    ],
    Token8: [
      [new Uint8Array(7), ''],
      [new Uint8Array(9), ''],
    ],
    Sha256Digest: [
      [new Uint8Array(31), ''],
      [new Uint8Array(33), ''],
    ],
    Uint16List: [
      [1, ''],
      [new Uint16Array(2), ''],
      [[0x10000], '[0]'],
      [[1, -1], '[1]'],
      [withHole(1, 2), '[1]'],
      [['1'], '[0]'],
    ],
    Uint32List: [
      [1, ''],
      [[0x100000000], '[0]'],
      [[1.5], '[0]'],
      [[1n], '[0]'],
    ],
    Flag: [
      [1, ''],
      ['true', ''],
      [null, ''],
    ],
    Uint32: [
      [-1, ''],
      [0x100000000, ''],
      [1.5, ''],
      ['1', ''],
      [1n, ''],
      [Number.NaN, ''],
      [null, ''],
    ],
    Uint64: [
      [1, ''],
      [-1n, ''],
      [2n ** 64n, ''],
      ['1', ''],
    ],
    Channel: [
      [-1, ''],
      [0x10000, ''],
      ['1', ''],
    ],
    Port: [
      [-1, ''],
      [0x10000, ''],
    ],
    Protocol: [
      [-1, ''],
      [256, ''],
      ['udp', ''],
    ],
    ReserveFlag: [
      [1, ''],
      [null, ''],
    ],
    Address: [
      [null, ''],
      ['192.0.2.1:80', ''],
      [{ port: 80 }, ''],
      [{ address: '192.0.2.1' }, '.port'],
      [{ address: '192.0.2.1', port: 65536 }, '.port'],
      [{ address: '192.0.2.256', port: 1 }, ''],
      [{ address: '192.0.2.01', port: 1 }, ''],
      [{ address: 'fe80::1%eth0', port: 1 }, ''],
      [{ address: '', port: 1 }, ''],
    ],
    AddressFamily: [
      ['ipv4', ''],
      [5, ''],
      [null, ''],
    ],
    ChangeFlags: [
      [null, ''],
      [true, ''],
    ],
    ErrorReason: [
      [null, '.code'],
      [{ code: '401' }, '.code'],
      [{ code: 700 }, '.code'],
      [{ code: 299 }, ''],
      [{ code: 401, reason: 1 }, '.reason'],
      [{ code: 401, reason: null }, '.reason'],
      [{ code: 401, reason: 'x'.repeat(510) }, ''],
    ],
    FamilyErrorReason: [
      [{ code: 440 }, '.family'],
      [{ code: 440, family: 'IPv5' }, '.family'],
      [{ family: 'IPv4' }, '.code'],
      [{ family: 'IPv4', code: 440, reason: Symbol('s') }, '.reason'],
    ],
    OneAlgorithm: [
      ['SHA-1', ''],
      [-1, ''],
      [{ algorithm: 65536 }, ''],
      [{ algorithm: 1, parameters: 'x' }, '.parameters'],
      [null, ''],
    ],
    AlgorithmList: [
      ['MD5', ''],
      [['SHA-1'], '[0]'],
      [['MD5', {}], '[1]'],
      [[{ algorithm: 1, parameters: [] }], '[0].parameters'],
    ],
    IcmpError: [
      [null, '.type'],
      [{ type: 256, code: 0, data: 0 }, '.type'],
      [{ type: 1, code: -1, data: 0 }, '.code'],
      [{ type: 1, code: 1 }, '.data'],
    ],
    TransmitCounter: [
      [null, '.request'],
      [{ request: 1, response: 256 }, '.response'],
    ],
    EcnCheck: [
      [null, '.ecn'],
      [{ ecn: 4, valid: true }, '.ecn'],
    ],
    NetworkInfo: [
      [null, '.id'],
      [{ id: 1, cost: 65536 }, '.cost'],
    ],
  };
  wrong.XorAddress = /** @type {[unknown, string][]} */ (wrong.Address);

  const computed = ['messageIntegrity', 'messageIntegritySha256', 'fingerprint'];
  const writable = ATTRIBUTES.filter(
    ([, property, , , unregistered]) => unregistered === 0 && !computed.includes(property),
  );

  test.each(writable)('%i %s', (_type, property, _name, kind) => {
    for (const [value, member] of wrong[kind] ?? []) {
      const attributes = { software: 'before', [property]: value };
      expectArgumentError(
        () => encode({ ...request, attributes }),
        `message.attributes.${property}${member}`,
      );
    }
    expect(wrong[kind]?.length).toBeGreaterThan(0);
  });

  test.each(['nope', 'XOR-MAPPED-ADDRESS', '0', 'constructor', '__proto__x'])(
    'an attribute named %s',
    (name) => {
      const attributes = as({ [name]: 1 });
      expectArgumentError(() => encode({ ...request, attributes }), `message.attributes.${name}`);
    },
  );

  test('the one of several that is wrong', () => {
    const good = { address: '192.0.2.1', port: 1 };
    for (const [bad, member] of /** @type {[any, string][]} */ ([
      [{ ...good, port: -1 }, '.port'],
      [{ ...good, address: 'x' }, ''],
    ])) {
      const xorPeerAddress = [good, good, bad, good];
      expectArgumentError(
        () => encode({ ...request, attributes: { xorPeerAddress } }),
        `message.attributes.xorPeerAddress[2]${member}`,
      );
    }
  });

  test('the right one is named behind attributes that were left out', () => {
    const attributes = as({
      useCandidate: false,
      evenPort: false,
      nonce: undefined,
      dontFragment: [false, true],
      username: 'x'.repeat(600),
    });
    expectArgumentError(() => encode({ ...request, attributes }), 'message.attributes.username');
  });

  test('a getter that decodes', () => {
    const other = decode(encode({ ...request, attributes: { username: 'alice', software: 's' } }));
    expectArgumentError(
      () => encode({ ...request, attributes: as(other.attributes) }),
      'message.attributes',
    );
    expect(other.attributes.username).toBe('alice');
    expect(encode({ ...request, attributes: other.attributes.toJSON() }).length).toBe(40);
  });
});
