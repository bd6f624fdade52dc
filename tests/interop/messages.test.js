// coturn's own bytes, read by the codec.
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { decode, encode } from '../../js/codec/index.js';
import { describeWithCoturn, startCoturn } from './coturn.js';
import { exchangeTcp, exchangeUdp } from './support.js';

jest.setTimeout(60_000);

/** RFC 3489: 16 bytes of transaction ID, no cookie. */
const CLASSIC = Buffer.concat([Buffer.from([0x00, 0x01, 0x00, 0x00]), Buffer.alloc(16, 0x5a)]);

describeWithCoturn('messages', () => {
  /** @type {import('./coturn.js').Coturn} */
  let server;
  beforeAll(async () => {
    server = await startCoturn({ args: ['-a', '-u', 'user:pass'] });
  });
  afterAll(() => server?.stop());

  /** @type {[string, import('../../js/codec/encode.js').MessageInput, (message: import('../../js/codec/index.js').Message) => void][]} */
  const exchanges = [
    [
      'Binding',
      { class: 'request', method: 'Binding' },
      (message) => {
        expect(message).toMatchObject({ class: 'success', fingerprint: 'absent' });
        expect(message.attributes.xorMappedAddress).toMatchObject({ port: expect.any(Number) });
        expect(message.attributes.mappedAddress).toEqual(message.attributes.xorMappedAddress);
      },
    ],
    [
      'Binding with FINGERPRINT',
      { class: 'request', method: 'Binding', fingerprint: true },
      (message) => expect(message).toMatchObject({ class: 'success', fingerprint: 'valid' }),
    ],
    [
      'Binding with an attribute that nobody knows',
      {
        class: 'request',
        method: 'Binding',
        rawAttributes: [{ type: 0x7abc, value: new Uint8Array(4) }],
      },
      (message) => {
        expect(message.attributes.errorCode).toMatchObject({ code: 420 });
        expect(message.attributes.unknownAttributes).toEqual([0x7abc]);
      },
    ],
    [
      'Allocate without credentials',
      { class: 'request', method: 'Allocate', attributes: { requestedTransport: 17 } },
      (message) => {
        expect(message).toMatchObject({ class: 'error', method: 'Allocate' });
        expect(message.attributes).toMatchObject({
          errorCode: { code: 401 },
          realm: 'example.org',
          nonce: expect.stringMatching(/^[\da-f]+$/),
        });
      },
    ],
    [
      'Refresh of nothing',
      { class: 'request', method: 'Refresh' },
      (message) => expect(message).toMatchObject({ class: 'error', method: 'Refresh' }),
    ],
  ];

  test.each(exchanges)('%s', async (_, input, check) => {
    const transactionId = Uint8Array.from({ length: 12 }, (__, i) => i);
    const request = encode({ ...input, transactionId });
    for (const host of ['127.0.0.1', '::1']) {
      const bytes = await exchangeUdp(host, server.port, request);
      for (const message of [decode(bytes), await exchangeTcp(host, server.port, request)]) {
        expect(message.transactionId).toEqual(transactionId);
        expect(message.isClassic).toBe(false);
        expect(message.unknownRequired).toEqual([]);
        expect(message.attributes.software).toMatch(/Coturn/);
        // Every attribute is of the registry, and its value can be read.
        for (const { name, value } of message) {
          expect(name).toEqual(expect.any(String));
          expect(value).toBeDefined();
        }
        check(message);
      }
    }
  });

  test('a request of RFC 3489 is answered in kind', async () => {
    const bytes = await exchangeUdp('127.0.0.1', server.port, CLASSIC);
    expect(() => decode(bytes)).toThrow(expect.objectContaining({ code: 'ERR_STUN_COOKIE' }));
    const message = decode(bytes, { allowClassic: true });
    expect(message).toMatchObject({
      isClassic: true,
      class: 'success',
      method: 'Binding',
      unknownRequired: [],
    });
    expect(message.transactionId).toEqual(Uint8Array.from(CLASSIC.subarray(4)));
    const { mappedAddress, sourceAddress, changedAddress } = message.attributes;
    expect(mappedAddress).toMatchObject({ address: '127.0.0.1', family: 'IPv4' });
    expect(sourceAddress).toEqual({ address: '127.0.0.1', port: server.port, family: 'IPv4' });
    expect(changedAddress).toMatchObject({ address: '127.0.0.1', family: 'IPv4' });
  });
});
