// Proves that an implementation does the work before it is timed. The reader here shares no code
// with anything that it judges: it is as plain as RFC 8489 sections 5 and 14, and slow.

import { createHash, createHmac } from 'node:crypto';
import { ALLOCATE, BATCH_SIZE, BENCHES, MAPPED, SOFTWARE } from './inputs.js';

const HEADER_LENGTH = 20; // RFC 8489 section 5
const MAGIC_COOKIE = 0x2112a442;
const FINGERPRINT_XOR = 0x5354554e; // section 14.7
const INTEGRITY_ATTRIBUTE_LENGTH = 24; // MESSAGE-INTEGRITY with its header, section 14.5
const FINGERPRINT_ATTRIBUTE_LENGTH = 8;

const TYPE = {
  username: 0x0006,
  messageIntegrity: 0x0008,
  realm: 0x0014,
  nonce: 0x0015,
  requestedTransport: 0x0019,
  software: 0x8022,
  fingerprint: 0x8028,
};

const text = (/** @type {string} */ value) => Buffer.from(value).toString('hex');

const ALLOCATE_KEY = createHash('md5') // long-term key, RFC 8489 section 18.5.1
  .update(`${ALLOCATE.username}:${ALLOCATE.realm}:${ALLOCATE.password}`)
  .digest();

/**
 * What the encoded messages must hold, in hex; the order of attributes is free.
 *
 * @type {Record<string, { messageType: number, attributes: Record<number, string>, key?: Buffer }>}
 */
const EXPECTED = {
  'encode-binding': { messageType: 0x0001, attributes: { [TYPE.software]: text(SOFTWARE) } },
  'encode-allocate-auth': {
    messageType: 0x0003,
    attributes: {
      [TYPE.username]: text(ALLOCATE.username),
      [TYPE.realm]: text(ALLOCATE.realm),
      [TYPE.nonce]: text(ALLOCATE.nonce),
      [TYPE.requestedTransport]: '11000000',
    },
    key: ALLOCATE_KEY,
  },
};

/** @param {Uint8Array} bytes */
function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

/**
 * The bytes before an attribute, with the length field that the attribute's check wants.
 *
 * @param {Buffer} message
 * @param {number} offset of the attribute
 * @param {number} attributeLength with its header
 */
function covered(message, offset, attributeLength) {
  const bytes = Buffer.from(message.subarray(0, offset));
  bytes.writeUInt16BE(offset + attributeLength - HEADER_LENGTH, 2);
  return bytes;
}

/** @param {Buffer} message @param {number} offset */
const fingerprintAt = (message, offset) =>
  (crc32(covered(message, offset, FINGERPRINT_ATTRIBUTE_LENGTH)) ^ FINGERPRINT_XOR) >>> 0;

/** @param {boolean} condition @param {string} what */
function demand(condition, what) {
  if (!condition) throw new Error(what);
}

/**
 * Checks one encoded message.
 *
 * @param {string} name of the bench, without -batch
 * @param {Buffer} message
 * @returns {string} its transaction id, in hex
 */
