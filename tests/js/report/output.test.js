// What reports are written as: read back, escaped, and of the form that those who read them expect.
import { describe, expect, test } from '@jest/globals';
import { styleFor } from '../../../js/cli/terminal.js';
import {
  compareReports,
  createReport,
  fromJson,
  toHtml,
  toJson,
  toJUnit,
  toPrometheus,
  toText,
} from '../../../js/report/index.js';
import { GRADE_ORDER } from '../../../js/report/verdict/grades.js';
import { EVERYTHING, HEAD, nat, quality, SILENT, SYMMETRIC, turn } from './samples.js';

/** @typedef {import('../../../js/report/measurements/types.js').Measurement} Measurement */

/** @param {Measurement[]} measurements */
const reportOf = (...measurements) => createReport({ ...HEAD, name: 'office', measurements });
const WHOLE = reportOf(...EVERYTHING, turn('udp', SILENT), turn('tls', { id: 'tls/2' }));

const HOSTILE =
  `<img src=x onerror="alert(1)">&amp; '</td><script>` + '\u001b[2J\u202e\u0000\ud800]]>';
/** A text of others wherever there can be one. */
const ATTACK = createReport({
  ...HEAD,
  name: HOSTILE,
  tool: { name: HOSTILE, version: HOSTILE },
  measurements: [
    turn('udp', {
      ...SILENT,
      url: HOSTILE,
      host: HOSTILE,
      software: HOSTILE,
      error: { code: HOSTILE, message: HOSTILE, hint: HOSTILE },
    }),
    turn('tls', { id: `a"b\\c<d>&'`, because: HOSTILE, status: 'skipped', software: HOSTILE }),
    nat({ id: 'nat/"><b>', mapping: { value: 'unknown', because: HOSTILE } }),
  ],
});

/** Control characters but newlines, half surrogate pairs, and what turns the direction of writing. */
const UNSAFE = /[\p{Cs}\p{Cf}]|(?!\n)\p{Cc}/u;

/**
 * The elements of a document, if each that is opened is closed in turn.
 *
 * @param {string} text
 * @param {ReadonlySet<string>} empty elements that have no end
 */
function elementsOf(text, empty) {
  /** @type {string[]} */
  const open = [];
  /** @type {{ name: string, attributes: Record<string, string> }[]} */
  const elements = [];
  for (const [tag] of text.matchAll(/<[^>]*>/g)) {
    const [, end, name, list, alone] =
      /^<(\/)?([a-zA-Z][\w-]*)((?:\s+[\w-]+="[^"<>]*")*)\s*(\/)?>$/.exec(tag) ??
      (() => {
        throw new Error(`no tag: ${tag}`);
      })();
    if (end) {
      expect(open.pop()).toBe(name);
      continue;
    }
    const attributes = [...list.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, key, value]) => [
      key,
      value,
    ]);
    elements.push({ name, attributes: Object.fromEntries(attributes) });
    if (!alone && !empty.has(name)) open.push(name);
  }
  expect(open).toEqual([]);
  return elements;
}

