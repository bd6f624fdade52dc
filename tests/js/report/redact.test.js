// Secrets in every text of a report, and none in what is made of it.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  compareReports,
  createReport,
  REPORT_SCHEMA,
  redact,
  toHtml,
  toJson,
  toJUnit,
  toPrometheus,
  toText,
} from '../../../js/report/index.js';
import { EVERYTHING, HEAD, SILENT, turn } from './samples.js';

/** @typedef {import('../../../js/report/index.js').Report} Report */
/** @typedef {import('../../../js/report/measurements/schema-parts.js').Schema} Schema */

const REPORT = createReport({
  ...HEAD,
  name: 'office',
  measurements: [...EVERYTHING, turn('udp', SILENT), turn('tls', { id: 'tls/2' })],
});

/** How secrets are written down: each text has `hunter2` or something that is one by its looks. */
const LEAKS = [
  'password=hunter2',
  'Password: "hunter2 hunter2"',
  'the credential is "hunter2"',
  '{"token":"hunter2","x":1}',
  "nonce 'hunter2'",
  'access_token=hunter2&x=1',
  'Authorization: Bearer hunter2',
  'authorization: Basic aHVudGVyMg==',
  'wss://user:hunter2@turn.example.org/path',
  'wss://turn.example.org/path?ticket=hunter2',
  'https://turn.example.org/path#hunter2',
  'turn:alice:hunter2@turn.example.org:3478',
  'got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJodW50ZXIyIn0.c2lnbmF0dXJlaHVudGVyMg',
  'got eyJhbGci.eyJz.c2lnbmF0dXJl, which is short',
  'signed Zm9vYmFyaHVudGVyMkxvbmdlcg1Q2w3E4r==',
  'key 6875 68756e7465723268756e7465723268756e74657232',
];
const SECRETS = ['hunter2', 'aHVudGVyMg', 'eyJhbGci', 'c2lnbmF0dXJl', 'Zm9vYmFy', '68756e7465'];

/** A report with each free text replaced. @param {unknown} value @param {Schema} schema @param {(text: string, schema: Schema) => string} change @returns {any} */
function mapTexts(value, schema, change) {
  if (typeof value === 'string') {
    return schema.enum || schema.const !== undefined || schema.format === 'date-time'
      ? value
      : change(value, schema);
  }
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, schema.items ?? {}, change));
  if (typeof value !== 'object' || value === null) return value;
  const of =
    schema.oneOf?.find((one) => one.properties?.kind.const === /** @type {any} */ (value).kind) ??
    schema;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      mapTexts(item, of.properties?.[name] ?? {}, change),
    ]),
  );
}

/** @param {string} leak @returns {Report} */
function leaking(leak) {
  let replaced = 0;
  const report = mapTexts(REPORT, REPORT_SCHEMA, (text, { format, pattern }) => {
    replaced += 1;
    // What is a user name is found wherever it stands: another one, so that the others are found by themselves.
    if (format === 'x-user') return `user ${leak}`;
    return pattern === undefined ? leak : `${text}/${encodeURIComponent(leak)}`;
  });
  expect(replaced).toBeGreaterThan(150);
  return report;
}

/** @param {Report} report @param {import('../../../js/report/index.js').RedactOptions} [options] */
const outputsOf = (report, options) =>
  Object.entries({
    json: toJson(report, options),
    html: toHtml(report, options),
    junit: toJUnit(report, options),
    prometheus: toPrometheus(report, options),
    text: toText(report, options),
    comparison: JSON.stringify(
      compareReports(
        report,
        { ...report, findings: [], measurements: report.measurements.slice(0, 1) },
        options,
      ),
    ),
  });

