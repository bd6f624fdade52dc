// What browsers tell of a server that gave no candidate, and what that means. The events are those of Chromium 156 and
// Firefox 153.
import { describe, expect, test } from '@jest/globals';
import { readFailure } from '../../../js/diagnose/ice-errors.js';

/** @typedef {import('../../../js/diagnose/ice-errors.js').GatheringFacts} GatheringFacts */
/** @typedef {import('../../../js/diagnose/ice-errors.js').IceError} IceError */

/** @param {number} errorCode @param {string} [errorText] @param {string} [url] @returns {IceError} */
const error = (errorCode, errorText = '', url = 'turn:turn.example.org:3478') => ({
  errorCode,
  errorText,
  url,
  atMs: 5,
});

/** @param {Partial<GatheringFacts>} facts */
const read = (facts) =>
  readFailure({
    service: 'turn',
    transport: 'udp',
    isNamed: true,
    errors: [],
    isComplete: true,
    elapsedMs: 30,
    ...facts,
  });

/** @param {string} code @param {number} [errorCode] */
const failed = (code, errorCode) => ({
  status: 'failed',
  error: expect.objectContaining(errorCode === undefined ? { code } : { code, errorCode }),
});
/** @param {RegExp} pattern */
const unknown = (pattern) => ({ status: 'unknown', because: expect.stringMatching(pattern) });

const CHROMIUM_SILENCE = [
  error(701, 'STUN binding request timed out.', 'stun:turn.example.org:3478'),
  error(701, 'TURN allocate request timed out.', 'turn:turn.example.org:3478?transport=udp'),
];
const CHROMIUM_NO_NAME = [
  error(701, 'STUN host lookup received error.', 'stun:no.such.name:3478'),
  error(701, 'TURN host lookup received error.', 'turn:no.such.name:3478?transport=udp'),
];
const NO_CONNECTION = error(701, 'Failed to establish connection');

describe('the server has answered', () => {
  test.each([
    ['wrong credentials, in Chromium', error(401, 'Unauthorized.'), 'ERR_STUN_UNAUTHENTICATED'],
    ['wrong credentials, in Firefox', error(401), 'ERR_STUN_UNAUTHENTICATED'],
    ['a quota', error(486, 'Allocation Quota Reached'), 'ERR_STUN_RESPONSE'],
    ['no capacity', error(508), 'ERR_STUN_RESPONSE'],
  ])('%s', (_, event, code) => {
    expect(read({ errors: [error(701), event] })).toEqual(failed(code, event.errorCode));
  });

  test('its words, or those that the RFC has, and what they mean', () => {
    const one = read({ errors: [error(486, 'too many')] });
    expect(one).toMatchObject({ error: { message: expect.stringContaining('(too many)') } });
    const other = read({ errors: [error(508)] });
    expect(other).toMatchObject({
      error: {
        message: expect.stringContaining('Insufficient Capacity'),
        hint: expect.any(String),
      },
    });
  });
});

describe('nothing came back', () => {
  test.each([
    ['and the browser still waits', {}, { isComplete: false, elapsedMs: 10_000 }],
    ['in Chromium', { errors: CHROMIUM_SILENCE }, { elapsedMs: 39_900 }],
    ['in Firefox', { errors: [error(701)] }, { elapsedMs: 11_100 }],
    ['over TCP', { transport: /** @type {const} */ ('tcp') }, { isComplete: false }],
  ])('%s', (_, one, other) => {
    expect(read({ ...one, ...other })).toEqual(failed('ERR_STUN_TIMEOUT'));
  });
});

describe('the browser gave up at once', () => {
  test('a name that is not found, of which Chromium tells over UDP', () => {
    expect(read({ errors: CHROMIUM_NO_NAME })).toEqual(failed('ERR_DNS'));
  });

  test('Firefox does not tell why', () => {
    expect(read({ errors: [error(701), error(701)] })).toEqual(
      unknown(/the name may not be found/),
    );
  });

  test.each(['chromium', 'firefox'])('TCP to an address: nobody listens there, in %s', (name) => {
    const errors = [name === 'chromium' ? NO_CONNECTION : error(701)];
    expect(read({ transport: 'tcp', isNamed: false, errors })).toEqual(
      failed('ERR_TRANSPORT_CONNECT'),
    );
  });

  test('TCP to a name: that, or the name is not found', () => {
    expect(read({ transport: 'tcp', errors: [NO_CONNECTION] })).toEqual({
      ...unknown(/the name may not be found/),
      ifFound: expect.objectContaining({ code: 'ERR_TRANSPORT_CONNECT' }),
    });
  });

  test('TLS: the certificate may be at fault, also where the name is found', () => {
    const found = read({ transport: 'tls', isNamed: false, errors: [NO_CONNECTION] });
    expect(found).toEqual(unknown(/certificate/));
  });

  test('no candidate, and no error: as Firefox does with turns: and an address', () => {
    expect(read({ transport: 'tls', isNamed: false })).toEqual(
      unknown(/no candidate and no error/),
    );
  });

  test("Chromium's complaint of STUN at a TURN server is none of TURN", () => {
    const errors = [error(701, '', 'stun:turn.example.org:3478')];
    expect(read({ errors })).toEqual(unknown(/no candidate and no error/));
    expect(read({ service: 'stun', errors })).toEqual(unknown(/gave up at once/));
  });
});