function checkEncoded(name, message) {
  const { messageType, attributes, key } = EXPECTED[name];
  demand(message.readUInt16BE(0) === messageType, 'wrong message type');
  demand(message.readUInt16BE(2) === message.length - HEADER_LENGTH, 'wrong length field');
  demand(message.readUInt32BE(4) === MAGIC_COOKIE, 'wrong cookie');

  const left = new Map(Object.entries(attributes).map(([type, hex]) => [Number(type), hex]));
  let last = 0;
  let integrityChecked = false;
  for (let offset = HEADER_LENGTH; offset < message.length; ) {
    const type = message.readUInt16BE(offset);
    const length = message.readUInt16BE(offset + 2);
    const value = message.subarray(offset + 4, offset + 4 + length);
    const end = offset + 4 + length + (-length & 3);
    demand(end <= message.length, 'an attribute is too long');
    demand(
      message.subarray(offset + 4 + length, end).every((byte) => byte === 0),
      'padding is not zero',
    );
    if (type === TYPE.messageIntegrity && key) {
      const bytes = covered(message, offset, INTEGRITY_ATTRIBUTE_LENGTH);
      const hmac = createHmac('sha1', key).update(bytes).digest();
      demand(hmac.equals(value), 'wrong MESSAGE-INTEGRITY');
      integrityChecked = true;
    } else if (type === TYPE.fingerprint) {
      demand(value.readUInt32BE(0) === fingerprintAt(message, offset), 'wrong FINGERPRINT');
    } else {
      const name = `attribute 0x${type.toString(16)}`;
      demand(left.has(type), `unexpected ${name}`);
      demand(left.get(type) === value.toString('hex'), `wrong value of ${name}`);
      demand(!integrityChecked, `${name} is not covered by MESSAGE-INTEGRITY`);
      left.delete(type);
    }
    last = type;
    offset = end;
  }
  demand(left.size === 0, 'an attribute is missing');
  demand(integrityChecked || !key, 'no MESSAGE-INTEGRITY');
  demand(last === TYPE.fingerprint, 'FINGERPRINT is not last');
  return message.subarray(8, HEADER_LENGTH).toString('hex');
}

/** @param {Buffer} message @param {number} at */
function flipped(message, at) {
  const copy = Buffer.from(message);
  copy[at] ^= 0x01;
  return copy;
}

/** The same with FINGERPRINT, which is last in our messages, made right again. @param {Buffer} message */
function withFingerprint(message) {
  const copy = Buffer.from(message);
  const offset = copy.length - FINGERPRINT_ATTRIBUTE_LENGTH;
  copy.writeUInt32BE(fingerprintAt(copy, offset), offset + 4);
  return copy;
}

/**
 * Proves one bench of one implementation; throws an Error that says what is wrong.
 *
 * @param {string} bench
 * @param {(messageHex?: string) => Promise<any[]>} once performs the operation once
 */
export async function prove(bench, once) {
  const { kind, batch, inputHex = '' } = BENCHES[bench];
  const message = Buffer.from(inputHex, 'hex');
  const count = batch ? BATCH_SIZE : 1;

  /** @param {Buffer | undefined} input */
  const results = async (input) => {
    const list = await once(input?.toString('hex'));
    demand(list.length === count, `${list.length} results instead of ${count}`);
    return list;
  };

  if (kind === 'encode') {
    const made = [...(await results(undefined)), ...(await results(undefined))];
    const name = bench.replace(/-batch$/, '');
    const ids = made.map((hex) => checkEncoded(name, Buffer.from(hex, 'hex')));
    demand(new Set(ids).size === made.length, 'a transaction id was used twice');
    return;
  }

  const inSoftware = message.indexOf(Buffer.from([0x80, 0x22])) + 4;
  const badFingerprint = [flipped(message, message.length - 1), flipped(message, inSoftware)];
  if (kind === 'decode') {
    for (const mapped of await results(message)) {
      const right = mapped?.address === MAPPED.address && mapped?.port === MAPPED.port;
      demand(right, `read ${JSON.stringify(mapped)} from a good message`);
    }
    for (const bad of badFingerprint) {
      demand(
        (await results(bad)).every((mapped) => mapped === null),
        'FINGERPRINT is not checked',
      );
    }
    return;
  }

  demand(
    (await results(message)).every((ok) => ok === true),
    'refuses the good message',
  );
  for (const bad of badFingerprint) {
    demand(
      (await results(bad)).every((ok) => ok === false),
      'FINGERPRINT is not checked',
    );
  }
  const badIntegrity = withFingerprint(flipped(message, inSoftware));
  demand(
    (await results(badIntegrity)).every((ok) => ok === false),
    'MESSAGE-INTEGRITY is not checked',
  );
}
