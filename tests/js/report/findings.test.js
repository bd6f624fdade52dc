// The decision table, row by row: what each finding is drawn from, and what is close to it and is another.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { OUTCOMES, outcomeOf } from '../../../js/report/verdict/outcomes.js';
import { RULES, verdictOf } from '../../../js/report/verdict/verdict.js';
import { CASES, tlsError } from './finding-cases.js';
import { failed, https, NOW_MS, nat, refused, SILENT, SYMMETRIC, turn } from './samples.js';

/** @typedef {import('../../../js/report/measurements/types.js').Measurement} Measurement */

/** @param {readonly Measurement[]} measurements */
const judge = (measurements) => verdictOf(measurements, { nowMs: NOW_MS });
/** @param {readonly Measurement[]} measurements */
const idsOf = (measurements) => judge(measurements).findings.map(({ id }) => id);

describe('the decision table', () => {
  test('has a case for each row', () => {
    expect(Object.keys(CASES).sort()).toEqual(RULES.map(({ id }) => id).sort());
  });

  test.each(Object.entries(CASES))('%s', (id, { with: wanted, without }) => {
    expect(idsOf(wanted)).toContain(id);
    expect(idsOf(without)).not.toContain(id);
  });

  test.each(Object.entries(CASES))(
    '%s is told in whole sentences, with evidence',
    (id, { with: wanted }) => {
      const found = judge(wanted).findings.find((one) => one.id === id);
      expect(found?.text).toMatch(/^[A-Z].*[.)]$/s);
      expect(found?.text).not.toMatch(/[{}]|undefined|null|: \.|\(\)/);
      expect(found?.evidence.length).toBeGreaterThan(0);
      expect(found?.title).not.toMatch(/\.$/);
      if (found?.severity === 'error') expect(found.advice).toMatch(/^[A-Z].*\.$/);
    },
  );

  test('rows are told apart by what they ask for, not by their order', () => {
    const conditions = RULES.map(({ when }) => JSON.stringify(when));
    expect(new Set(conditions).size).toBe(RULES.length);
    expect(new Set(RULES.map(({ id }) => id)).size).toBe(RULES.length);
  });

  const page = readFileSync(new URL('../../../docs/report.md', import.meta.url), 'utf8');
  const [, part] = page.split('\n## Findings\n');
  const [section] = part.split('\n## ');
  const rows = [...section.matchAll(/^\| `([\w-]+)` \|(.*)\|$/gm)].map(
    ([, id, rest]) => /** @type {const} */ ([id, ...rest.split('|').map((cell) => cell.trim())]),
  );

  test('is that of docs/report.md, row by row', () => {
    expect(rows.map(([id, severity, about, , todo]) => [id, severity, about, todo])).toEqual(
      RULES.map(({ id, severity, about, advice = '' }) => [id, severity, about, advice]),
    );
  });

  test.each(rows)('%s has its conditions in docs/report.md', (...cells) => {
    expect(cells).toHaveLength(5);
    expect(cells[3]).toMatch(/^\S.{6,}[^.]$/);
  });
});

