// From facts to a grade. Data: docs/report.md shows these tables.

/** @typedef {import('../measurements/types.js').Grade} Grade */
/** @typedef {import('./facts.js').Conditions} Conditions */
/** @typedef {import('./facts.js').Facts} Facts */

/**
 * How a call would get through, the best way first: the first row whose conditions hold.
 *
 * @type {readonly { way: string, when: Conditions }[]}
 */
export const WAYS = [
  { way: 'udp', when: { relayUdp: 'works' } },
  { way: 'udp', when: { udp: 'passes', mapping: 'endpoint-independent' } },
  { way: 'udp', when: { udp: 'passes', behindNat: 'no' } },
  { way: 'udp', when: { path: 'direct' } },
  { way: 'stream', when: { streamRelay: 'works' } },
  { way: 'stream', when: { relay: 'works' } },
  { way: 'stream', when: { path: 'relayed' } },
  { way: 'doubtful', when: { relay: 'lost' } },
  { way: 'doubtful', when: { relay: 'silent', udp: 'passes' } },
  { way: 'none', when: { calls: ['silent', 'doubtful'] } },
  { way: 'none', when: { relay: 'silent', udp: ['silent', 'unknown'] } },
  { way: 'none', when: { webrtc: 'disabled' } },
];

/**
 * The grade of a way, and of the quality that was measured on it: the first row that fits.
 *
 * @type {readonly { grade: Grade, way: string, when?: Conditions }[]}
 */
export const GRADES = [
  { grade: 'poor', way: 'udp', when: { signalling: 'silent' } },
  { grade: 'poor', way: 'stream', when: { signalling: 'silent' } },
  { grade: 'excellent', way: 'udp', when: { qualityUdp: 'excellent' } },
  { grade: 'good', way: 'udp', when: { qualityUdp: ['good', 'unknown'] } },
  { grade: 'fair', way: 'udp', when: { qualityUdp: 'fair' } },
  {
    grade: 'fair',
    way: 'stream',
    when: { qualityStream: ['excellent', 'good', 'fair', 'unknown'] },
  },
  { grade: 'poor', way: 'udp' },
  { grade: 'poor', way: 'stream' },
  { grade: 'poor', way: 'doubtful' },
  { grade: 'blocked', way: 'none' },
];

/** From worst to best: of two reports the better one. @type {readonly Grade[]} */
export const GRADE_ORDER = ['blocked', 'unknown', 'poor', 'fair', 'good', 'excellent'];

/** What each of them means. @type {Readonly<Record<Grade, string>>} */
export const GRADE_WORDS = Object.freeze({
  excellent: 'Calls will work very well: UDP passes, and the path is fast and loses nothing.',
  good: 'Calls will work well: UDP passes.',
  fair: 'Calls will work, but not at their best.',
  poor: 'Calls may work, but often will not, or badly.',
  blocked: 'Calls will not work from here.',
  unknown: 'What was tested does not tell whether calls will work.',
});

/** @param {Facts} facts @returns {Grade} */
export function gradeOf(facts) {
  const way = WAYS.find(({ when }) => facts.fulfil(when))?.way;
  return GRADES.find((row) => row.way === way && facts.fulfil(row.when ?? {}))?.grade ?? 'unknown';
}
