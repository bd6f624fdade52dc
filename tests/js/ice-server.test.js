import { describe, expect, test } from '@jest/globals';
import { planServers } from '../../js/ice-server.js';
import { parseUri } from '../../js/uri.js';

const A = 'stun:a.example';
const B = 'turn:b.example?transport=tcp';
const C = 'turns:c.example';
const credentials = { username: 'ann', credential: 'secret' };

/** @param {string} url */
const planned = (url) => ({ url, uri: parseUri(url) });

describe('planServers takes', () => {
  test('a URI', () => expect(planServers(A)).toEqual([planned(A)]));

  test('an RTCIceServer with one URI', () => {
    expect(planServers({ urls: B, ...credentials })).toEqual([{ ...planned(B), ...credentials }]);
  });

  test('an RTCIceServer with several, which share the credentials', () => {
    expect(planServers({ urls: [B, C], ...credentials })).toEqual([
      { ...planned(B), ...credentials },
      { ...planned(C), ...credentials },
    ]);
  });

  test('arrays of both, in their order', () => {
    expect(planServers([A, { urls: [B], ...credentials }, { urls: C }])).toEqual([
      planned(A),
      { ...planned(B), ...credentials },
      planned(C),
    ]);
  });

  test.each([
    { username: '', credential: '' },
    { username: null, credential: null },
    { username: undefined, credential: undefined },
  ])('%j for no credentials', (none) => {
    expect(planServers({ urls: A, ...none })).toEqual([planned(A)]);
  });

  test('URLs of WebSockets, among others', () => {
    const urls = [C, 'wss://d.example/turn', 'turn:e.example?transport=ws'];
    expect(planServers({ urls, ...credentials })).toEqual(
      urls.map((url) => ({ ...planned(url), ...credentials })),
    );
    expect(planServers('wss://d.example/', { schemes: ['turn', 'turns'] })).toHaveLength(1);
  });

  test("credentialType 'password', of older WebRTC", () => {
    const server = { urls: B, ...credentials, credentialType: 'password' };
    expect(planServers(server)).toEqual([{ ...planned(B), ...credentials }]);
  });

  test('frozen input, which it leaves alone', () => {
    const input = Object.freeze([Object.freeze({ urls: Object.freeze([A]) })]);
    expect(planServers(input)).toEqual([planned(A)]);
  });
});

/** @param {any} input @param {import('../../js/ice-server.js').PlanOptions} [options] @returns {any} */
function refusal(input, options) {
  try {
    planServers(input, options);
  } catch (error) {
    return error;
  }
  throw new Error('accepted');
}

describe('planServers names the exact argument', () => {
  test.each([
    [undefined, 'server'],
    [null, 'server'],
    [3478, 'server'],
    [[], 'server'],
    [{}, 'server.urls'],
    [{ url: A }, 'server.urls'],
    [{ urls: 1 }, 'server.urls'],
    [{ urls: [] }, 'server.urls'],
    [{ urls: [A, 1] }, 'server.urls[1]'],
    [[A, null], 'server[1]'],
    [[A, [B]], 'server[1]'],
    [[A, { urls: [B, null], ...credentials }], 'server[1].urls[1]'],
    [{ urls: B, username: 1, credential: 'x' }, 'server.username'],
    [{ urls: B, username: 'x', credential: {} }, 'server.credential'],
    [{ urls: B, username: 'x' }, 'server.credential'],
    [{ urls: B, credential: 'x' }, 'server.username'],
    [[{ urls: B, username: 'x' }], 'server[0].credential'],
    [{ urls: B, ...credentials, credentialType: 'oauth' }, 'server.credentialType'],
  ])('%j: %s', (input, argument) => {
    const error = refusal(input);
    expect(error).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARGUMENT', argument });
    expect(error.message.startsWith(`${argument} must be `)).toBe(true);
  });

  test('under the name that the caller knows', () => {
    expect(refusal([{ urls: [] }], { name: 'iceServers' }).argument).toBe('iceServers[0].urls');
  });

  test("also with 'url', which was renamed", () => {
    expect(refusal({ url: A }).message).toContain("'url'");
  });

  test('in errors of URIs, with the offset', () => {
    const error = refusal([A, { urls: [B, 'stun://c.example'] }]);
    expect(error).toMatchObject({ code: 'ERR_INVALID_URI', offset: 5 });
    expect(error.message).toMatch(/^server\[1\]\.urls\[1\]: .*write 'stun:c\.example'/);
    expect(refusal('turn:c.example?transport=sctp')).toMatchObject({
      code: 'ERR_TRANSPORT_UNSUPPORTED',
      message: expect.stringMatching(/^server: /),
    });
  });

  test('of schemes that are of no use to the caller', () => {
    const error = refusal({ urls: [A, B] }, { schemes: ['stun', 'stuns'] });
    expect(error.message).toBe('server.urls[1] must be a URI that begins with stun: or stuns:');
    expect(refusal('wss://a.example/', { schemes: ['stun', 'stuns'] }).message).toBe(
      'server must be a URI that begins with stun: or stuns:',
    );
    expect(refusal([A, { urls: 'wss://u:hunter2@c.example' }]).message).toMatch(
      /^server\[1\]\.urls: A URI of a server holds no user name or password/,
    );
  });

  test('never with a credential in it', () => {
    const error = refusal({ urls: 'x', username: 'ann', credential: 'hunter2' });
    expect(JSON.stringify({ ...error, message: error.message, stack: '' })).not.toContain(
      'hunter2',
    );
  });
});
