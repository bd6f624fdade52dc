// Messages that are told from each other by every attribute.
import { expect } from '@jest/globals';
import { encode, prepareKey, verify } from '../../../js/codec/index.js';

/** @typedef {import('../../../js/codec/index.js').Message} Message */

/** Signs every third of them. */
export const key = prepareKey({ username: 'user', realm: 'realm', password: 'pass' });

/** A message that is told from all others by each of its attributes. @param {number} i @param {number} [bytes] */
export const numbered = (i, bytes = 0) =>
  encode({
    class: 'request',
    method: 'Allocate',
    attributes: {
      username: `user ${i}`,
      lifetime: i,
      xorPeerAddress: [
        { address: '192.0.2.1', port: i },
        { address: `2001:db8::${(i + 1).toString(16)}`, port: i },
      ],
      unknownAttributes: [i, i + 1],
      data: new Uint8Array(bytes).fill(i),
      passwordAlgorithms: ['MD5', { algorithm: i, parameters: new Uint8Array(3) }],
    },
    rawAttributes: [{ type: 0x7000 + i, value: new Uint8Array(1) }],
    key: i % 3 === 0 ? key : undefined,
    fingerprint: i % 2 === 0,
  });

/** @param {Message} message @param {number} i @param {number} [bytes] */
export function expectNumbered(message, i, bytes = 0) {
  const { attributes } = message;
  expect(attributes.username).toBe(`user ${i}`);
  expect(attributes.lifetime).toBe(i);
  expect(attributes.unknownAttributes).toEqual([i, i + 1]);
  expect(attributes.passwordAlgorithms?.[1]).toMatchObject({ parameters: new Uint8Array(3) });
  expect(attributes.data?.length).toBe(bytes);
  expect(attributes.data?.[bytes - 1]).toBe(bytes > 0 ? i & 0xff : undefined);
  expect(message.getAll('xorPeerAddress')).toEqual([
    { address: '192.0.2.1', port: i, family: 'IPv4' },
    { address: `2001:db8::${(i + 1).toString(16)}`, port: i, family: 'IPv6' },
  ]);
  expect(message.unknownRequired).toEqual([0x7000 + i]);
  expect([...message][0]).toMatchObject({ name: 'USERNAME', value: `user ${i}` });
  expect(verify(message, key)).toBe(i % 3 === 0);
  expect(message.fingerprint).toBe(i % 2 === 0 ? 'valid' : 'absent');
}
