import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { FINDINGS } from '../../../js/credentials/findings.js';
import { explainCredentials, verifyCredentials } from '../../../js/credentials/index.js';
import { hmac, NOW_MS, NOW_SECONDS, rejection, SECRET, signed } from './support.js';

const time = `${NOW_SECONDS + 3600}`;
const username = `${time}:alice`;
const right = signed(username);
const expiresAt = NOW_MS + 3_600_000;

/** @param {any} options */
const explain = (options) => explainCredentials({ nowMs: NOW_MS, secrets: SECRET, ...options });

/** @param {any} options */
const idsOf = async (options) => (await explain(options)).findings.map(({ id }) => id);

/** @param {number} seconds */
const inSeconds = (seconds) => signed(`${NOW_SECONDS + seconds}:alice`);

/** The credential that a mistake makes. @param {string} credential @param {any} [options] */
const as = (credential, options) => ({ username, credential, ...options });

describe('nothing is wrong', () => {
  test('and that is sure', async () => {
    expect(await explain({ ...right, secrets: ['south', SECRET] })).toEqual({
      valid: true,
      userId: 'alice',
      expiresAt,
      secretIndex: 1,
      findings: [],
    });
  });

  test.each([
    ['without secrets', { ...right, secrets: undefined }],
    ['without a credential', { username }],
  ])('as far as can be told %s', async (_, options) => {
    expect(await explain(options)).toEqual({ userId: 'alice', expiresAt, findings: [] });
  });
});

/** What is wrong, credentials that are, and the findings. */
const MISTAKES = /** @type {[string, any, string[]][]} */ ([
  ['over for an hour', inSeconds(-3600), ['expired']],
  ['over just now', inSeconds(-40), ['expired', 'clock-skew']],
  [
    'over, but no longer than clocks differ',
    { ...inSeconds(-40), clockSkewSeconds: 60 },
    ['clock-skew'],
  ],
  ['for a year', inSeconds(365 * 86_400), ['long-lived']],
  ['for two days', inSeconds(2 * 86_400), []],
  ['a user like any other', signed('alice'), ['no-timestamp']],
  ['a user of digits', signed('1234567890123456'), ['no-timestamp']],
  ['the user first', signed(`alice:${time}`), ['swapped-order']],
  ['a number as the user, first', signed(`42:${time}`), ['swapped-order']],
  ['a number as the user, last', signed(`${time}:42`), []],
  ['two times', signed(`${time}:${NOW_SECONDS - 1}`), []],
  ['the user first, and over', signed(`alice:${NOW_SECONDS - 3600}`), ['swapped-order', 'expired']],
  ['another separator', { ...signed(`${time}.a:b`), separator: '.' }, []],
  [
    'a time before another separator',
    { ...signed(`${time}:a.b`), separator: '.' },
    ['no-timestamp'],
  ],
  ['milliseconds', signed(`${time}123:alice`), ['milliseconds']],
  ['bare milliseconds', signed(`${time}123`), ['milliseconds']],
  ['milliseconds last', signed(`alice:${time}123`), ['swapped-order', 'milliseconds']],
  ['no user name', as(right.credential, { username: '' }), ['no-username', 'wrong-secret']],
  ['no credential', as(''), ['no-credential']],
  ['a newline behind it', as(`${right.credential}\n`), ['white-space']],
  ['hexadecimal', as(hmac(username).toString('hex')), ['hex']],
  ['hexadecimal in capitals', as(hmac(username).toString('hex').toUpperCase()), ['hex']],
  [
    'base64 of hexadecimal',
    as(Buffer.from(hmac(username).toString('hex')).toString('base64')),
    ['base64-of-hex'],
  ],
  ['no padding', as(right.credential.replace('=', '')), ['unpadded']],
  ['a word', as('hunter!'), ['not-base64']],
  ['a word that can be read as base64', as('password'), ['wrong-length']],
  ['cut', as(right.credential.slice(0, 24)), ['wrong-length']],
  ['SHA-256', signed(username, { hash: 'sha256' }), ['wrong-algorithm']],
  ['SHA-512', signed(username, { hash: 'sha512' }), ['wrong-algorithm']],
  [
    'SHA-256 in hexadecimal, whose digits are base64 of the length of SHA-384',
    as(hmac(username, { hash: 'sha256' }).toString('hex')),
    ['hex', 'wrong-algorithm'],
  ],
  ['SHA-1 where SHA-256 is expected', { ...right, algorithm: 'SHA-256' }, ['wrong-algorithm']],
  ['the user ID signed', as(signed('alice').credential), ['wrong-message']],
  ['the time signed', as(signed(time).credential), ['wrong-message']],
  ['the other order signed', as(signed(`alice:${time}`).credential), ['wrong-message']],
  ['a secret with a newline', signed(username, { secret: `${SECRET}\n` }), ['secret-white-space']],
  ['of Windows', signed(username, { secret: `${SECRET}\r\n` }), ['secret-white-space']],
  [
    'a secret that was decoded from hexadecimal',
    { ...signed(username, { secret: Buffer.from('c0ffee00', 'hex') }), secrets: 'c0ffee00' },
    ['secret-encoding'],
  ],
  [
    'a secret that was decoded from base64',
    { ...signed(username, { secret: Buffer.from('bm9ydGg=', 'base64') }), secrets: 'bm9ydGg=' },
    ['secret-encoding'],
  ],
  ['the secret', as(SECRET), ['secret-as-credential']],
  ['another secret', signed(username, { secret: 'south' }), ['wrong-secret']],
  ['another user', as(signed(`${time}:bob`).credential), ['wrong-secret']],
  [
    'several mistakes',
    {
      username: `alice:${NOW_SECONDS - 10}000`,
      credential: `${hmac('alice', { secret: `${SECRET}\n`, hash: 'sha256' }).toString('hex')} `,
    },
    [
      ...['swapped-order', 'milliseconds', 'expired', 'clock-skew'],
      ...['white-space', 'hex', 'wrong-algorithm', 'secret-white-space', 'wrong-message'],
    ],
  ],
]);

