// What a SOCKS5 proxy may say, and what is made of it.

import { describe, expect, test } from '@jest/globals';
import { parseProxyUrl } from '../../../js/transports/proxy/proxy-url.js';
import { socks5Connect } from '../../../js/transports/proxy/socks5.js';
import { converse } from './dialogue.js';

const target = { address: 'stun.example.org', port: 0x1234 };
const OPEN = [5, 0, 0, 1, 192, 0, 2, 1, 0x10, 0x20];

/** @param {number[]} answer @param {{ userinfo?: string, to?: typeof target }} [options] */
const ask = (answer, { userinfo = '', to = target } = {}) =>
  converse(socks5Connect(parseProxyUrl(`socks5://${userinfo}proxy`), to), Buffer.from(answer));

/** @param {number[]} answer @param {Parameters<typeof ask>[1]} [options] @returns {any} */
const refusal = (answer, options) => {
  const { error } = ask(answer, options);
  expect(error).toMatchObject({ code: 'ERR_TRANSPORT_PROXY', phase: 'proxy' });
  return error;
};

describe('the request', () => {
  const greeting = [5, 1, 0];

  test('has a name as it is', () => {
    const name = [...Buffer.from('stun.example.org')];
    expect([...ask([5, 0, ...OPEN]).sent]).toEqual([
      ...greeting,
      ...[5, 1, 0, 3, name.length, ...name, 0x12, 0x34],
    ]);
  });

  test('has an IPv4 address', () => {
    const { sent } = ask([5, 0, ...OPEN], { to: { ...target, address: '192.0.2.255' } });
    expect([...sent]).toEqual([...greeting, 5, 1, 0, 1, 192, 0, 2, 255, 0x12, 0x34]);
  });

  test.each([
    ['2001:db8::1', [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]],
    ['::', new Array(16).fill(0)],
    ['::ffff:192.0.2.1', [...new Array(10).fill(0), 255, 255, 192, 0, 2, 1]],
  ])('has the IPv6 address %s', (address, bytes) => {
    const { sent } = ask([5, 0, ...OPEN], { to: { ...target, address } });
    expect([...sent]).toEqual([...greeting, 5, 1, 0, 4, ...bytes, 0x12, 0x34]);
  });

  test('follows user name and password, where the proxy wants them (RFC 1929)', () => {
    const options = { userinfo: 'us%C3%A9:p%3A@' };
    const { sent, error } = ask([5, 2, 1, 0, ...OPEN], options);
    expect(error).toBeUndefined();
    expect([...sent.subarray(0, 12)]).toEqual([5, 2, 0, 2, 1, 4, 0x75, 0x73, 0xc3, 0xa9, 2, 0x70]);
    const { sent: without } = ask([5, 0, ...OPEN], options);
    expect([...without.subarray(0, 8)]).toEqual([5, 2, 0, 2, 5, 1, 0, 3]);
  });
});

describe('the tunnel is open', () => {
  test.each([
    ['IPv4', OPEN],
    ['IPv6', [5, 0, 0, 4, ...new Array(16).fill(1), 0, 0]],
    ['name', [5, 0, 0, 3, 3, 97, 98, 99, 0, 0]],
    ['empty name', [5, 0, 0, 3, 0, 0, 0]],
    ['reserved byte that is not zero', [5, 0, 9, 1, 1, 2, 3, 4, 5, 6]],
  ])('after an answer with %s, in whatever pieces, and what follows is its own', (_, reply) => {
    const answer = Buffer.from([5, 0, ...reply, 5, 0, 1]);
    for (let cut = 0; cut <= answer.length; cut++) {
      const dialogue = socks5Connect(parseProxyUrl('socks5://proxy'), target);
      const { error, rest } = converse(dialogue, answer.subarray(0, cut), answer.subarray(cut));
      expect(error).toBeUndefined();
      expect([...(rest ?? [])]).toEqual([5, 0, 1]);
    }
  });

  test('not while a byte is missing', () => {
    for (let length = 0; length < OPEN.length + 2; length++) {
      const { error, rest } = ask([5, 0, ...OPEN].slice(0, length));
      expect({ error, rest }).toEqual({ error: undefined, rest: undefined });
    }
  });
});

describe('a refusal', () => {
  test.each([
    [1, 'general SOCKS server failure', 'its log'],
    [2, 'connection not allowed by ruleset', 'does not allow'],
    [3, 'network unreachable', 'no route'],
    [4, 'host unreachable', 'not resolve its name'],
    [5, 'connection refused', 'Nothing listens'],
    [6, 'TTL expired', 'in time'],
    [7, 'command not supported', 'CONNECT'],
    [8, 'address type not supported', 'as a name'],
  ])('of code %d, with no more than that', (code, words, hint) => {
    const error = refusal([5, 0, 5, code]);
    expect(error.message).toBe(
      `The proxy proxy:1080 opened no connection to stun.example.org:4660: ${words}.`,
    );
    expect(error.hint).toContain(hint);
  });

  test('of a code that nobody knows', () => {
    const { message, hint } = refusal([5, 0, 5, 99, 0, 1, 0, 0, 0, 0, 0, 0]);
    expect(message).toContain(': reply 99, which RFC 1928 does not know.');
    expect(hint).toBeUndefined();
  });

  test('of the credentials, of going without, and of all that is offered', () => {
    const userinfo = 'user:geheim@';
    expect(refusal([5, 2, 1, 1], { userinfo }).hint).toContain('is wrong');
    expect(refusal([5, 0xff]).hint).toContain('user:password@host');
    expect(refusal([5, 0xff], { userinfo }).hint).toContain('neither');
  });
});

describe('what is no SOCKS5', () => {
  test.each([
    [[...Buffer.from('HTTP/1.1 400 Bad Request')], 'http://'],
    [[0, 90], 'Version 4'],
    [[4], 'HTTP proxy'],
    [[5, 1], 'not offered'],
    [[5, 2], 'not offered'],
    [[5, 0, 4, 0], 'HTTP proxy'],
    [[5, 0, 5, 0, 0, 2], 'unknown kind'],
  ])('%j', (answer, hint) => {
    const error = refusal(answer);
    expect(error.message).toBe('What answers at proxy:1080 does not speak SOCKS5.');
    expect(error.hint).toContain(hint);
  });
});
