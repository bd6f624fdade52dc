// Numbers as levels: facts of what a call would be like.
import { nameOfTransport } from './signs.js';
import { inUnit, LEVELS, levelOf, numberAt, THRESHOLDS } from './thresholds.js';

/** @typedef {import('../measurements/types.js').Measurement} Measurement */
/** @typedef {import('../measurements/types.js').QualityMeasurement} QualityMeasurement */
/** @typedef {import('./facts.js').Facts} Facts */
/** @typedef {import('./thresholds.js').Level} Level */

/** @param {QualityMeasurement} measurement @returns {{ metric: string, level: Level, words: string }[]} */
function levelsOf(measurement) {
  return THRESHOLDS.flatMap((threshold) => {
    const value = numberAt(measurement, threshold.path);
    if (value === undefined) return [];
    const { metric, title, unit } = threshold;
    const name = nameOfTransport(measurement.transport);
    const words = `${title} of ${inUnit(value, unit)} over ${name}`;
    return [{ metric, level: levelOf(value, threshold), words }];
  });
}

/** @param {readonly { level: Level }[]} levels not empty */
const worstOf = (levels) => LEVELS[Math.max(...levels.map(({ level }) => LEVELS.indexOf(level)))];

/**
 * Facts of names: those of the metrics of THRESHOLDS, with their levels as values; order: 'changed', copies: 'seen'; and
 * qualityUdp, qualityStream: the level of the best measurement over UDP, and over streams, whose own one is that of its
 * worst number.
 *
 * @param {Facts} facts
 * @param {readonly Measurement[]} measurements
 */
export function addQualityFacts(facts, measurements) {
  /** @type {Record<string, Record<string, import('./facts.js').Evidence[]>>} */
  const lanes = { qualityUdp: {}, qualityStream: {} };
  for (const one of measurements) {
    if (one.kind !== 'quality' || one.whose !== 'client' || one.status !== 'ok') continue;
    const { id, transport, arrivals } = one;
    const levels = levelsOf(one);
    for (const { metric, level, words } of levels) facts.add(metric, level, { id, words });
    const name = nameOfTransport(transport);
    if ((arrivals?.reordered ?? 0) > 0) {
      const words = `${arrivals?.reordered} of ${arrivals?.sent} over ${name}`;
      facts.add('order', 'changed', { id, words });
    }
    if ((arrivals?.duplicates ?? 0) > 0) {
      const words = `${arrivals?.duplicates} of ${arrivals?.sent} over ${name}`;
      facts.add('copies', 'seen', { id, words });
    }
    if (levels.length === 0) continue;
    const lane = lanes[transport === 'udp' ? 'qualityUdp' : 'qualityStream'];
    const worst = worstOf(levels);
    lane[worst] = [...(lane[worst] ?? []), { id, words: `over ${name}` }];
  }
  for (const [name, found] of Object.entries(lanes)) {
    facts.decide(name, Object.fromEntries(LEVELS.map((level) => [level, found[level] ?? []])));
  }
}