describe('JSON', () => {
  test('is read back as it was, whatever the order of its keys', () => {
    const text = toJson(WHOLE);
    expect(toJson(fromJson(text))).toBe(text);
    const turned = JSON.parse(text, (_, value) =>
      value && typeof value === 'object' && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).reverse())
        : value,
    );
    expect(JSON.stringify(turned)).not.toBe(JSON.stringify(JSON.parse(text)));
    expect(toJson(turned)).toBe(text);
    expect(fromJson(text).measurements).toHaveLength(WHOLE.measurements.length);
  });

  test.each(
    /** @type {[string, (report: any) => void][]} */ ([
      ['report.format', (report) => Object.assign(report, { format: 'other' })],
      ['report.version', (report) => Object.assign(report, { version: 2 })],
      ['report.createdAt', (report) => Object.assign(report, { createdAt: 'yesterday' })],
      [
        'report.createdAt',
        (report) => Object.assign(report, { createdAt: '2026-13-40T00:00:00Z' }),
      ],
      ['report.grade', (report) => Object.assign(report, { grade: 'fine' })],
      ['report.tool.version', (report) => delete report.tool.version],
      ['report.extra', (report) => Object.assign(report, { extra: 1 })],
      ['report.summary', (report) => Object.assign(report, { summary: 'x'.repeat(10_001) })],
      ['report.measurements', (report) => Object.assign(report, { measurements: {} })],
      [
        'report.measurements[0].kind',
        (report) => Object.assign(report.measurements[0], { kind: 'x' }),
      ],
      ['report.measurements[1].kind', (report) => report.measurements.splice(1, 1, null)],
      [
        'report.measurements[0].id',
        (report) => Object.assign(report.measurements[0], { id: 'a b' }),
      ],
      [
        'report.measurements[1].id',
        (report) => report.measurements.splice(1, 0, report.measurements[0]),
      ],
      ['report.measurements[0].status', (report) => delete report.measurements[0].status],
      [
        'report.measurements[2].port',
        (report) => Object.assign(report.measurements[2], { port: 65_536 }),
      ],
      [
        'report.measurements[2].port',
        (report) => Object.assign(report.measurements[2], { port: 1.5 }),
      ],
      [
        'report.measurements[2].port',
        (report) => Object.assign(report.measurements[2], { port: '1' }),
      ],
      [
        'report.measurements[0].because',
        (report) =>
          Object.assign(report.measurements[0], { status: 'unknown', because: undefined }),
      ],
      [
        'report.measurements[2].phases.dns',
        (report) => Object.assign(report.measurements[2].phases, { dns: -1 }),
      ],
      [
        'a name in report.measurements[2].phases',
        (report) => Object.assign(report.measurements[2].phases, { 'a b': 1 }),
      ],
      [
        'report.findings[0].evidence[0]',
        (report) => report.findings[0].evidence.unshift('nothing'),
      ],
      [
        'report.findings[0].severity',
        (report) => Object.assign(report.findings[0], { severity: 1 }),
      ],
      ['report.asks[0].ports', (report) => delete report.asks[0].ports],
    ]),
  )('what is wrong is named: %s', (path, spoil) => {
    const report = JSON.parse(toJson(WHOLE));
    spoil(report);
    expect(() => fromJson(JSON.stringify(report))).toThrow(
      expect.objectContaining({
        name: 'PosternError',
        code: 'ERR_INVALID_ARGUMENT',
        argument: path,
      }),
    );
  });

  test('many servers with long names are no longer than is allowed', () => {
    const long = 'x'.repeat(9000);
    const servers = Array.from({ length: 100 }, (_, i) =>
      turn('udp', {
        id: `r/${i}`,
        host: `${i}.${long}`,
        software: 'key=a '.repeat(1600),
        ...SILENT,
      }),
    );
    const report = reportOf(...servers, turn('tls'));
    expect(report.asks[0].names).toHaveLength(100);
    const text = toJson(report);
    expect(toJson(fromJson(text))).toBe(text);
  });

  test('a prototype is no field', () => {
    const text = toJson(WHOLE).replace('{', '{"__proto__": {"grade": "good"},');
    expect(() => fromJson(text)).toThrow(expect.objectContaining({ argument: 'report.__proto__' }));
  });

  test.each([['{"password": "hunter2"'], ['null'], ['[]'], ['""'], [/** @type {any} */ (7)]])(
    'what is none is refused, and not quoted: %s',
    (text) => {
      expect(() => fromJson(text)).toThrow(
        expect.objectContaining({
          code: 'ERR_INVALID_ARGUMENT',
          argument: expect.stringMatching(/^report/),
          message: expect.not.stringContaining('hunter2'),
        }),
      );
    },
  );
});

