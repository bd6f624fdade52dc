// Bad arguments of every public function: a TypeError that names the argument.
import { describe, expect, test } from '@jest/globals';
import * as codec from '../../../js/codec/index.js';
import { as, expectArgumentError, thrownBy, withHole } from './support.js';

const {
  classify,
  decode,
  decodeBatch,
  encode,
  encodeBatch,
  encodeInto,
  init,
  nonceFeatures,
  prepareKey,
  StreamDeframer,
  userhash,
  verify,
  verifyBatch,
} = codec;

const bytes = encode({ class: 'request', method: 'Binding' });
const message = decode(bytes);
const key = prepareKey({ password: 'secret' });
const request = {
  class: /** @type {const} */ ('request'),
  method: /** @type {const} */ ('Binding'),
};
const notObjects = [null, 1, 'text', true, Symbol('s'), () => {}];
const notBytes = [
  undefined,
  null,
  1,
  'text',
  [1, 2],
  {},
  new Int8Array(4),
  new Uint16Array(2),
  new ArrayBuffer(4),
];

/** @param {unknown} value */
const show = (value) =>
  typeof value === 'object' ? (value?.constructor?.name ?? 'null') : String(value);

/** @type {[string, () => unknown, string][]} */
const calls = [];
/** @param {string} argument @param {readonly unknown[]} values @param {(value: any) => unknown} call */
function refuses(argument, values, call) {
  const title = /** @type {string} */ (/=> (?:new )?(\w+)/.exec(String(call))?.[1]);
  for (const value of values)
    calls.push([`${title}: ${argument} = ${show(value)}`, () => call(value), argument]);
}

refuses('bytes', [undefined, null, 1, 'text', [1, 2], {}, Symbol('s')], (value) => decode(value));
refuses('options', notObjects, (value) => decode(bytes, value));
refuses('options.allowClassic', [null, 1, 'true'], (allowClassic) =>
  decode(bytes, { allowClassic }),
);

refuses('list', [undefined, null, 1, 'text', bytes, {}, new Set()], (value) => decodeBatch(value));
refuses('list[1]', [undefined, null, 'text'], (value) => decodeBatch([bytes, value]));
calls.push(['decodeBatch: a hole', () => decodeBatch(withHole(bytes, bytes)), 'list[1]']);
refuses('options', notObjects, (value) => decodeBatch([], value));

refuses('message', [undefined, null, 1, bytes, {}, { ...message }], (value) => verify(value, key));
refuses('key', [undefined, null, 1, 'secret', bytes, {}], (value) => verify(message, value));
refuses('options', notObjects, (value) => verify(message, key, value));
refuses('options.integrity', [null, 1, 'SHA1', 'both'], (integrity) =>
  verify(message, key, { integrity }),
);
refuses('options.leastLength', [null, '20', 20n, 15, 33, 20.5, Number.NaN, -1], (leastLength) =>
  verify(message, key, { leastLength }),
);

refuses('messages', [undefined, null, 1, message, {}], (value) => verifyBatch(value, key));
refuses('messages[1]', [undefined, bytes, decodeBatch([bytes.subarray(1)])[0]], (value) =>
  verifyBatch([message, value], key),
);
refuses('key', [undefined, null, 'secret'], (value) => verifyBatch([message], value));
refuses('options.integrity', ['both'], (integrity) => verifyBatch([message], key, { integrity }));
refuses('options.leastLength', [0], (leastLength) => verifyBatch([message], key, { leastLength }));

