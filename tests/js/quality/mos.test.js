// The E-model and the rule of thumb, against numbers that were computed apart from this code.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  approximateDelayImpairment,
  delayImpairment,
  estimateMos,
  lossImpairment,
  mosOfRating,
  mouthToEarMs,
  ruleOfThumb,
} from '../../../js/quality/index.js';

/** To the two decimals that the tables have. @param {number} found @param {number} expected */
const expectNear = (found, expected) => expect(Math.abs(found - expected)).toBeLessThan(0.0051);

describe('MOS', () => {
  test.each([
    [93.2, 4.409],
    [90, 4.339],
    [80, 4.024],
    [70, 3.597],
    [60, 3.1],
    [50, 2.575],
    [3.2, 1],
    [0, 1],
    [-5, 1],
    [100, 4.5],
  ])('of R %p', (r, mos) => {
    expect(mosOfRating(r)).toBeCloseTo(mos, 3);
  });

  test.each([
    [50, 0, 1.2],
    [100, 0, 2.4],
    [150, 0.16, 3.6],
    [200, 3.04, 7.3],
    [250, 8.92, 14],
    [300, 14.76, 20.7],
    [400, 24.07, 34.1],
    [500, 30.64, 47.5],
  ])('impairment by a delay of %p ms', (delay, full, approximate) => {
    expectNear(delayImpairment(delay), full);
    expectNear(approximateDelayImpairment(delay), approximate);
  });

  test.each([
    [20, 0, 93.2, 92.72],
    [150, 0.01, 89.4, 85.96],
    [250, 0.02, 77.27, 72.19],
    [400, 0.05, 53.35, 43.32],
  ])('R of %p ms and a loss of %p', (delay, loss, full, approximate) => {
    const rest = 93.2 - lossImpairment(loss);
    expectNear(rest - delayImpairment(delay), full);
    expectNear(rest - approximateDelayImpairment(delay), approximate);
  });

  test.each([
    [20, 2, 0, 92.35],
    [100, 10, 0, 89.95],
    [150, 20, 0.01, 82.7],
    [200, 30, 0.02, 73.2],
    [300, 50, 0.05, 51.7],
  ])('rule of thumb: %p ms, jitter %p ms, loss %p', (delay, jitter, loss, r) => {
    const latency = mouthToEarMs(2 * delay, jitter);
    expect(latency).toBe(delay + 2 * jitter + 10);
    expect(ruleOfThumb(latency, loss)).toBeCloseTo(r, 9);
  });

  test('losses in bursts and codecs without concealment are worse', () => {
    expect(lossImpairment(0.02, 'g711-plc', 2)).toBeGreaterThan(lossImpairment(0.02));
    expect(lossImpairment(0.02, 'g711')).toBeGreaterThan(lossImpairment(0.02));
    expect(lossImpairment(0, 'g729a')).toBe(11);
  });

  test('is a range over formulas that have names', () => {
    const { low, high, formulas } = estimateMos({
      roundTripMs: 500,
      jitterMs: 40,
      lossRatio: 0.05,
    });
    expect(formulas.map(({ name }) => name)).toEqual([
      'e-model',
      'cole-rosenbluth',
      'rule-of-thumb',
    ]);
    expect(low).toBe(Math.min(...formulas.map(({ mos }) => mos)));
    expect(high).toBe(Math.max(...formulas.map(({ mos }) => mos)));
    expect(high - low).toBeGreaterThan(0.3);
  });

  test('more delay, jitter or loss is never better', () => {
    const input = fc.record({
      roundTripMs: fc.double({ min: 0, max: 3000, noNaN: true }),
      jitterMs: fc.double({ min: 0, max: 300, noNaN: true }),
      lossRatio: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    const more = { roundTripMs: 10, jitterMs: 5, lossRatio: 0.01 };
    fc.assert(
      fc.property(input, fc.constantFrom(...Object.entries(more)), (a, [name, add]) => {
        const value = a[/** @type {keyof typeof a} */ (name)] + add;
        const b = { ...a, [name]: name === 'lossRatio' ? Math.min(1, value) : value };
        const [before, after] = [estimateMos(a), estimateMos(b)];
        expect(after.low).toBeLessThanOrEqual(before.low + 1e-9);
        expect(after.high).toBeLessThanOrEqual(before.high + 1e-9);
        for (const { mos } of after.formulas) expect(mos).toBeGreaterThanOrEqual(1);
      }),
    );
  });

  test.each([
    ['roundTripMs', { roundTripMs: -1 }],
    ['lossRatio', { lossRatio: 1.1 }],
    ['burstRatio', { burstRatio: 0 }],
    ['codec', { codec: 'opus' }],
  ])('%s is checked', (name, wrong) => {
    const input = { roundTripMs: 1, jitterMs: 1, lossRatio: 0, ...wrong };
    expect(() => estimateMos(/** @type {any} */ (input))).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', argument: `input.${name}` }),
    );
  });
});
