// Grades, summaries, what to ask for: networks as there are; and what holds whatever was measured.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createReport, measurementsOfRows } from '../../../js/report/index.js';
import { GRADE_ORDER, GRADE_WORDS, GRADES, WAYS } from '../../../js/report/verdict/grades.js';
import { inUnit, levelOf, THRESHOLDS } from '../../../js/report/verdict/thresholds.js';
import { verdictOf } from '../../../js/report/verdict/verdict.js';
import {
  ADDRESS,
  CONE,
  EVERYTHING,
  failed,
  HEAD,
  HOST,
  https,
  measured,
  NOW_MS,
  nat,
  quality,
  refused,
  SILENT,
  SYMMETRIC,
  signalling,
  stun,
  turn,
} from './samples.js';

/** @typedef {import('../../../js/report/measurements/types.js').Grade} Grade */
/** @typedef {import('../../../js/report/measurements/types.js').Measurement} Measurement */

/** @param {readonly Measurement[]} measurements */
const judge = (measurements) => verdictOf(measurements, { nowMs: NOW_MS });

const OTHER = { host: 'other.example.com' };
const LOST = { ...SILENT, dataPath: /** @type {const} */ ('lost') };
const path = (/** @type {object} */ facts) =>
  measured(
    /** @type {any} */ ({
      kind: 'path',
      candidates: [{ type: 'host', protocol: 'udp' }],
      ...facts,
    }),
  );

/** What was found, the grade, and the errors and warnings. @type {[string, Measurement[], Grade, string[]][]} */
const NETWORKS = [
  ['nothing was measured', [], 'unknown', []],
  [
    'all is well',
    [turn('udp'), turn('tcp'), turn('tls'), nat(CONE), quality('udp')],
    'excellent',
    [],
  ],
  ['all is well, and how good it is not known', [turn('udp'), turn('tls'), nat(CONE)], 'good', []],
  ['a server that allows no circle', [turn('udp', { dataPath: 'refused' })], 'good', []],
  ['symmetric NAT, and a relay', [turn('udp'), nat(SYMMETRIC)], 'good', []],
  ['no relay, and a NAT that needs none', [stun('udp'), nat(CONE)], 'good', []],
  ['no NAT', [stun('udp'), nat({ behindNat: { value: 'no' } })], 'good', []],
  ['STUN only', [stun('udp')], 'unknown', []],
  ['symmetric NAT, no relay tested', [stun('udp'), nat(SYMMETRIC)], 'unknown', ['nat-symmetric']],
  [
    'symmetric NAT, and a relay that does not answer',
    [stun('udp', OTHER), nat(SYMMETRIC), turn('udp', SILENT)],
    'poor',
    ['relay-silent', 'nat-symmetric-blocked', 'server-silent'],
  ],
  ['a relay that loses data', [turn('udp', LOST)], 'poor', ['relay-data-lost']],
  ['UDP blocked, TCP relays', [turn('udp', SILENT), turn('tcp')], 'fair', ['udp-blocked']],
  ['UDP blocked, TLS relays', [turn('udp', SILENT), turn('tls')], 'fair', ['udp-blocked']],
  [
    'UDP, TCP and TLS blocked, WebSocket relays',
    [turn('udp', SILENT), turn('tcp', SILENT), turn('tls', SILENT), turn('wss')],
    'fair',
    ['udp-blocked', 'websocket-only'],
  ],
  [
    'UDP blocked, a wrong password over TLS',
    [turn('udp', SILENT), turn('tls', refused(401))],
    'unknown',
    ['credentials-refused', 'udp-blocked'],
  ],
  [
    'UDP blocked, an expired certificate over TLS',
    [
      turn('udp', SILENT),
      turn('tls', failed('ERR_TRANSPORT_TLS', { systemCode: 'CERT_HAS_EXPIRED' })),
    ],
    'unknown',
    ['certificate-expired'],
  ],
  [
    'web pages only',
    [turn('udp', SILENT), turn('tcp', SILENT), turn('tls', { ...SILENT, ...OTHER }), https()],
    'blocked',
    ['https-only'],
  ],
  ['nothing', [turn('udp', SILENT), turn('tls', SILENT)], 'blocked', ['nothing-passes']],
  ['one server that is silent', [turn('udp', SILENT), https()], 'blocked', ['one-server-silent']],
  ['loss', [turn('udp'), quality('udp', { loss: 0.02 })], 'fair', ['loss-high']],
  ['much loss', [turn('udp'), quality('udp', { loss: 0.2 })], 'poor', ['loss-severe']],
  ['a bad stream', [turn('tls'), quality('tls', { medianMs: 900 })], 'poor', ['delay-severe']],
  [
    'no signalling',
    [turn('udp'), signalling({ status: 'failed' })],
    'poor',
    ['signalling-blocked'],
  ],
  ['WebRTC turned off', [path({ candidates: [] }), https()], 'blocked', ['webrtc-disabled']],
  ['a direct connection', [path({ selected: { local: 'host', remote: 'srflx' } })], 'good', []],
  ['a relayed one', [path({ selected: { local: 'relay', remote: 'host' } })], 'fair', []],
  [
    'a mirror that hears nothing',
    [nat({ method: 'mirror', status: 'failed', error: SILENT.error }), https()],
    'blocked',
    ['one-server-silent'],
  ],
  ['a NAT test that went otherwise wrong', [nat({ status: 'failed' }), https()], 'unknown', []],
  ['the NAT of a gateway', [turn('wss'), nat({ whose: 'gateway', ...SYMMETRIC })], 'fair', []],
  ['only the server looked', [turn('udp', { whose: 'server' })], 'unknown', []],
];

