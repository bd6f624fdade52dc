// Live numbers as charts and tables take them.
import { expect, test } from '@jest/globals';
import { Series } from '../../../js/page/model/series.js';

/** @param {string} id @param {number} atMs @param {object} [values] */
const sample = (id, atMs, values) => ({
  id,
  transport: /** @type {'udp' | 'tcp'} */ (id.startsWith('udp') ? 'udp' : 'tcp'),
  atMs,
  roundTripMs: null,
  jitterMs: null,
  lossRatio: null,
  kbps: null,
  ...values,
});

test('flows share their places, and have nothing where they were not measured', () => {
  const series = new Series();
  series.add(sample('udp', 251, { roundTripMs: 10 }));
  series.add(sample('udp', 498, { roundTripMs: 12 }));
  series.add(sample('tcp', 255, { roundTripMs: 30 }));
  expect(series.names).toEqual(['UDP', 'TCP']);
  expect(series.columns('roundTripMs')).toEqual([
    [0.25, 0.5],
    [10, 12],
    [30, null],
  ]);
  expect(series.has('roundTripMs')).toBe(true);
  expect(series.has('kbps')).toBe(false);
});

test('two flows over one transport are told apart', () => {
  const series = new Series();
  for (const id of ['udp/a', 'udp/b']) series.add(sample(id, 250));
  expect(series.names).toEqual(['UDP', 'UDP #2']);
  expect(new Set(series.looks).size).toBe(2);
});

test('a transport looks the same, whatever was measured before', () => {
  const [alone, second] = [new Series(), new Series()];
  alone.add(sample('tcp', 250));
  second.add(sample('udp', 250));
  second.add(sample('tcp', 250));
  expect(alone.looks[0]).toBe(second.looks[1]);
});

test('a table has the mean of each second in which something was measured, and loss in percent', () => {
  const series = new Series();
  for (const [at, lossRatio] of [
    [0, 0.01],
    [500, 0.03],
    [2000, 0.5],
  ]) {
    series.add(sample('udp', at, { lossRatio }));
  }
  series.add(sample('tcp', 1000));
  expect(series.rows('lossPercent')).toEqual([
    { second: 0, values: [2, null] },
    { second: 2, values: [50, null] },
  ]);
});

test('a flow without end takes no memory without end', () => {
  const series = new Series();
  for (let at = 0; at < 3_600_000; at += 250) series.add(sample('udp', at, { kbps: 1 }));
  expect(series.columns('kbps')[0].length).toBeLessThan(2000);
});
