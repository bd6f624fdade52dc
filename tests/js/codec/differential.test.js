// Hashes, HMACs and CRC of the core, through the public functions, against those of Node.js: 10,000 random
// inputs each, of lengths around the edges of hash blocks too.
import { createHash, createHmac } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { decode, encode, prepareKey, userhash, verify } from '../../../js/codec/index.js';
import { Random } from './support.js';

const RUNS = 10_000;
const COLON = Buffer.from(':');
/** RFC 8489 section 14.7. */
const FINGERPRINT_XOR = 0x5354554e;

/** Mostly short; now and then around one, two or many blocks of 64 bytes. @param {Random} random */
const someBytes = (random) => random.bytes(random.below(random.pick([8, 40, 40, 70, 140, 600])));

/**
 * What an integrity attribute holds: the HMAC over what stands before it, with a length in the header that
 * ends behind it (RFC 8489 sections 14.5 and 14.6).
 *
 * @param {'sha1' | 'sha256'} hash
 * @param {Uint8Array} key
 * @param {Uint8Array} message
 * @param {number} offset of the attribute
 * @param {number} macBytes
 */
function expectedMac(hash, key, message, offset, macBytes) {
  const covered = Buffer.from(message.subarray(0, offset));
  covered.writeUInt16BE(offset + 4 + macBytes - 20, 2);
  return createHmac(hash, key).update(covered).digest().subarray(0, macBytes);
}

/** @param {Random} random @param {import('../../../js/codec/index.js').PreparedKey} key */
function signed(random, key) {
  return encode({
    class: 'request',
    method: 'Allocate',
    transactionId: random.bytes(12),
    attributes: { data: someBytes(random) },
    key,
    integrity: 'both',
    integrityLength: random.pick([16, 20, 24, 28, 32]),
    fingerprint: true,
  });
}

/**
 * How many of the three values at the end of a message are not what Node.js makes of it.
 *
 * @param {Uint8Array} bytes
 * @param {Uint8Array} hmacKey
 * @param {import('../../../js/codec/index.js').PreparedKey} key
 */
function differences(bytes, hmacKey, key) {
  const message = decode(bytes);
  let count = 0;
  for (const { name, offset, length, value } of message) {
    const at = offset - 4;
    if (name === 'MESSAGE-INTEGRITY') {
      count += Buffer.compare(
        /** @type {Uint8Array} */ (value),
        expectedMac('sha1', hmacKey, bytes, at, 20),
      )
        ? 1
        : 0;
    } else if (name === 'MESSAGE-INTEGRITY-SHA256') {
      const expected = expectedMac('sha256', hmacKey, bytes, at, length);
      count += Buffer.compare(/** @type {Uint8Array} */ (value), expected) ? 1 : 0;
    } else if (name === 'FINGERPRINT') {
      count += value === (crc32(bytes.subarray(0, at)) ^ FINGERPRINT_XOR) >>> 0 ? 0 : 1;
    }
  }
  const isGood =
    message.fingerprint === 'valid' &&
    verify(message, key, { integrity: 'sha1' }) &&
    verify(message, key, { integrity: 'sha256', leastLength: 16 });
  return count + (isGood ? 0 : 1);
}

describe.each(
  /** @type {const} */ ([
    ['MD5', 'md5'],
    ['SHA-256', 'sha256'],
  ]),
)('%s', (algorithm, hash) => {
  test(`long-term keys, and HMAC-SHA1, HMAC-SHA256 and CRC-32 with them: ${RUNS} messages`, () => {
    const random = new Random(hash.length);
    let different = 0;
    for (let i = 0; i < RUNS; i += 1) {
      const [username, realm, password] = [someBytes(random), someBytes(random), someBytes(random)];
      const key = prepareKey({ username, realm, password, algorithm });
      const hmacKey = createHash(hash)
        .update(Buffer.concat([username, COLON, realm, COLON, password]))
        .digest();
      different += differences(signed(random, key), hmacKey, key);
    }
    expect(different).toBe(0);
  });
});

test(`short-term keys, shorter and longer than a block: ${RUNS} messages`, () => {
  const random = new Random(7);
  let different = 0;
  for (let i = 0; i < RUNS; i += 1) {
    const password = someBytes(random);
    const key = prepareKey({ password });
    different += differences(signed(random, key), password, key);
  }
  expect(different).toBe(0);
});

test(`SHA-256 in USERHASH: ${RUNS} user names`, () => {
  const random = new Random(8);
  let different = 0;
  for (let i = 0; i < RUNS; i += 1) {
    const [username, realm] = [someBytes(random), someBytes(random)];
    const expected = createHash('sha256')
      .update(Buffer.concat([username, COLON, realm]))
      .digest();
    different += Buffer.compare(userhash({ username, realm }), expected) ? 1 : 0;
  }
  expect(different).toBe(0);
});

test('every length from nothing to four blocks', () => {
  const random = new Random(9);
  let different = 0;
  for (let length = 0; length <= 256; length += 1) {
    const [username, realm, password] = [
      random.bytes(length),
      new Uint8Array(),
      random.bytes(length),
    ];
    const expected = createHash('sha256')
      .update(Buffer.concat([username, COLON]))
      .digest();
    different += Buffer.compare(userhash({ username, realm }), expected) ? 1 : 0;
    const shortTerm = prepareKey({ password });
    different += differences(signed(random, shortTerm), password, shortTerm);
    const data = random.bytes(length);
    const bytes = encode({
      class: 'indication',
      method: 'Data',
      attributes: { data },
      key: shortTerm,
      integrity: 'both',
      fingerprint: true,
    });
    different += differences(bytes, password, shortTerm);
  }
  expect(different).toBe(0);
});

test('the longest messages', () => {
  const random = new Random(10);
  const password = random.bytes(70_000);
  const key = prepareKey({ password });
  for (const length of [65_460, 65_400, 40_000]) {
    const attributes = { data: random.bytes(length) };
    const bytes = encode({
      class: 'indication',
      method: 'Data',
      attributes,
      key,
      integrity: 'both',
      fingerprint: true,
    });
    expect(differences(bytes, password, key)).toBe(0);
  }
});