describe('the network is not blamed', () => {
  const NETWORK = new Set(RULES.filter(({ about }) => about === 'network').map(({ id }) => id));

  test.each([
    ['a wrong password', refused(401)],
    ['credentials of another user', refused(441)],
    ['missing credentials', failed('ERR_STUN_CREDENTIALS_NEEDED')],
    ['a quota', refused(486)],
    ['a full server', refused(508)],
    ['an old allocation', refused(437)],
    ['a server that refuses', refused(403)],
    ['a server that fails', refused(500)],
    ['an expired certificate', tlsError('CERT_HAS_EXPIRED')],
    ['a certificate of another name', tlsError('ERR_TLS_CERT_ALTNAME_INVALID')],
    ['a certificate that is not trusted', tlsError('SELF_SIGNED_CERT_IN_CHAIN')],
    ['a name that is not found', failed('ERR_DNS')],
    ['TLS that is not spoken', failed('ERR_TRANSPORT_TLS')],
  ])('for %s', (_, failure) => {
    for (const measurements of [
      [turn('tls', failure)],
      [turn('tls', failure), https()],
      [turn('udp', failure), turn('tcp', failure), turn('tls', failure), https()],
    ]) {
      const { findings, grade, asks } = judge(measurements);
      const blamed = findings.filter(
        ({ id, severity }) => NETWORK.has(id) && severity !== 'good' && severity !== 'info',
      );
      expect(blamed).toEqual([]);
      expect(findings.some(({ severity }) => severity === 'error' || severity === 'warning')).toBe(
        true,
      );
      expect(grade).toBe('unknown');
      expect(asks).toEqual([]);
    }
  });

  test('for what only a gateway saw', () => {
    const NAT = RULES.filter(({ about }) => about === 'nat').map(({ id }) => id);
    const seen = idsOf([
      nat({
        whose: 'gateway',
        ...SYMMETRIC,
        behindNat: { value: 'yes' },
        hairpinning: { value: 'no' },
      }),
      turn('udp', { whose: 'gateway', ...SILENT }),
      turn('wss'),
    ]);
    expect(seen.filter((id) => NAT.includes(id) || id === 'udp-blocked')).toEqual([]);
    expect(seen).toContain('gateway-view');
  });

  test('for a server that is silent at one port', () => {
    const ids = idsOf([turn('tls', { port: 5349, ...SILENT }), turn('tls'), turn('udp')]);
    expect(ids).toContain('server-partly-silent');
    expect(ids).not.toContain('web-ports-only');
  });

  test('what a gateway was refused is said of the server', () => {
    expect(idsOf([turn('udp', { whose: 'gateway', ...refused(486) })])).toContain('quota-reached');
  });
});

describe('servers are not blamed', () => {
  test('for ports that the network does not let pass', () => {
    const ids = idsOf([
      turn('tcp', SILENT),
      turn('tcp', { port: 443 }),
      turn('tls', { port: 5349, ...SILENT }),
      turn('tls'),
    ]);
    expect(ids).toContain('web-ports-only');
    expect(ids).not.toContain('server-partly-silent');
    const udp = idsOf([turn('udp', SILENT), turn('udp', { port: 443 })]);
    expect(udp).toContain('udp-443-only');
    expect(udp).not.toContain('server-partly-silent');
  });

  test('for what a proxy lets pass', () => {
    const proxied = turn('tls', { id: 'proxied', proxy: 'http://proxy.example.net/' });
    expect(
      idsOf([turn('tcp', SILENT), turn('tls', { port: 5349, ...SILENT }), proxied]),
    ).not.toContain('web-ports-only');
  });
});

test('a server that only a proxy reaches is not called silent', () => {
  const proxied = turn('tls', { id: 'proxied', proxy: 'http://proxy.example.net/' });
  expect(idsOf([turn('tls', SILENT), proxied])).not.toContain('server-partly-silent');
  expect(idsOf([turn('tls', SILENT), turn('tls', { port: 5349 })])).toContain(
    'server-partly-silent',
  );
});

describe('what an answer says', () => {
  test.each(
    OUTCOMES.flatMap((row) =>
      ('errorCodes' in row ? row.errorCodes : []).map((errorCode) => [errorCode, row.outcome]),
    ),
  )('%s is %s', (errorCode, outcome) => {
    expect(outcomeOf(turn('udp', refused(Number(errorCode))))).toBe(outcome);
  });

  test('a certificate counts before the code of ours', () => {
    expect(outcomeOf(turn('tls', tlsError('CERT_HAS_EXPIRED')))).toBe('certificate-expired');
    expect(outcomeOf(turn('tls', tlsError('ECONNRESET')))).toBe('silent');
    expect(outcomeOf(turn('tls', tlsError('EPROTO')))).toBe('tls');
  });

  test('what was not tried tells nothing', () => {
    expect(outcomeOf(turn('udp', { status: 'skipped' }))).toBe('untold');
    expect(outcomeOf(turn('udp', { status: 'unknown' }))).toBe('untold');
  });

  test('a server that lets no data be sent in a circle works', () => {
    expect(outcomeOf(turn('udp', { dataPath: 'refused' }))).toBe('works');
  });
});