describe('HTML', () => {
  const EMPTY = new Set(['meta']);
  const ALLOWED = new Set(
    'html head meta title style body h1 h2 p strong small span section div table thead tbody tr th td'.split(
      ' ',
    ),
  );

  test.each([
    ['a whole report', WHOLE],
    ['one with texts of others', ATTACK],
  ])('of %s: elements that load and run nothing', (_, report) => {
    const [, page] = toHtml(report).split('<!doctype html>\n');
    for (const { name, attributes } of elementsOf(page, EMPTY)) {
      expect(ALLOWED).toContain(name);
      for (const key of Object.keys(attributes)) {
        expect([
          'lang',
          'charset',
          'name',
          'content',
          'http-equiv',
          'class',
          'scope',
          'tabindex',
          'role',
          'aria-label',
        ]).toContain(key);
      }
    }
    expect(page).not.toMatch(/url\(|@import/);
    expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
    expect(page).not.toMatch(UNSAFE);
  });

  test('shows what was found and measured, in either light, on a phone', () => {
    const page = toHtml(WHOLE);
    for (const { title } of WHOLE.findings) expect(page).toContain(title.replaceAll("'", '&#39;'));
    for (const { id } of WHOLE.measurements) expect(page).toContain(id);
    for (const value of [
      'TLSv1.3',
      'Server 1',
      '64:ff9b::/96',
      'untestable',
      '16000 ms to 19000 ms',
    ]) {
      expect(page).toContain(value);
    }
    expect(page).toContain('prefers-color-scheme: dark');
    expect(page).toContain('width=device-width');
    expect(toHtml(ATTACK)).toContain(
      '&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&amp;amp; &#39;',
    );
  });
});

describe('JUnit', () => {
  /** @param {import('../../../js/report/index.js').Report} report */
  function suitesOf(report) {
    const [, document] = toJUnit(report).split('<?xml version="1.0" encoding="UTF-8"?>\n');
    return elementsOf(document, new Set());
  }

  test('a case for each measurement and finding, and the counts of them', () => {
    const elements = suitesOf(WHOLE);
    const cases = elements.filter(({ name }) => name === 'testcase');
    expect(cases.map(({ attributes }) => attributes.name)).toEqual(
      [...WHOLE.measurements, ...WHOLE.findings].map(({ id }) => id),
    );
    const failures = elements.filter(({ name }) => name === 'failure').length;
    const errors = WHOLE.findings.filter(({ severity }) => severity === 'error').length;
    const failed = WHOLE.measurements.filter(({ status }) => status === 'failed').length;
    expect(errors * failed).toBeGreaterThan(0);
    expect(failures).toBe(errors + failed);
    const suites = elements
      .filter(({ name }) => name === 'testsuite')
      .map(({ attributes }) => attributes);
    expect(suites.map((one) => Number(one.tests))).toEqual([
      WHOLE.measurements.length,
      WHOLE.findings.length,
    ]);
    expect(suites.map((one) => Number(one.failures))).toEqual([failed, errors]);
  });

  test('what is unknown or skipped is skipped', () => {
    const elements = suitesOf(ATTACK);
    expect(elements.filter(({ name }) => name === 'skipped')).toHaveLength(1);
    const text = toJUnit(ATTACK);
    expect(text).toContain('&lt;img src=x onerror=&quot;alert(1)&quot;&gt;');
    expect(text).not.toMatch(/\p{Cs}|(?!\n)\p{Cc}/u);
  });
});

describe('Prometheus', () => {
  const SAMPLE =
    /^postern_test_[a-z_]+(?:\{[a-z0-9]+="(?:[^"\\\n]|\\["\\n])*"(?:,[a-z0-9]+="(?:[^"\\\n]|\\["\\n])*")*\})? -?[\d.e+-]+$/;

  test.each([
    ['a whole report', WHOLE],
    ['one with texts of others', ATTACK],
  ])('of %s: lines that are samples', (_, report) => {
    const lines = toPrometheus(report).trimEnd().split('\n');
    for (const line of lines.filter((one) => !one.startsWith('# '))) expect(line).toMatch(SAMPLE);
    const names = lines.flatMap((line) => /^# TYPE (\S+) gauge$/.exec(line)?.[1] ?? []);
    expect(new Set(names).size).toBe(names.length);
    const samples = lines
      .filter((line) => !line.startsWith('# '))
      .map((line) => line.replace(/ \S+$/, ''));
    expect(new Set(samples).size).toBe(samples.length);
  });

  test('numbers are in base units', () => {
    const text = toPrometheus(reportOf(quality('udp', { medianMs: 30, loss: 0.02 }), turn('udp')));
    expect(text).toContain(
      'postern_test_round_trip_seconds{id="quality/udp",stat="median"} 0.03\n',
    );
    expect(text).toContain('postern_test_loss_ratio{id="quality/udp"} 0.02\n');
    expect(text).toContain('postern_test_grade{grade="fair"} 1\n');
    expect(text).toContain('postern_test_grade{grade="good"} 0\n');
    expect(text.match(/^postern_test_grade\{/gm)).toHaveLength(GRADE_ORDER.length);
  });
});

describe('text', () => {
  test('has all of it, and nothing that steers a terminal', () => {
    const text = toText(WHOLE);
    expect(text).toContain('1 open, 1 untestable, 1 blocked');
    expect(text).toMatch(/stun (?:passed|blocked|unknown), /);
    for (const { title, id } of WHOLE.findings) expect(text).toContain(`${title} ${id}`);
    for (const { id } of WHOLE.measurements) expect(text).toContain(id);
    expect(text).toContain('1. Outbound');
    expect(text).toMatch(/^poor office /);
    expect(toText(ATTACK)).not.toMatch(UNSAFE);
    expect(toText(ATTACK)).toContain('\\u{1b}[2J');
  });

  test('is painted if that is wanted', () => {
    expect(toText(WHOLE, { style: styleFor(true) })).toContain('\u001b[31mfailed\u001b[39m');
    expect(toText(WHOLE)).not.toContain('\u001b');
  });
});

describe('compareReports()', () => {
  test('what got better and worse, came and went', () => {
    const before = reportOf(
      turn('udp', SILENT),
      turn('tls'),
      quality('tls', { medianMs: 100, jitterMs: 20, loss: 0.002 }),
      nat(SYMMETRIC),
    );
    const after = reportOf(
      turn('udp'),
      turn('tls', { status: 'failed' }),
      quality('tls', { medianMs: 60, jitterMs: 22, loss: 0.04 }),
      turn('tcp'),
    );
    const { grade, better, worse, appeared, gone, text } = compareReports(before, after);
    expect(grade).toEqual({ before: 'fair', after: 'good' });
    expect(better.map((one) => one.text)).toEqual([
      'reachability/turn/turn.example.org/3478/udp: ok, was failed',
      'quality/tls: round trip 60 ms, was 100 ms',
    ]);
    expect(worse.map((one) => one.text)).toEqual([
      'reachability/turn/turn.example.org/443/tls: failed, was ok',
      'quality/tls: loss 4 %, was 0.2 %',
    ]);
    expect(appeared.map(({ id }) => id)).toEqual(
      expect.arrayContaining([
        'udp-passes',
        'loss-high',
        'reachability/turn/turn.example.org/3478/tcp',
      ]),
    );
    expect(gone.map(({ id }) => id)).toEqual(
      expect.arrayContaining(['udp-blocked', 'nat-symmetric-relayed', 'nat/discovery']),
    );
    expect(text.split('\n')[0]).toBe('The grade is good, was fair: better.');
    expect(text).toContain('\nGone: warning: UDP is blocked');
  });

  test('of the same there is nothing to tell', () => {
    expect(compareReports(WHOLE, WHOLE)).toMatchObject({
      better: [],
      worse: [],
      appeared: [],
      gone: [],
      text: 'The grade is poor, as before.',
    });
  });

  test('a user is the same at another time', () => {
    const later = createReport({ ...WHOLE, createdAt: '2027-01-16T08:00:00Z' });
    expect(compareReports(WHOLE, later).gone).toEqual([]);
  });
});