refuses('message', [undefined, ...notObjects], (value) => encode(value));
refuses('message.class', [undefined, null, 'response', 0, 'Request', 'toString'], (value) =>
  encode({ ...request, class: value }),
);
refuses('message.method', [undefined, null, 'binding', -1, 0x1000, 1.5, '1', 1n], (method) =>
  encode({ ...request, method }),
);
refuses(
  'message.transactionId',
  [null, 'a1b2c3d4e5f6', new Uint8Array(11), new Uint8Array(13), new Int8Array(12), []],
  (transactionId) => encode({ ...request, transactionId }),
);
refuses('message.attributes', notObjects, (attributes) => encode({ ...request, attributes }));
refuses('message.rawAttributes', [null, 1, 'text', {}], (rawAttributes) =>
  encode({ ...request, rawAttributes }),
);
refuses('message.rawAttributes[1]', [undefined, null, 1], (value) =>
  encode({ ...request, rawAttributes: [{ type: 1, value: bytes }, value] }),
);
refuses('message.rawAttributes[0].type', [undefined, null, '1', -1, 0x10000, 1.5], (type) =>
  encode({ ...request, rawAttributes: [{ type, value: bytes }] }),
);
refuses('message.rawAttributes[0].value', notBytes, (value) =>
  encode({ ...request, rawAttributes: [{ type: 1, value }] }),
);
refuses('message.key', [null, 'secret', bytes, {}], (value) => encode({ ...request, key: value }));
refuses('message.key', [null, 'secret'], (value) =>
  encode({ ...request, key: value, integrity: 'sha1' }),
);
refuses('message.key', [undefined], (value) =>
  encode({ ...request, key: value, integrity: 'sha1' }),
);
refuses('message.integrity', [null, 'SHA1', 1, true], (integrity) =>
  encode({ ...request, key, integrity: integrity ?? 'md5' }),
);
refuses('message.integrityLength', [null, 0, 12, 17, 36, 288, '16', -16], (integrityLength) =>
  encode({ ...request, key, integrity: 'sha256', integrityLength }),
);
refuses('message.fingerprint', [null, 1, 'valid'], (fingerprint) =>
  encode({ ...request, fingerprint }),
);

refuses('target', notBytes, (target) => encodeInto(target, request));
refuses('target', [new Uint8Array(19)], (target) => encodeInto(target, request));
refuses('message', [undefined, null, 1], (value) => encodeInto(new Uint8Array(100), value));
refuses('offset', [null, '0', -1, 0.5, Number.NaN], (offset) =>
  encodeInto(new Uint8Array(100), request, offset),
);
refuses('target', [81], (offset) => encodeInto(new Uint8Array(100), request, offset));

refuses('messages', [undefined, null, 1, request, 'text'], (value) => encodeBatch(value));
refuses('messages[1]', [undefined, null, 1, 'text'], (value) => encodeBatch([request, value]));
refuses('messages[1].method', ['nope'], (method) => encodeBatch([request, { ...request, method }]));
refuses('messages[1].key', ['secret'], (value) =>
  encodeBatch([request, { ...request, key: value }]),
);

refuses('credentials', [undefined, ...notObjects], (value) => prepareKey(value));
refuses('credentials.password', [undefined, null, 1, new Int8Array(3), {}], (password) =>
  prepareKey({ password }),
);
refuses('credentials.username', [undefined, null, 1, {}], (username) =>
  prepareKey({ username, realm: 'r', password: 'p' }),
);
refuses('credentials.realm', [undefined, null, 1, {}], (realm) =>
  prepareKey({ username: 'u', realm, password: 'p' }),
);
refuses('credentials.algorithm', [null, 'SHA-1', 'md5', 1], (algorithm) =>
  prepareKey({ password: 'p', algorithm }),
);
refuses('credentials.preparation', [null, 'stringprep', 1], (preparation) =>
  prepareKey({ password: 'p', preparation }),
);
refuses('credentials.preparation', ['x'], (preparation) =>
  prepareKey({ password: bytes, preparation }),
);

refuses('credentials', [undefined, ...notObjects], (value) => userhash(value));
refuses('credentials.username', [undefined, 1], (username) => userhash({ username, realm: 'r' }));
refuses('credentials.realm', [undefined, 1], (realm) => userhash({ username: 'u', realm }));
refuses('credentials.preparation', ['x'], (preparation) =>
  userhash({ username: 'u', realm: 'r', preparation }),
);

refuses('nonce', [undefined, null, 1, bytes], (value) => nonceFeatures(value));
refuses('options', notObjects, (value) => nonceFeatures('n', value));
refuses('options.bitOrder', [null, 'middle', 1], (bitOrder) => nonceFeatures('n', { bitOrder }));