describe('verdictOf()', () => {
  test.each(NETWORKS)('%s', (_, measurements, grade, wrong) => {
    const verdict = judge(measurements);
    const found = verdict.findings.filter(
      ({ severity }) => severity === 'error' || severity === 'warning',
    );
    expect(verdict.grade).toBe(grade);
    expect(found.map(({ id }) => id).sort()).toEqual([...wrong].sort());
    expect(verdict.summary).toContain(GRADE_WORDS[grade]);
    expect(verdict.summary).not.toMatch(/undefined|null|\{|\}/);
  });

  test('each grade is reached by one of these', () => {
    expect(new Set(NETWORKS.map(([, , grade]) => grade))).toEqual(new Set(GRADE_ORDER));
    expect(new Set(GRADES.map(({ grade }) => grade)).size).toBe(GRADE_ORDER.length - 1);
    const ways = new Set(WAYS.map(({ way }) => way));
    expect(new Set(GRADES.map(({ way }) => way))).toEqual(ways);
  });

  test.each(Object.entries(GRADE_WORDS))('%s stands in docs/report.md', (grade, words) => {
    const page = readFileSync(new URL('../../../docs/report.md', import.meta.url), 'utf8');
    expect(page).toContain(`\n| \`${grade}\` | ${words} |\n`);
  });

  test('the worst comes first', () => {
    const severities = judge(EVERYTHING).findings.map(({ severity }) => severity);
    const rank = ['error', 'warning', 'info', 'good'];
    expect(severities).toEqual(severities.toSorted((a, b) => rank.indexOf(a) - rank.indexOf(b)));
    expect(new Set(severities).size).toBe(4);
  });

  test('nothing passes: with what was tried', () => {
    const [finding] = judge([turn('udp', SILENT), turn('tls', SILENT)]).findings;
    expect(finding.text).toContain('turn.example.org:3478 over UDP, turn.example.org:443 over TLS');
  });
});

test.each([
  ['measurements', () => verdictOf(/** @type {any} */ ({}), { nowMs: 0 })],
  ['options.nowMs', () => verdictOf([], { nowMs: Number.NaN })],
  ['input', () => createReport(/** @type {any} */ (null))],
  [
    'report.tool',
    () => createReport(/** @type {any} */ ({ ...HEAD, tool: 'postern', measurements: [] })),
  ],
  ['rows', () => measurementsOfRows(/** @type {any} */ ('rows'))],
])('%s is checked', (argument, call) => {
  expect(call).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', argument }));
});

