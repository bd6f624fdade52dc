// Answers of providers, in the forms of their documentation; names and passwords are made up.
import { describe, expect, test } from '@jest/globals';
import { createIceServers, normalizeIceServers } from '../../../js/credentials/index.js';
import { planServers } from '../../../js/ice-server.js';
import { NOW_MS, NOW_SECONDS, SECRET } from './support.js';

const STUN = 'stun:stun.example.org:3478';
const UDP = 'turn:turn.example.org:3478?transport=udp';
const TCP = 'turn:turn.example.org:3478?transport=tcp';
const TLS = 'turns:turn.example.org:443?transport=tcp';
const USERNAME = 'dc2d2894d5a9023620c467b0e71cfa6a';
const PASSWORD = 'hidden-word';
const credentials = { username: USERNAME, credential: PASSWORD };
const DAY_LATER = NOW_MS + 86_400_000;

/** @param {unknown} response */
const normalize = (response) => normalizeIceServers(response, { nowMs: NOW_MS });

/** A provider, its answer, and what comes of it. */
const ANSWERS = /** @type {[string, any, any][]} */ ([
  [
    'draft-uberti and Matrix',
    { username: USERNAME, password: PASSWORD, ttl: 86_400, uris: [UDP, TCP, TLS] },
    {
      format: 'turn-rest',
      iceServers: [{ urls: [UDP, TCP, TLS], ...credentials }],
      credentials: { ...credentials, expiresAt: DAY_LATER },
      ttlSeconds: 86_400,
      expiresAt: DAY_LATER,
    },
  ],
  [
    'Cloudflare (generate)',
    { iceServers: { urls: [STUN, UDP, TCP, TLS], ...credentials } },
    {
      format: 'rtc-configuration',
      iceServers: [{ urls: [STUN] }, { urls: [UDP, TCP, TLS], ...credentials }],
      credentials,
    },
  ],
  [
    'Cloudflare (generate-ice-servers)',
    { iceServers: [{ urls: [STUN] }, { urls: [UDP, TLS], ...credentials }] },
    {
      format: 'rtc-configuration',
      iceServers: [{ urls: [STUN] }, { urls: [UDP, TLS], ...credentials }],
      credentials,
    },
  ],
  [
    'Twilio',
    {
      account_sid: 'ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
      date_created: 'Fri, 01 May 2020 01:42:57 +0000',
      date_updated: 'Fri, 01 May 2020 01:42:57 +0000',
      ice_servers: [
        { url: STUN, urls: STUN },
        { url: UDP, urls: UDP, ...credentials },
        { url: TCP, urls: TCP, ...credentials },
      ],
      password: PASSWORD,
      ttl: '86400',
      username: USERNAME,
    },
    {
      format: 'twilio',
      iceServers: [
        { urls: [STUN] },
        { urls: [UDP], ...credentials },
        { urls: [TCP], ...credentials },
      ],
      credentials: { ...credentials, expiresAt: DAY_LATER },
      ttlSeconds: 86_400,
      expiresAt: DAY_LATER,
    },
  ],
  [
    'Metered',
    [{ urls: STUN }, { urls: UDP, ...credentials }, { urls: TCP, ...credentials }],
    {
      format: 'rtc-ice-servers',
      iceServers: [
        { urls: [STUN] },
        { urls: [UDP], ...credentials },
        { urls: [TCP], ...credentials },
      ],
      credentials,
    },
  ],
  [
    'Xirsys',
    {
      v: { iceServers: { username: USERNAME, urls: [STUN, UDP, TLS], credential: PASSWORD } },
      s: 'ok',
    },
    {
      format: 'xirsys',
      iceServers: [{ urls: [STUN] }, { urls: [UDP, TLS], ...credentials }],
      credentials,
    },
  ],
  [
    'Xirsys, of before, by url',
    { v: { iceServers: [{ url: STUN }, { url: UDP, ...credentials }] }, s: 'ok' },
    {
      format: 'xirsys',
      iceServers: [{ urls: [STUN] }, { urls: [UDP], ...credentials }],
      credentials,
    },
  ],
  [
    'one RTCIceServer, TURN first, a URI twice',
    { urls: [UDP, STUN, UDP], ...credentials, credentialType: 'password' },
    {
      format: 'rtc-ice-servers',
      iceServers: [{ urls: [UDP], ...credentials }, { urls: [STUN] }],
      credentials,
    },
  ],
  [
    'STUN only, with empty credentials',
    [{ urls: STUN, username: '', credential: null }],
    { format: 'rtc-ice-servers', iceServers: [{ urls: [STUN] }] },
  ],
]);

test.each(ANSWERS)('%s', (_, response, expected) => {
  const before = structuredClone(response);
  expect(normalize(response)).toEqual(expected);
  expect(response).toEqual(before);
});

test.each(ANSWERS)('what comes of %s is taken by the client, and again here', (_, response) => {
  const once = normalize(response);
  expect(planServers(once.iceServers).length).toBeGreaterThan(0);
  expect(normalize({ ...once })).toEqual({ ...once, format: 'rtc-configuration' });
});

test('what createIceServers() makes, after JSON', async () => {
  const options = { urls: [STUN, UDP], secret: SECRET, userId: 'alice', nowMs: NOW_MS };
  const made = await createIceServers(options);
  const { format, credentials: first, ...set } = normalize(JSON.parse(JSON.stringify(made)));
  expect(format).toBe('rtc-configuration');
  expect(set).toEqual(made);
  expect(first).toEqual({
    username: made.iceServers[1]?.username,
    credential: made.iceServers[1]?.credential,
    expiresAt: made.expiresAt,
  });
});

