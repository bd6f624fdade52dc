// Quantiles: exact while samples are few, within the accuracy that is promised when they are many.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Distribution } from '../../../js/quality/index.js';

/** @param {Iterable<number>} samples */
function distributionOf(samples) {
  const distribution = new Distribution();
  for (const sample of samples) distribution.add(sample);
  return distribution;
}

/** By definition, over all samples. @param {number[]} samples @param {number} part */
const quantileOf = (samples, part) =>
  samples.toSorted((a, b) => a - b)[Math.max(1, Math.ceil(part * samples.length)) - 1];

const PARTS = [0, 0.05, 0.5, 0.95, 0.99, 1];
/** More than are kept as they are. */
const MANY = 5000;

describe('Distribution', () => {
  test('of nothing there is nothing to tell', () => {
    const none = new Distribution();
    expect([none.count, none.min, none.max, none.mean, none.quantile(0.5)]).toEqual([
      0,
      null,
      null,
      null,
      null,
    ]);
    expect(none.above(0)).toEqual({ count: 0, sum: 0 });
  });

  test('few samples: exact, by nearest rank', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), {
          minLength: 1,
          maxLength: 1024,
        }),
        fc.constantFrom(...PARTS),
        (samples, part) => {
          const distribution = distributionOf(samples);
          expect(distribution.quantile(part)).toBe(quantileOf(samples, part));
          expect(distribution.min).toBe(quantileOf(samples, 0));
          expect(distribution.max).toBe(quantileOf(samples, 1));
        },
      ),
    );
  });

  test.each([
    ['round-trip times', (/** @type {number} */ i) => 20 + ((i * 7919) % MANY) / 50],
    ['delays between two clocks', (/** @type {number} */ i) => -4e6 + ((i * 7919) % MANY) / 50],
    ['later ones smaller', (/** @type {number} */ i) => 200 - i / 50],
    ['some very long', (/** @type {number} */ i) => (i % 50 === 0 ? 3000 + i : 10 + (i % 17))],
    ['all the same', () => 42],
  ])('many samples, %s: within 1 %% of the distance', (_, sampleAt) => {
    const samples = Array.from({ length: MANY }, (_, i) => sampleAt(i));
    const distribution = distributionOf(samples);
    const reference = Math.min(...samples.slice(0, 1024));
    for (const part of PARTS) {
      const exact = quantileOf(samples, part);
      const found = /** @type {number} */ (distribution.quantile(part));
      expect(Math.abs(found - exact)).toBeLessThanOrEqual(
        0.0101 * Math.abs(exact - reference) + 0.001,
      );
    }
    expect(distribution.count).toBe(MANY);
  });

  test('what is above a threshold, of few and of many', () => {
    const few = distributionOf([1, 2, 3, 10]);
    expect(few.above(2)).toEqual({ count: 2, sum: 13 });
    const many = distributionOf(
      Array.from({ length: MANY }, (_, i) => (i % 10 === 0 ? 500 : 20)),
    ).above(60);
    expect(many.count).toBe(MANY / 10);
    expect(many.sum / many.count / 500).toBeCloseTo(1, 1);
  });

  test('takes finite numbers', () => {
    expect(() => new Distribution().add(Number.NaN)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', argument: 'sample' }),
    );
  });
});