describe('asks', () => {
  const NAMES = /** @type {Measurement} */ ({
    id: 'dns/1',
    kind: 'dns',
    whose: 'client',
    status: 'ok',
    name: HOST,
    ipv4: [ADDRESS],
    ipv6: ['2001:db8::5'],
  });

  test('for what was tried in vain, the best first, with names and addresses', () => {
    const { asks, summary } = judge([
      NAMES,
      turn('tls', SILENT),
      turn('udp', { ...SILENT, serverAddress: { address: ADDRESS, port: 3478 } }),
    ]);
    expect(asks).toMatchObject([
      {
        protocol: 'udp',
        ports: [3478],
        names: [HOST],
        addresses: [ADDRESS, '2001:db8::5'],
        direction: 'outbound',
      },
      { protocol: 'tcp', ports: [443], names: [HOST] },
    ]);
    expect(asks[0].text).toBe(
      'Outbound UDP, port 3478, to turn.example.org (203.0.113.5, 2001:db8::5), and what comes back: ' +
        'for the media of calls, over STUN and TURN.',
    );
    expect(summary).toContain(
      'Ask your IT for: outbound UDP 3478 to turn.example.org, or outbound TCP 443 to turn.example.org.',
    );
  });

  test('one for all destinations of a protocol and port', () => {
    const { asks } = judge([
      turn('udp', SILENT),
      turn('udp', { ...SILENT, ...OTHER }),
      turn('tls'),
    ]);
    expect(asks).toMatchObject([{ names: [HOST, 'other.example.com'], evidence: { length: 2 } }]);
  });

  test('addresses that stand for names are addresses', () => {
    const { asks } = judge([
      turn('udp', { ...SILENT, host: ADDRESS }),
      turn('udp', { ...SILENT, host: '2001:db8::5' }),
      turn('tls', { host: ADDRESS }),
    ]);
    expect(asks).toMatchObject([{ names: [], addresses: [ADDRESS, '2001:db8::5'] }]);
  });

  test('a proxy is asked to connect', () => {
    const { asks } = judge([turn('tls', failed('ERR_TRANSPORT_PROXY'))]);
    expect(asks).toMatchObject([
      { protocol: 'tcp', ports: [443], why: expect.stringContaining('CONNECT') },
    ]);
  });

  test('signalling is asked for by its URL', () => {
    const off = /** @type {const} */ ({ status: 'failed' });
    const { asks } = judge([
      turn('udp'),
      signalling({ ...off, url: 'wss://[2001:db8::7]:8443/x' }),
      signalling({ ...off, id: 'signalling/2' }),
    ]);
    expect(asks).toMatchObject([
      { ports: [443], names: ['app.example.net'] },
      { ports: [8443], names: [], addresses: ['2001:db8::7'] },
    ]);
  });

  test('signalling is asked for where nothing at all passes', () => {
    const { asks } = judge([turn('udp', SILENT), signalling({ status: 'failed' })]);
    expect(asks.map(({ id }) => id)).toEqual(['signalling-443', 'udp-3478']);
  });

  test('STUN is asked for where it is filtered out', () => {
    const patterns = [
      { looksLike: 'stun', result: 'blocked' },
      { looksLike: 'random', result: 'passed' },
    ];
    const inspection = measured(
      /** @type {any} */ ({ kind: 'inspection', transport: 'udp', port: 5004, patterns }),
    );
    const ports = [{ port: 5004, outwards: 'open', inwards: 'open' }];
    const map = measured(/** @type {any} */ ({ kind: 'port-map', transport: 'udp', ports }));
    const { asks } = judge([turn('udp', SILENT), turn('tls'), inspection, map]);
    expect(asks).toMatchObject([
      { id: 'stun-udp-3478', protocol: 'udp', ports: [3478], names: [HOST] },
    ]);
    expect(asks[0].why).toContain('not to be filtered');
  });

  test('the summary says the same port once', () => {
    const { asks, summary } = judge([
      turn('tcp', { port: 443, ...SILENT }),
      turn('tls', SILENT),
      turn('udp', SILENT),
    ]);
    expect(asks).toHaveLength(3);
    expect(summary.match(/outbound TCP 443/g)).toHaveLength(1);
  });

  test('one of each purpose is enough: they are told apart', () => {
    const { asks, summary } = judge([
      signalling({ status: 'failed' }),
      turn('udp', SILENT),
      turn('tls', SILENT),
      turn('tls', { id: 'proxied', ...failed('ERR_TRANSPORT_PROXY') }),
      https(),
    ]);
    expect(asks.map(({ id, purpose }) => [id, purpose])).toEqual([
      ['signalling-443', 'signalling'],
      ['udp-3478', 'media'],
      ['tls-443', 'media'],
      ['proxy-tls-443', 'media'],
    ]);
    expect(summary).toContain(
      'Ask your IT for: outbound TCP 443 to app.example.net; and outbound UDP 3478 to turn.example.org, or outbound TCP 443',
    );
  });

  test('nothing is asked for where all is well, or the server is to blame', () => {
    expect(judge([turn('udp'), turn('tls')]).asks).toEqual([]);
    expect(judge([turn('udp', SILENT), turn('udp', OTHER)]).asks).toEqual([]);
    expect(judge([turn('udp', refused(486))]).asks).toEqual([]);
  });
});