/** Parts that mean something, in any order, and texts that mean nothing. */
const TEXT = fc.oneof(
  fc
    .array(
      fc.constantFrom(
        ...[
          'password',
          'token',
          'key',
          'is',
          'Bearer',
          'eyJabc.def',
          'aB3',
          'alice',
          'user-1234abcd',
        ],
        ...[
          '1.2.3.4',
          '2001:db8::1',
          '::',
          '/24',
          '/48',
          '1800000000',
          'wss:',
          'turn:',
          '[redacted]',
        ],
        ...[
          '=',
          ':',
          '"',
          "'",
          ' ',
          '@',
          '/',
          '?',
          '#',
          '.',
          '&',
          ',',
          '%',
          '[',
          ']',
          '{',
          '}',
          '-',
        ],
      ),
      { maxLength: 12 },
    )
    .map((parts) => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 60 }),
);

describe('secrets', () => {
  test.each(LEAKS)('%s', (leak) => {
    expect(SECRETS.some((secret) => leak.includes(secret))).toBe(true);
    for (const [name, output] of outputsOf(leaking(leak))) {
      const found = SECRETS.filter((secret) => output.includes(secret));
      expect({ name, found }).toEqual({ name, found: [] });
    }
  });

  test('that look like words, if they are named', () => {
    const report = leaking('it said swordfish and sword');
    for (const [, output] of outputsOf(report, { secrets: ['sword', 'swordfish', ''] })) {
      expect(output).not.toMatch(/sword|fish/);
    }
    expect(toJson(report)).toContain('swordfish');
  });

  test('words of sentences stay', () => {
    const sentence =
      'The password is wrong, or the request was changed on its way. User name or password are missing, no data may pass: ' +
      'UDP port 3478; the key: none. It took 20 ms, see turn:turn.example.org?transport=udp.';
    const report = createReport({ ...HEAD, name: sentence, measurements: [] });
    expect(redact(report).name).toBe(sentence);
  });

  test('what is said by us stays', () => {
    const { findings, asks, summary } = redact(REPORT);
    expect({ findings, asks, summary }).toEqual({
      findings: REPORT.findings,
      asks: REPORT.asks,
      summary: REPORT.summary,
    });
  });

  test('redacted twice is redacted once', () => {
    for (const leak of [...LEAKS, 'alice at 203.0.113.5 and 2001:db8::5', '1800000000:alice']) {
      for (const addresses of /** @type {const} */ (['keep', 'prefix', 'drop'])) {
        const once = redact(leaking(leak), { addresses });
        expect(redact(once, { addresses })).toEqual(once);
      }
    }
  });

  test('whatever the texts, they are taken', () => {
    fc.assert(
      fc.property(TEXT, (text) => {
        const report = createReport({
          ...HEAD,
          name: text,
          measurements: [
            turn('udp', { url: text, host: text, username: `u${text}`, software: text }),
          ],
        });
        const once = redact(report, { addresses: 'prefix' });
        expect(redact(once, { addresses: 'prefix' })).toEqual(once);
      }),
    );
  });

  /** Beginnings of what is looked for. */
  const PARTS = [
    ...[
      'a',
      'password',
      'password ',
      'eyJ.',
      'eyJ-',
      '1.',
      ':',
      'a:',
      '1.1:',
      'aA1',
      '"\\',
      ' ',
      'x@',
      '/?',
    ],
    ...['a.', 'a://', 'turn:', 'bearer ', '?a=', '1800000000:', "'", '-', 'is ', 'user-'],
  ];

  test('long texts without an end take no time without an end', () => {
    for (const part of PARTS) {
      for (const end of ['', '_', '"', '=', '\n']) {
        const text = part.repeat(Math.floor(9999 / part.length)) + end;
        const report = createReport({ ...HEAD, name: text, measurements: [] });
        expect(typeof redact(report, { addresses: 'prefix' }).name).toBe('string');
      }
    }
  });
});

