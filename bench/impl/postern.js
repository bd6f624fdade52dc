// postern/codec as an application in Node calls it, wasm boundary included.

import { createRequire } from 'node:module';
import { ALLOCATE, BATCH_SIZE, RFC5769_PASSWORD, SOFTWARE } from '../inputs.js';

// 'postern/codec' in Node; by its path, because bench/ is a package of its own.
const CODEC = new URL('../../dist/codec.inline.js', import.meta.url).href;
/** @type {typeof import('../../js/codec/index.js')} */
const codec = await import(CODEC);
const { decode, decodeBatch, encode, encodeBatch, PosternError, prepareKey, verify, verifyBatch } =
  codec;

const verifyKey = prepareKey({ password: RFC5769_PASSWORD });
const { username, realm, nonce, password, requestedTransport } = ALLOCATE;
const allocateKey = prepareKey({ username, realm, password, algorithm: 'MD5' });

/** @typedef {ReturnType<typeof decode>} Message */

/** @param {Message} message */
const mapped = (message) =>
  message.fingerprint === 'valid' ? message.attributes.xorMappedAddress : null;

/** decodeBatch() puts the error in the place of a malformed message. @param {Message | import('../../js/errors.js').PosternError} item */
const mappedOrError = (item) => (item instanceof PosternError ? null : mapped(item));

/** @param {Message | import('../../js/errors.js').PosternError} item @returns {item is Message} */
const isSound = (item) => !(item instanceof PosternError) && item.fingerprint === 'valid';

/** @typedef {import('../../js/codec/encode.js').MessageInput} MessageInput */

// Made for each message, as an application would: the attributes are what changes from one to the next.

/** @returns {MessageInput} */
const binding = () => ({
  class: 'request',
  method: 'Binding',
  attributes: { software: SOFTWARE },
  fingerprint: true,
});

/** @returns {MessageInput} */
const allocate = () => ({
  class: 'request',
  method: 'Allocate',
  attributes: { username, realm, nonce, requestedTransport },
  key: allocateKey,
  integrity: 'sha1',
  fingerprint: true,
});

/** @template T @param {() => T} make */
const batchOf = (make) => Array.from({ length: BATCH_SIZE }, make);

/** @param {Uint8Array} bytes */
function decodeAndVerify(bytes) {
  const message = decode(bytes);
  return message.fingerprint === 'valid' && verify(message, verifyKey);
}

export default {
  version: createRequire(import.meta.url)('../../package.json').version,
  benches: {
    'decode-binding': { op: (/** @type {Uint8Array} */ bytes) => mapped(decode(bytes)) },
    'decode-verify': { op: decodeAndVerify },
    'encode-binding': { op: () => encode(binding()) },
    'encode-allocate-auth': { op: () => encode(allocate()) },
    'decode-binding-batch': {
      op: (/** @type {Uint8Array[]} */ list) => decodeBatch(list).map(mappedOrError),
    },
    'decode-verify-batch': {
      op(/** @type {Uint8Array[]} */ list) {
        const items = decodeBatch(list);
        if (items.every(isSound)) return verifyBatch(items, verifyKey);
        return items.map((item) => isSound(item) && verify(item, verifyKey));
      },
    },
    'encode-binding-batch': { op: () => encodeBatch(batchOf(binding)) },
    'encode-allocate-auth-batch': { op: () => encodeBatch(batchOf(allocate)) },
  },
};