/** What goes well, in many ways; each may be there or not. @type {Measurement[]} */
const SUCCESSES = [
  .../** @type {const} */ (['udp', 'tcp', 'tls', 'ws', 'wss']).flatMap((transport) => [
    turn(transport, { id: `good/${transport}` }),
    turn(transport, { id: `good/other/${transport}`, ...OTHER, dataPath: 'refused' }),
    stun(transport, { id: `good/stun/${transport}`, port: 443, family: 'IPv4' }),
    quality(transport, {}, { id: `good/quality/${transport}` }),
  ]),
  nat({ id: 'good/nat', ...CONE, behindNat: { value: 'no' } }),
  nat({ id: 'good/nat/mirror', method: 'mirror', ...CONE }),
  https({ id: 'good/https' }),
  signalling({ id: 'good/signalling' }),
  path({ id: 'good/path/direct', selected: { local: 'host', remote: 'host' } }),
  path({ id: 'good/path' }),
  measured(
    /** @type {any} */ ({
      id: 'good/wt',
      kind: 'webtransport',
      url: 'https://a/',
      datagrams: true,
    }),
  ),
  measured(/** @type {any} */ ({ id: 'good/dns', kind: 'dns', name: HOST, ipv4: [ADDRESS] })),
  measured(
    /** @type {any} */ ({
      id: 'good/cert',
      kind: 'certificate',
      host: HOST,
      port: 443,
      trusted: true,
    }),
  ),
];

const FAILURES = [
  ...[SILENT, LOST, ...[401, 403, 437, 441, 486, 500, 508].map(refused)],
  ...['ERR_DNS', 'ERR_TRANSPORT_PROXY', 'ERR_TRANSPORT_TLS', 'ERR_INTERNAL'].map((code) =>
    failed(code),
  ),
  failed('ERR_TRANSPORT_TLS', { systemCode: 'CERT_HAS_EXPIRED' }),
];

