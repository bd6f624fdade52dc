// What a mirror has found, as measurements.
import { describe, expect, test } from '@jest/globals';
import {
  natMeasurement,
  natUnknown,
  portMapMeasurement,
} from '../../../js/diagnose/nat-measurements.js';
import { REASONS, unknown } from '../../../js/diagnose/unknown.js';
import { createReport } from '../../../js/report/index.js';

/** @typedef {import('../../../js/diagnose/nat.js').NatDiagnosis} NatDiagnosis */

const URL_OF_MIRROR = 'https://mirror.example.org/mirror';
const PLACE = { address: '203.0.113.77', port: 50_001, family: /** @type {const} */ ('IPv4') };

/** @type {NatDiagnosis} */
const KNOWN = {
  whose: 'client',
  publicAddress: { value: PLACE },
  mapping: { value: 'endpoint-independent' },
  filtering: { value: 'address-and-port-dependent' },
  behindNat: { value: true },
  portPreservation: { value: false },
  hairpinning: { value: false },
  bindingLifetime: { value: { atLeastSeconds: 20, lessThanSeconds: 40 } },
  portMap: {
    value: [
      { port: 443, isTestable: true, out: true, in: true },
      { port: 3478, isTestable: true, out: true, in: false },
      { port: 5004, isTestable: true, out: true, in: null },
      { port: 5060, isTestable: false },
      { port: 9000, isTestable: true, out: false, in: false },
    ],
  },
  otherPaths: [],
  confirmed: false,
};

/** @param {Partial<NatDiagnosis>} [diagnosis] */
const nat = (diagnosis) => natMeasurement({ ...KNOWN, ...diagnosis }, URL_OF_MIRROR);
/** @param {Partial<NatDiagnosis>} [diagnosis] */
const ports = (diagnosis) => portMapMeasurement({ ...KNOWN, ...diagnosis }, URL_OF_MIRROR);

/** @param {import('../../../js/report/index.js').Measurement[]} measurements */
const reportOf = (...measurements) =>
  createReport({
    createdAt: '2026-01-31T12:00:00Z',
    tool: { name: 'postern', version: '0' },
    platform: { name: 'chromium' },
    measurements,
  });

test('all that is known', () => {
  expect(nat()).toEqual({
    id: 'nat/mirror/mirror.example.org',
    kind: 'nat',
    whose: 'client',
    method: 'mirror',
    status: 'ok',
    behindNat: { value: 'yes' },
    mapping: { value: 'endpoint-independent' },
    filtering: { value: 'address-and-port-dependent' },
    hairpinning: { value: 'no' },
    portPreservation: { value: 'no' },
    lifetime: { atLeastMs: 20_000, atMostMs: 40_000 },
    mappedAddresses: [{ address: PLACE.address, port: PLACE.port }],
  });
  expect(reportOf(nat()).findings.map(({ id }) => id)).toEqual(
    expect.arrayContaining(['nat-direct', 'nat-mapping-short', 'udp-passes']),
  );
});

describe('what is not known', () => {
  test('says why, and what is left', () => {
    expect(
      nat({ mapping: unknown('one-address', ['endpoint-independent', 'address-dependent']) }),
    ).toMatchObject({
      status: 'ok',
      mapping: {
        value: 'unknown',
        because: `${REASONS['one-address']}; what is left: endpoint-independent, address-dependent`,
      },
    });
  });

  test('is left out where nobody has asked for it', () => {
    const measurement = nat({
      hairpinning: unknown('not-asked'),
      bindingLifetime: unknown('not-asked'),
    });
    expect(measurement.hairpinning).toBeUndefined();
    expect(measurement.lifetime).toBeUndefined();
    expect(nat({ bindingLifetime: unknown('contradiction') }).lifetime).toEqual({
      because: REASONS.contradiction,
    });
  });

  test('a binding that never was gone', () => {
    const value = { atLeastSeconds: 80, lessThanSeconds: undefined };
    expect(nat({ bindingLifetime: { value } }).lifetime).toEqual({ atLeastMs: 80_000 });
  });

  test('makes the measurement unknown where nothing is left of it', () => {
    const lost = unknown('loss');
    expect(nat({ mapping: lost, filtering: lost, behindNat: lost })).toMatchObject({
      status: 'unknown',
      because: REASONS.loss,
    });
  });
});

test('no packet of the browser reached the mirror: UDP is silent', () => {
  const silent = unknown('no-check');
  const measurement = nat({
    publicAddress: silent,
    mapping: silent,
    filtering: silent,
    behindNat: silent,
    portPreservation: silent,
    hairpinning: silent,
    bindingLifetime: silent,
  });
  expect(measurement).toMatchObject({ status: 'failed', error: { code: 'ERR_STUN_TIMEOUT' } });
  expect(measurement.mappedAddresses).toBeUndefined();
  expect(reportOf(measurement).findings.map(({ id }) => id)).toContain('nat-unknown');
});

test('a mirror that is not reached says nothing of the NAT', () => {
  const measurement = natUnknown(URL_OF_MIRROR, { message: 'It could not be reached.' });
  expect(measurement).toMatchObject({ status: 'unknown', because: 'It could not be reached.' });
  expect(reportOf(measurement).findings.map(({ id }) => id)).toEqual(['nat-unknown']);
});

describe('the port map', () => {
  test('has each port both ways', () => {
    const states = ports()?.ports.map(({ port, outwards, inwards }) => [port, outwards, inwards]);
    expect(states).toEqual([
      [443, 'open', 'open'],
      [3478, 'open', 'blocked'],
      [5004, 'open', 'unknown'],
      [5060, 'untestable', 'untestable'],
      [9000, 'blocked', 'unknown'],
    ]);
    const measurement = /** @type {NonNullable<ReturnType<typeof ports>>} */ (ports());
    expect(measurement.id).toBe('port-map/udp/mirror.example.org');
    expect(reportOf(measurement).findings.map(({ id }) => id)).toEqual(
      expect.arrayContaining(['ports-blocked', 'ports-blocked-inwards', 'ports-untestable']),
    );
  });

  test.each(/** @type {const} */ (['not-offered', 'not-asked']))('is none: %s', (reason) => {
    expect(ports({ portMap: unknown(reason) })).toBeUndefined();
  });

  test('is not known', () => {
    expect(ports({ portMap: unknown('failed') })).toMatchObject({
      status: 'unknown',
      because: REASONS.failed,
      ports: [],
    });
  });
});
