// What changed from one report to the next.
import { GRADE_ORDER } from '../verdict/grades.js';
import { inUnit, numberAt, THRESHOLDS } from '../verdict/thresholds.js';
import { redact } from './redact.js';

/** @typedef {import('../measurements/types.js').Grade} Grade */
/** @typedef {import('../measurements/types.js').Measurement} Measurement */
/** @typedef {import('../measurements/types.js').Report} Report */
/** @typedef {import('../measurements/types.js').ReportFinding} ReportFinding */

/**
 * @typedef {object} Change
 * @property {string} id of a measurement or a finding
 * @property {string} text such as 'reachability/…: failed, was ok'
 */

/**
 * @typedef {object} Comparison
 * @property {{ before: Grade, after: Grade }} grade
 * @property {Change[]} better
 * @property {Change[]} worse
 * @property {Change[]} appeared measurements and findings that were not there
 * @property {Change[]} gone those that are no more
 * @property {string} text all of it, line by line; the first line is about the grade
 */

/** From worst to best; what was not tried is neither. @type {readonly Measurement['status'][]} */
const STATUSES = ['failed', 'unknown', 'ok'];
/** Ours: less is noise. */
const LEAST_CHANGE = 0.2;
/** Ours: as little as this is noise in any case. @type {Readonly<Record<string, number>>} */
const LEAST_STEP = Object.freeze({ '%': 0.002, ms: 5, 'kbit/s': 50, '': 0.1 });

/** @param {Measurement} before @param {Measurement} after @returns {{ isBetter: boolean, text: string }[]} */
function numberChanges(before, after) {
  if (before.kind !== 'quality' || after.kind !== 'quality') return [];
  return THRESHOLDS.flatMap(({ path, better, title, unit }) => {
    const [was, is] = [numberAt(before, path), numberAt(after, path)];
    if (was === undefined || is === undefined) return [];
    const step = Math.abs(is - was);
    if (step < LEAST_STEP[unit] || step < LEAST_CHANGE * Math.max(Math.abs(was), Math.abs(is))) {
      return [];
    }
    const isBetter = better === 'least' ? is < was : is > was;
    return [{ isBetter, text: `${title} ${inUnit(is, unit)}, was ${inUnit(was, unit)}` }];
  });
}

/** @param {Measurement} before @param {Measurement} after @returns {{ isBetter: boolean, text: string }[]} */
function changesOf(before, after) {
  const [was, is] = [STATUSES.indexOf(before.status), STATUSES.indexOf(after.status)];
  if (was >= 0 && is >= 0 && was !== is) {
    return [{ isBetter: is > was, text: `${after.status}, was ${before.status}` }];
  }
  return numberChanges(before, after);
}

/** @template {{ id: string }} T @param {readonly T[]} list @param {readonly { id: string }[]} other */
const missingIn = (list, other) => {
  const ids = new Set(other.map(({ id }) => id));
  return list.filter(({ id }) => !ids.has(id));
};

/** @param {ReportFinding} finding @returns {Change} */
const changeOfFinding = ({ id, severity, title }) => ({ id, text: `${severity}: ${title}` });
/** @param {Measurement} measurement @returns {Change} */
const changeOfMeasurement = ({ id, status }) => ({ id, text: `${id}: ${status}` });

/** @param {Grade} before @param {Grade} after */
function wordsOfGrade(before, after) {
  if (before === after) return `The grade is ${after}, as before.`;
  const isBetter = GRADE_ORDER.indexOf(after) > GRADE_ORDER.indexOf(before);
  return `The grade is ${after}, was ${before}: ${isBetter ? 'better' : 'worse'}.`;
}

/**
 * What is measured under one id is compared: whether it works, and numbers of quality that differ by a fifth or more.
 *
 * @param {Report} before
 * @param {Report} after
 * @param {import('./redact.js').RedactOptions} [options]
 * @returns {Comparison} redacted
 * @throws {PosternError | TypeError} as redact() does
 */
export function compareReports(before, after, options) {
  // One salt for both: a user is the same in each.
  const [old, now] = [before, after].map((report) =>
    redact({ ...report, createdAt: before.createdAt }, options),
  );
  const known = new Map(old.measurements.map((one) => [one.id, one]));
  const changes = now.measurements.flatMap((one) => {
    const was = known.get(one.id);
    const found = was === undefined ? [] : changesOf(was, one);
    return found.map(({ isBetter, text }) => ({
      isBetter,
      id: one.id,
      text: `${one.id}: ${text}`,
    }));
  });
  const pick = (/** @type {boolean} */ wanted) =>
    changes.filter(({ isBetter }) => isBetter === wanted).map(({ id, text }) => ({ id, text }));
  /** @param {Report} from @param {Report} other */
  const onlyIn = (from, other) => [
    ...missingIn(from.findings, other.findings).map(changeOfFinding),
    ...missingIn(from.measurements, other.measurements).map(changeOfMeasurement),
  ];
  const parts = {
    better: pick(true),
    worse: pick(false),
    appeared: onlyIn(now, old),
    gone: onlyIn(old, now),
  };
  const titles = { better: 'Better', worse: 'Worse', appeared: 'New', gone: 'Gone' };
  const lines = Object.entries(parts).flatMap(([name, list]) =>
    list.map(({ text }) => `${titles[/** @type {keyof typeof titles} */ (name)]}: ${text}`),
  );
  return {
    grade: { before: old.grade, after: now.grade },
    ...parts,
    text: [wordsOfGrade(old.grade, now.grade), ...lines].join('\n'),
  };
}