/** What goes otherwise. @type {Measurement[]} */
const OTHERS = [
  .../** @type {const} */ (['udp', 'tcp', 'tls', 'wss']).flatMap((transport) =>
    FAILURES.flatMap((facts, i) => [
      turn(transport, { id: `bad/${transport}/${i}`, ...facts }),
      turn(transport, { id: `bad/other/${transport}/${i}`, ...OTHER, family: 'IPv6', ...facts }),
      stun(transport, { id: `bad/stun/${transport}/${i}`, ...facts, dataPath: undefined }),
    ]),
  ),
  quality('udp', { loss: 0.2 }, { id: 'bad/quality/udp' }),
  quality('tls', { medianMs: 700 }, { id: 'bad/quality/tls' }),
  nat({ id: 'bad/nat', ...SYMMETRIC, behindNat: { value: 'yes' } }),
  nat({ id: 'bad/nat/gateway', whose: 'gateway', ...SYMMETRIC }),
  nat({ id: 'bad/nat/unknown', status: 'unknown', because: 'no answer' }),
  https({ id: 'bad/https', status: 'failed' }),
  signalling({ id: 'bad/signalling', status: 'failed' }),
  path({ id: 'bad/path', candidates: [] }),
  turn('udp', { id: 'bad/skipped', status: 'skipped', because: 'not asked for' }),
  turn('tcp', { id: 'bad/gateway', whose: 'gateway', ...SILENT }),
  ...EVERYTHING,
];

describe('whatever was measured', () => {
  const some = fc.subarray([...SUCCESSES, ...OTHERS], { maxLength: 12 });
  const any = fc.oneof(
    { weight: 8, arbitrary: some },
    { weight: 1, arbitrary: fc.subarray([...SUCCESSES, ...OTHERS]) },
    { weight: 8, arbitrary: fc.subarray(OTHERS, { maxLength: 4 }) },
  );

  test('there is a verdict, of the form that is promised, with evidence that is there', () => {
    fc.assert(
      fc.property(any, (measurements) => {
        const report = createReport({ ...HEAD, measurements });
        const ids = new Set(measurements.map(({ id }) => id));
        for (const { evidence, text } of [...report.findings, ...report.asks]) {
          expect(evidence.length).toBeGreaterThan(0);
          expect(evidence.filter((id) => !ids.has(id))).toEqual([]);
          expect(text).not.toMatch(/undefined|null|\{what\}|: \.|\(\)/);
        }
        expect(new Set(report.findings.map(({ id }) => id)).size).toBe(report.findings.length);
        expect(new Set(report.asks.map(({ id }) => id)).size).toBe(report.asks.length);
      }),
      { numRuns: 200 },
    );
  });

  test('the order of the measurements has no part in the grade', () => {
    fc.assert(
      fc.property(any, (measurements) => {
        expect(judge(measurements.toReversed()).grade).toBe(judge(measurements).grade);
      }),
    );
  });

  test('what goes well besides never makes the grade worse', () => {
    fc.assert(
      fc.property(any, fc.constantFrom(...SUCCESSES), (measurements, success) => {
        const others = measurements.filter(({ id }) => id !== success.id);
        const before = GRADE_ORDER.indexOf(judge(others).grade);
        const after = GRADE_ORDER.indexOf(judge([...others, success]).grade);
        expect(after).toBeGreaterThanOrEqual(before);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('thresholds', () => {
  test.each(THRESHOLDS.map((one) => [one.metric, one]))('%s goes from best to worst', (_, one) => {
    const { excellent, good, fair, better } = one;
    const limits = better === 'least' ? [excellent, good, fair] : [fair, good, excellent];
    expect(limits).toEqual(limits.toSorted((a, b) => a - b));
    expect([excellent, good, fair].map((value) => levelOf(value, one))).toEqual([
      'excellent',
      'good',
      'fair',
    ]);
    expect(levelOf(better === 'least' ? fair * 1.01 : fair * 0.99, one)).toBe('poor');
  });

  test.each(THRESHOLDS.map((one) => [one.metric, one]))('%s stands in docs/report.md', (_, one) => {
    const page = readFileSync(new URL('../../../docs/report.md', import.meta.url), 'utf8');
    const limits = [one.excellent, one.good, one.fair].map((value) => inUnit(value, one.unit));
    expect(page).toMatch(new RegExp(`^\\| ${one.title}.*\\| ${limits.join(' \\| ')} \\|`, 'm'));
  });
});
