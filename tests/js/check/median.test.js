import { expect, test } from '@jest/globals';
import { median } from '../../../js/check/median.js';

test.each([
  [[], null],
  [[7], 7],
  [[9, 1, 5], 5],
  [[4, 1, 3, 100], 3.5],
])('median(%p) is %p, and leaves the samples as they are', (samples, expected) => {
  const before = [...samples];
  expect(median(samples)).toBe(expected);
  expect(samples).toEqual(before);
});