describe('user names', () => {
  const [, , withUser] = EVERYTHING;

  test('are hashed, also where an error says them; the time stays', () => {
    const report = createReport({
      ...HEAD,
      measurements: [
        /** @type {any} */ ({ ...withUser, because: 'no user alice, and no 1800000000:alice' }),
      ],
    });
    const [found] = redact(report).measurements;
    expect(found).toMatchObject({
      username: expect.stringMatching(/^1800000000:user-[\da-f]{8}$/),
    });
    const [, hash] = String(/** @type {any} */ (found).username).split(':');
    expect(found.because).toBe(`no user ${hash}, and no 1800000000:${hash}`);
  });

  test('equal ones are equal in a report, and not in another', () => {
    const names = ['alice', 'alice', 'bob'].map((username, i) =>
      turn('udp', { id: `u/${i}`, username }),
    );
    const hashesOf = (/** @type {string} */ createdAt) =>
      redact(createReport({ ...HEAD, createdAt, measurements: names })).measurements.map(
        (one) => /** @type {any} */ (one).username,
      );
    const [a, b, c] = hashesOf('2027-01-01T00:00:00Z');
    expect(a).toBe(b);
    expect(a).not.toBe(c);
    expect(hashesOf('2027-01-02T00:00:00Z')[0]).not.toBe(a);
  });
});

describe('addresses', () => {
  const OWN = ['203.0.113.5', '198.51.100.9', '192.0.2.7', '2001:db8:1:2::5'];

  test('are kept if nothing is said', () => {
    for (const address of OWN) expect(toJson(REPORT)).toContain(address);
  });

  test('are cut to what networks have in common', () => {
    for (const [, output] of outputsOf(REPORT, { addresses: 'prefix' })) {
      for (const address of OWN) expect(output).not.toContain(address);
    }
    const text = toJson(REPORT, { addresses: 'prefix' });
    expect(text).toContain('"203.0.113.0/24"');
    expect(text).toContain('"2001:db8:1::/48"');
  });

  test('are dropped', () => {
    for (const [, output] of outputsOf(REPORT, { addresses: 'drop' })) {
      expect(output).not.toMatch(/203\.0\.113|198\.51\.100|192\.0\.2|2001:db8|f0e1/);
    }
  });

  test.each([
    ['connect ECONNREFUSED 203.0.113.5:3478.', 'connect ECONNREFUSED 203.0.113.0/24:3478.'],
    ['[2001:db8:1:2::3]:443, at 12:30:45', '[2001:db8:1::/48]:443, at 12:30:45'],
    ['::ffff:203.0.113.5', '::/48'],
    ['version 1.2.3.400, 1.2.3', 'version 1.2.3.400, 1.2.3'],
    ['fe80::1%eth0', 'fe80::/48%eth0'],
    ['at 2001:db8:1:2::3.', 'at 2001:db8:1::/48.'],
    ['2001:db8:1:2::3: no answer', '2001:db8:1::/48: no answer'],
    ['2001:db8::/32 and 2001:db8:1:2::/64', '2001:db8::/32 and 2001:db8:1::/48'],
  ])('in a text: %s', (text, expected) => {
    const report = createReport({ ...HEAD, name: text, measurements: [] });
    expect(redact(report, { addresses: 'prefix' }).name).toBe(expected);
  });

  test('in ids, which stay apart, and findings keep their evidence', () => {
    const at = (/** @type {string} */ address) =>
      turn('udp', {
        id: `reachability/turn:${encodeURIComponent(`[${address}]`)}/udp`,
        host: address,
      });
    const report = createReport({
      ...HEAD,
      measurements: [at('2001:db8:1::1'), at('2001:db8:1::2')],
    });
    const redacted = redact(report, { addresses: 'drop' });
    const ids = redacted.measurements.map(({ id }) => id);
    expect(new Set(ids).size).toBe(2);
    expect(ids.join()).not.toContain('2001');
    for (const { evidence } of redacted.findings)
      expect(ids).toEqual(expect.arrayContaining(evidence));
  });
});

test.each([
  ['options.addresses', { addresses: 'hide' }],
  ['options.secrets', { secrets: 'hunter2' }],
])('%s is checked', (argument, options) => {
  expect(() => redact(REPORT, /** @type {any} */ (options))).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', argument }),
  );
});

test('a field that no schema knows is none that passes', () => {
  const report = /** @type {any} */ ({ ...REPORT, note: 'hunter2' });
  expect(() => toHtml(report)).toThrow(expect.objectContaining({ argument: 'report.note' }));
});