describe('found', () => {
  test.each(MISTAKES)('%s', async (_, options, ids) => {
    expect(await idsOf(options)).toEqual(ids);
  });

  test('base64 of URLs', async () => {
    // A user for whom the base64 has both characters that differ.
    const name = Array.from({ length: 10_000 }, (_, i) => `${time}:${i}`).find((text) =>
      /\+.*\/|\/.*\+/.test(signed(text).credential),
    );
    const credential = hmac(/** @type {string} */ (name)).toString('base64url');
    expect(await idsOf({ username: name, credential })).toEqual(['base64url', 'unpadded']);
    expect(await idsOf({ username: name, credential: `${credential}=` })).toEqual(['base64url']);
  });

  test('each finding of the list', async () => {
    const found = new Set(MISTAKES.flatMap(([, , ids]) => ids));
    expect(Object.keys(FINDINGS).filter((id) => !found.has(id))).toEqual(['base64url']);
  });

  test('without secrets: what the form tells', async () => {
    const form = async (/** @type {string} */ credential) =>
      idsOf({ username, credential, secrets: undefined });
    expect(await form(hmac(username).toString('hex'))).toEqual(['hex']);
    expect(await form(signed(username, { hash: 'sha256' }).credential)).toEqual([
      'wrong-algorithm',
    ]);
    expect(await form(signed(username, { secret: 'south' }).credential)).toEqual([]);
  });

  test.each([
    [{ username: undefined, credential: right.credential }, ['no-username', 'wrong-secret']],
    [{ username: 7, credential: {} }, ['no-username', 'no-credential']],
    [{ username, credential: null }, ['no-credential']],
  ])('%p is explained', async (options, ids) => {
    expect(await idsOf(options)).toEqual(ids);
  });

  test('in sentences, with times in words, with what to do', async () => {
    const { findings, ...facts } = await explain(inSeconds(-40));
    expect(facts).toEqual({
      valid: false,
      userId: 'alice',
      expiresAt: NOW_MS - 40_000,
      secretIndex: 0,
    });
    expect(findings).toMatchObject([
      { severity: 'error', message: expect.stringContaining('ran out 40 s ago') },
      { severity: 'warning', message: expect.stringContaining('only 40 s ago') },
    ]);
    const [yearly] = (await explain(inSeconds(365 * 86_400))).findings;
    expect(yearly.message).toContain('another 365 d');
  });

  test('in whole sentences, without a secret or a credential', async () => {
    for (const [, options] of MISTAKES) {
      const { findings } = await explain({ secrets: 'north', ...options });
      for (const { message, fix } of findings) {
        for (const text of [message, fix]) {
          expect(text).toMatch(/^[A-Zc].*[.)]$/s);
          expect(text).not.toMatch(/[{}]|undefined|north|c0ffee/);
          if (options.credential.length > 10) expect(text).not.toContain(options.credential.trim());
        }
      }
    }
  });
});

test('is valid exactly when verifyCredentials() says so', async () => {
  const word = fc.constantFrom(
    '',
    'alice',
    '42',
    ':',
    'a:b',
    time,
    `${time}000`,
    `${NOW_SECONDS - 100}`,
  );
  const secret = fc.constantFrom('north', 'south', 'north\n', 'bm9ydGg=');
  const encoding = /** @type {const} */ (['base64', 'base64url', 'hex']);
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        head: word,
        tail: word,
        signer: secret,
        secrets: fc.constantFrom('north', ['south', 'north'], 'bm9ydGg='),
      }),
      fc.constantFrom(...encoding),
      fc.constantFrom('sha1', 'sha256'),
      fc.constantFrom(0, 100, 200),
      async ({ head, tail, signer, secrets }, text, hash, clockSkewSeconds) => {
        const name = tail === '' ? head : `${head}:${tail}`;
        const credential = hmac(name, { secret: signer, hash }).toString(text);
        const options = { username: name, credential, secrets, clockSkewSeconds, nowMs: NOW_MS };
        const verified = await verifyCredentials(options);
        const explained = await explainCredentials(options);
        expect(explained.valid).toBe(verified.valid);
        if (verified.valid) expect(explained.secretIndex).toBe(verified.secretIndex);
      },
    ),
    { numRuns: 500 },
  );
});

test('takes any text', async () => {
  const text = fc.string({ unit: 'binary', maxLength: 100 });
  await fc.assert(
    fc.asyncProperty(text, text, async (name, credential) => {
      const { valid, findings } = await explain({ username: name, credential });
      expect(valid).toBe(false);
      expect(findings.length).toBeGreaterThan(0);
    }),
  );
});

test.each(
  /** @type {[string, any][]} */ ([
    ['options', undefined],
    ['options.username', {}],
    ['options.secrets', { username, secrets: '' }],
    ['options.secrets', { username, secrets: [] }],
    ['options.algorithm', { username, algorithm: 'SHA-512' }],
  ]),
)('%s cannot be as in %p', async (argument, options) => {
  expect(await rejection(explainCredentials(options))).toMatchObject({
    code: 'ERR_INVALID_ARGUMENT',
    argument,
  });
});
