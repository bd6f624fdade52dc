// What numbers are good enough for a call. Data: docs/report.md shows this table.

/** @typedef {import('../measurements/types.js').QualityMeasurement} QualityMeasurement */

/** From best to worst. */
export const LEVELS = /** @type {const} */ (['excellent', 'good', 'fair', 'poor']);

/** @typedef {(typeof LEVELS)[number]} Level */

/**
 * @typedef {object} Threshold
 * @property {string} metric also the name of the fact
 * @property {string} title
 * @property {readonly string[]} path where the number is in a measurement of quality
 * @property {'least' | 'most'} better 'least': the limits are the largest values; 'most': the smallest ones
 * @property {number} excellent
 * @property {number} good
 * @property {number} fair what is beyond is poor
 * @property {'ms' | '%' | 'kbit/s' | ''} unit
 */

/**
 * Loss and jitter: G.711 with concealment loses half a point of MOS at some 5 %. Delay: ITU-T G.114 has 150 ms one way as
 * what most do not notice, and 400 ms as the limit; round trips of 300 ms with a jitter buffer are near the former. MOS:
 * the bands of ITU-T G.107 annex B; by its lower end, so that no formula has to be lucky. The others are ours.
 *
 * @type {readonly Threshold[]}
 */
export const THRESHOLDS = [
  {
    metric: 'loss',
    title: 'loss',
    path: ['arrivals', 'lossRatio'],
    better: 'least',
    excellent: 0.005,
    good: 0.01,
    fair: 0.05,
    unit: '%',
  },
  {
    metric: 'jitter',
    title: 'jitter',
    path: ['jitter', 'jitterMs'],
    better: 'least',
    excellent: 10,
    good: 30,
    fair: 60,
    unit: 'ms',
  },
  {
    metric: 'delay',
    title: 'round trip',
    path: ['roundTrips', 'medianMs'],
    better: 'least',
    excellent: 150,
    good: 300,
    fair: 500,
    unit: 'ms',
  },
  {
    metric: 'voice',
    title: 'MOS',
    path: ['mos', 'low'],
    better: 'most',
    excellent: 4,
    good: 3.6,
    fair: 3.1,
    unit: '',
  },
  {
    metric: 'stalls',
    title: 'longest stall',
    path: ['stalls', 'longestMs'],
    better: 'least',
    excellent: 150,
    good: 400,
    fair: 1000,
    unit: 'ms',
  },
  {
    metric: 'loaded',
    title: 'delay added by load',
    path: ['loadedLatency', 'addedMs'],
    better: 'least',
    excellent: 30,
    good: 100,
    fair: 400,
    unit: 'ms',
  },
  {
    metric: 'throughput',
    title: 'throughput',
    path: ['throughput', 'kbps'],
    better: 'most',
    excellent: 2000,
    good: 500,
    fair: 100,
    unit: 'kbit/s',
  },
  {
    metric: 'bursts',
    title: 'burst of losses',
    path: ['arrivals', 'bursts', 'burstMs'],
    better: 'least',
    excellent: 60,
    good: 200,
    fair: 1000,
    unit: 'ms',
  },
];

/** @param {QualityMeasurement} measurement @param {readonly string[]} path @returns {number | undefined} */
export function numberAt(measurement, path) {
  /** @type {any} */
  let value = measurement;
  for (const name of path) value = value?.[name];
  return typeof value === 'number' ? value : undefined;
}

/** @param {number} value @param {Threshold} threshold @returns {Level} */
export function levelOf(value, threshold) {
  const { better } = threshold;
  return (
    /** @type {const} */ (['excellent', 'good', 'fair']).find((level) =>
      better === 'least' ? value <= threshold[level] : value >= threshold[level],
    ) ?? 'poor'
  );
}

/** @param {number} value @param {Threshold['unit']} unit @returns {string} such as '3.2 %' */
export function inUnit(value, unit) {
  if (unit === '%') return `${Number((100 * value).toFixed(1))} %`;
  const digits = unit === '' ? 1 : 0;
  return `${Number(value.toFixed(digits))}${unit === '' ? '' : ` ${unit}`}`;
}