refuses('packet', notBytes, (value) => classify(value));
refuses('options', notObjects, (value) => classify(bytes, value));
refuses('options.quic', [null, 1], (quic) => classify(bytes, { quic }));
refuses('options.fromTurnServer', [null, 1], (fromTurnServer) =>
  classify(bytes, { quic: true, fromTurnServer }),
);

refuses('options', notObjects, (value) => new StreamDeframer(value));
refuses(
  'options.maxFrameBytes',
  [null, '100', 19, 65553, 100.5, Number.NaN, Infinity],
  (maxFrameBytes) => new StreamDeframer({ maxFrameBytes }),
);
refuses('chunk', notBytes, (chunk) => new StreamDeframer().push(chunk));

for (const method of /** @type {const} */ (['get', 'getAll', 'raw'])) {
  for (const value of [undefined, null, -1, 0x10000, 1.5, Number.NaN, {}, true]) {
    calls.push([
      `${method}: nameOrType = ${show(value)}`,
      () => message[method](as(value)),
      'nameOrType',
    ]);
  }
}

test.each(calls)('%s', (_title, call, argument) => {
  expectArgumentError(call, argument);
});

/** @type {[string, unknown, string][]} */
const badInit = [
  ...notObjects.map(
    (value) => /** @type {[string, unknown, string]} */ (['options', value, 'options']),
  ),
  ['wasmBinary', { wasmBinary: 'AGFzbQ==' }, 'options.wasmBinary'],
  ['wasmUrl', { wasmUrl: 1 }, 'options.wasmUrl'],
  ['signal', { signal: 'abort' }, 'options.signal'],
  ['signal null', { signal: null }, 'options.signal'],
];
test.each(badInit)('init: %s', async (_title, options, argument) => {
  await expect(init(as(options))).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT', argument });
});

test('init: a signal that was aborted, loaded or not', async () => {
  const reason = new Error('enough');
  await expect(init({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  await expect(init()).resolves.toBeUndefined();
});

test('every public function is here', () => {
  const names = new Set(calls.map(([title]) => title.split(':')[0]));
  const functions = Object.keys(codec).filter(
    (name) => !['Message', 'PosternError', 'PreparedKey', 'init'].includes(name),
  );
  expect(functions.filter((name) => !names.has(name))).toEqual([]);
});

describe('credentials that cannot be used', () => {
  const tooLong = 'x'.repeat(80_000);

  test.each([
    ['an empty password', { password: '' }, 'ERR_STRING_EMPTY'],
    ['a control character', { password: 'a\u0000' }, 'ERR_STRING_DISALLOWED'],
    ['half a surrogate pair', { password: '\uD800', preparation: 'none' }, 'ERR_STRING_DISALLOWED'],
    [
      'two directions in SASLprep',
      { password: '\u05D0a', preparation: 'saslprep' },
      'ERR_STRING_BIDI',
    ],
    ['a password longer than a message', { password: tooLong }, 'ERR_STUN_CREDENTIALS'],
    [
      'a user name longer than a message',
      { username: tooLong, realm: 'r', password: 'p' },
      'ERR_STUN_CREDENTIALS',
    ],
  ])('%s', (_title, credentials, code) => {
    const error = thrownBy(() => prepareKey(as(credentials)));
    expect(error.name).toBe('PosternError');
    expect(error.code).toBe(code);
    expect(error.message).not.toContain('xxx');
  });

  test('preparation matters where the profiles differ, and bytes are taken as they are', () => {
    const signed = (/** @type {any} */ credentials) =>
      Buffer.from(
        encode({ ...request, transactionId: new Uint8Array(12), key: prepareKey(credentials) }),
      ).toString('hex');
    // U+2163 is ROMAN NUMERAL FOUR, which SASLprep writes as two letters.
    const opaque = signed({ password: '\u2163' });
    expect(signed({ password: '\u2163', preparation: 'none' })).toBe(opaque);
    expect(signed({ password: new TextEncoder().encode('\u2163') })).toBe(opaque);
    expect(signed({ password: '\u2163', preparation: 'saslprep' })).toBe(
      signed({ password: 'IV' }),
    );
    expect(signed({ password: 'IV' })).not.toBe(opaque);
  });
});