describe('how long they last', () => {
  /** @param {any} more */
  const expiryOf = (more) => {
    const { ttlSeconds, expiresAt } = normalize({ uris: [UDP], ...more });
    return [ttlSeconds, expiresAt];
  };
  const password = PASSWORD;
  const timed = { username: `${NOW_SECONDS + 60}:alice`, password };

  test.each([
    ['the time to live', { ttl: 60 }, [60, NOW_MS + 60_000]],
    ['none', { ttl: 0 }, [0, NOW_MS]],
    ['Metered calls it otherwise', { expiryInSeconds: 60 }, [60, NOW_MS + 60_000]],
    ['the user name, where nothing else tells', timed, [undefined, NOW_MS + 60_000]],
    ['null', { ...timed, ttl: null }, [undefined, NOW_MS + 60_000]],
    ['the time to live rather than the user name', { ...timed, ttl: 30 }, [30, NOW_MS + 30_000]],
    ['a user of digits tells nothing', { username: '12345', password }, [undefined, undefined]],
    ['nothing', {}, [undefined, undefined]],
  ])('%s', (_, more, expected) => {
    expect(expiryOf(more)).toEqual(expected);
  });

  test('the first of several', () => {
    const servers = [70, 60, 80].map((seconds) => ({
      urls: UDP,
      username: `${NOW_SECONDS + seconds}`,
      credential: PASSWORD,
    }));
    expect(normalize(servers).expiresAt).toBe(NOW_MS + 60_000);
  });

  test('by the clock of this machine', () => {
    const before = Date.now();
    const { expiresAt = 0 } = normalizeIceServers({ uris: [UDP], ttl: 1 });
    expect(expiresAt).toBeGreaterThanOrEqual(before + 1000);
    expect(expiresAt).toBeLessThanOrEqual(Date.now() + 1000);
  });
});

describe('refused, with the path', () => {
  test.each(
    /** @type {[string, any, RegExp?][]} */ ([
      ['response', undefined],
      ['response', null],
      ['response', 7],
      ['response', '{"uris":[]}', /parse the JSON/],
      ['response', {}, /none set up/],
      ['response', [], /at least one/],
      ['response', { error: 'Invalid API Key hidden-word' }, /error of the provider/],
      ['response', { v: 'unauthorized', s: 'error' }, /error of the provider/],
      ['response', { username: USERNAME, password: PASSWORD, expiryInSeconds: 60 }, /uris/],
      ['response[0]', [STUN]],
      ['response[1]', [{ urls: STUN }, null]],
      ['response[0].urls', [{}]],
      ['response[0].urls', [{ urls: [] }]],
      ['response[0].urls[1]', [{ urls: [STUN, 7] }]],
      ['response[0].url', [{ url: 7 }]],
      ['response.urls', { urls: 7 }],
      ['response.uris', { uris: [] }],
      ['response.uris', { uris: null }],
      ['response.uris[0]', { uris: [7] }],
      ['response.username', { uris: [UDP], password: PASSWORD }],
      ['response.password', { uris: [UDP], username: USERNAME }],
      ['response.password', { uris: [UDP], username: USERNAME, password: 7 }],
      ['response.iceServers', { iceServers: [] }],
      ['response.iceServers', { iceServers: PASSWORD }],
      ['response.iceServers[0].credential', { iceServers: [{ urls: UDP, username: USERNAME }] }],
      ['response.iceServers.credential', { iceServers: { urls: UDP, username: USERNAME } }],
      [
        'response.iceServers[0].credentialType',
        { iceServers: [{ urls: UDP, ...credentials, credentialType: 'oauth' }] },
      ],
      ['response.ice_servers[0].urls', { ice_servers: [{}] }],
      ['response.v.iceServers', { v: { iceServers: undefined }, s: 'ok' }],
      ['response.ttl', { uris: [UDP], ttl: 'a day' }],
      ['response.ttl', { uris: [UDP], ttl: -1 }],
      ['response.expiryInSeconds', { uris: [UDP], expiryInSeconds: Number.NaN }],
    ]),
  )('%s of %j', (argument, response, sentence = /./) => {
    /** @type {any} */
    let error;
    try {
      normalize(response);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ code: 'ERR_INVALID_ARGUMENT', argument });
    expect(error.message).toMatch(sentence);
    expect(error.message).not.toContain(PASSWORD);
  });

  test.each([
    ['response.uris[1]: ', 'ERR_INVALID_URI', { uris: [UDP, 'https://turn.example.org'] }],
    ['response.iceServers.urls: ', 'ERR_INVALID_URI', { iceServers: { urls: 'turn:' } }],
    ['response[0].url: ', 'ERR_TRANSPORT_UNSUPPORTED', [{ url: 'turn:a.example?transport=sctp' }]],
  ])('%s%s', (path, code, response) => {
    expect(() => normalize(response)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(path) }),
    );
  });

  test('options.nowMs', () => {
    const options = /** @type {any} */ ({ nowMs: 'now' });
    expect(() => normalizeIceServers({ uris: [UDP] }, options)).toThrow(/^options\.nowMs must be/);
  });
});
