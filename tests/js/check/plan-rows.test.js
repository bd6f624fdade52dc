// Which rows a check has.
import { describe, expect, test } from '@jest/globals';
import { planRows } from '../../../js/check/plan-rows.js';

/** @param {unknown} input @param {any} [wanted] */
const summary = (input, wanted) =>
  planRows(input, wanted).map(({ url, transport, error }) => [url, transport, error?.code ?? '']);

test('a row for each URL and transport, in order', () => {
  const credentials = { username: 'u', credential: 'c' };
  expect(
    summary([
      'stun:a',
      { urls: ['turn:b', 'turn:b?transport=tcp', 'turns:b'], ...credentials },
      { urls: 'stuns:c' },
      { urls: 'wss://d/turn', ...credentials },
      'turn:e?transport=ws',
    ]),
  ).toEqual([
    ['stun:a', 'udp', ''],
    ['turn:b', 'udp', ''],
    ['turn:b', 'tcp', ''],
    ['turn:b?transport=tcp', 'tcp', ''],
    ['turns:b', 'tls', ''],
    ['stuns:c', 'tls', ''],
    ['wss://d/turn', 'ws', ''],
    ['turn:e?transport=ws', 'ws', ''],
  ]);
});

test('one server without an array', () => {
  expect(summary('stun:a')).toEqual([['stun:a', 'udp', '']]);
  expect(summary({ urls: 'stun:a' })).toEqual([['stun:a', 'udp', '']]);
});

test('a URL that is wrong is a row of its own and hides no other', () => {
  expect(
    summary(['stun:a?transport=udp', { urls: ['turn:b', 'turn:c d', 'turns:e?transport=udp'] }]),
  ).toEqual([
    ['stun:a?transport=udp', '', 'ERR_INVALID_URI'],
    ['turn:b', 'udp', ''],
    ['turn:b', 'tcp', ''],
    ['turn:c d', '', 'ERR_INVALID_URI'],
    ['turns:e?transport=udp', 'udp', 'ERR_TRANSPORT_UNSUPPORTED'],
  ]);
});

test('only the transport that is wanted', () => {
  const servers = ['stun:a', 'turn:b', 'turns:c'];
  expect(summary(servers, 'tcp')).toEqual([
    ['stun:a', 'tcp', ''],
    ['turn:b', 'tcp', ''],
  ]);
  expect(summary(servers, 'tls')).toEqual([['turns:c', 'tls', '']]);
});

test("a transport of the caller's makes one row for a URL", () => {
  expect(summary('turn:a', async () => undefined)).toEqual([['turn:a', 'udp', '']]);
});

describe('arguments', () => {
  test.each([
    ['nothing', undefined, 'iceServers'],
    ['a number', [3], 'iceServers[0]'],
    ['an empty list', [], 'iceServers'],
    ['no urls', [{}], 'iceServers[0].urls'],
    ['urls that are no text', [{ urls: ['stun:a', 5] }], 'iceServers[0].urls[1]'],
    [
      'half of a credential',
      ['stun:a', { urls: 'turn:b', username: 'u' }],
      'iceServers[1].credential',
    ],
  ])('%s', (_, input, argument) => {
    expect(() => planRows(input)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', argument }),
    );
  });

  test('a transport that no URL allows', () => {
    expect(() => planRows('stun:a', 'ws')).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', argument: 'options.transport' }),
    );
  });
});
