// Reports for monitoring: the text that Prometheus scrapes, such as from a file of its node exporter.
import { exposition } from '../../metrics/exposition.js';
import { GRADE_ORDER } from '../verdict/grades.js';
import { redact } from './redact.js';

/** @typedef {import('../../metrics/exposition.js').Metric} Metric */
/** @typedef {import('../measurements/types.js').Measurement} Measurement */
/** @typedef {import('../measurements/types.js').Report} Report */
/** @typedef {Metric['samples'][number]} Sample */

const MS_PER_S = 1000;
const BITS_PER_KBIT = 1000;

/**
 * One number of some measurements.
 *
 * @param {readonly Measurement[]} measurements
 * @param {(one: Measurement) => (readonly [number | null | undefined, Record<string, string>?])[]} read
 * @returns {Sample[]}
 */
const samplesOf = (measurements, read) =>
  measurements.flatMap((one) =>
    read(one).flatMap(([value, labels = {}]) =>
      value === null || value === undefined
        ? []
        : [/** @type {Sample} */ ([{ id: one.id, ...labels }, value])],
    ),
  );

/** @param {number | null | undefined} ms */
const toSeconds = (ms) => (ms === null || ms === undefined ? ms : ms / MS_PER_S);

/** @param {Measurement} one @returns {[number | null | undefined, Record<string, string>?][]} */
function roundTripsOf(one) {
  if (one.kind === 'quality') {
    const { minMs, medianMs, p95Ms, maxMs } = one.roundTrips ?? {};
    return Object.entries({ min: minMs, median: medianMs, p95: p95Ms, max: maxMs }).map(
      ([stat, ms]) => [toSeconds(ms), { stat }],
    );
  }
  return 'roundTripMs' in one ? [[toSeconds(one.roundTripMs), { stat: 'median' }]] : [];
}

/** @param {Measurement} one @returns {[number | undefined, Record<string, string>][]} */
function throughputsOf(one) {
  if (one.kind !== 'quality') return [];
  const { throughput: both, throughputUp: up, throughputDown: down } = one;
  return Object.entries({ both, up, down }).map(([direction, summary]) => {
    const kbps = summary?.kbps;
    return [typeof kbps === 'number' ? kbps * BITS_PER_KBIT : undefined, { direction }];
  });
}

/** @param {string} name @param {string} help @param {Sample[]} samples @returns {Metric} */
const gauge = (name, help, samples) => ({
  name: `postern_test_${name}`,
  type: 'gauge',
  help,
  samples,
});

/**
 * @param {Report} report
 * @param {import('./redact.js').RedactOptions} [options]
 * @returns {string} gauges in the text format 0.0.4, whose names begin with postern_test_
 * @throws {PosternError | TypeError} as redact() does
 */
export function toPrometheus(report, options) {
  const { createdAt, grade, findings, measurements } = redact(report, options);
  /** @param {Parameters<typeof samplesOf>[1]} read */
  const of = (read) => samplesOf(measurements, read);
  const metrics = [
    gauge('timestamp_seconds', 'When the report was made, in seconds since 1970.', [
      [{}, Date.parse(createdAt) / MS_PER_S],
    ]),
    gauge(
      'grade',
      '1 for the grade of the report, 0 for the others.',
      GRADE_ORDER.map((one) => [{ grade: one }, one === grade ? 1 : 0]),
    ),
    gauge(
      'finding',
      '1 for each finding.',
      findings.map(({ id, severity, about }) => [{ id, severity, about }, 1]),
    ),
    gauge(
      'ok',
      '1 for each measurement that is ok, 0 for each that failed; none for others.',
      of(({ kind, whose, status }) =>
        status === 'ok' || status === 'failed' ? [[status === 'ok' ? 1 : 0, { kind, whose }]] : [],
      ),
    ),
    gauge('round_trip_seconds', 'Round-trip times.', of(roundTripsOf)),
    gauge(
      'phase_seconds',
      'How long each step to a server took.',
      of((one) =>
        one.kind === 'reachability'
          ? Object.entries(one.phases ?? {}).map(([phase, ms]) => [toSeconds(ms), { phase }])
          : [],
      ),
    ),
    gauge(
      'jitter_seconds',
      'Interarrival jitter of RFC 3550.',
      of((one) => (one.kind === 'quality' ? [[toSeconds(one.jitter?.jitterMs)]] : [])),
    ),
    gauge(
      'loss_ratio',
      'Packets lost, 0 to 1.',
      of((one) => (one.kind === 'quality' ? [[one.arrivals?.lossRatio]] : [])),
    ),
    gauge(
      'throughput_bits_per_second',
      'Bytes of the application, as bits a second: up and down at once, or one of them.',
      of(throughputsOf),
    ),
    gauge(
      'mos',
      'Estimated mean opinion score: the ends of its range.',
      of((one) =>
        one.kind === 'quality'
          ? [
              [one.mos?.low, { end: 'low' }],
              [one.mos?.high, { end: 'high' }],
            ]
          : [],
      ),
    ),
    gauge(
      'certificate_expiry_seconds',
      'When a certificate expires, in seconds since 1970.',
      of((one) =>
        one.kind === 'certificate' && one.validTo !== undefined
          ? [[Date.parse(one.validTo) / MS_PER_S]]
          : [],
      ),
    ),
  ];
  return exposition(metrics.filter(({ samples }) => samples.length > 0));
}
