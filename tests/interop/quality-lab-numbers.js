// What the tests of quality share: numbers as they were injected and as they are reported, and what both are computed with.
import { constants, setPriority } from 'node:os';

/**
 * One number.
 *
 * @typedef {object} Row
 * @property {string} what was done, and where
 * @property {string} unit
 * @property {number} injected
 * @property {number | null | undefined} reported
 * @property {number} [points] how far it may be off; a tenth of what was injected if left out
 */

/** @param {number[]} values */
export const median = (values) => values.toSorted((a, b) => a - b)[(values.length - 1) >> 1];

/** How long it took to pass. @param {import('../support/wire.js').Passage[]} log */
export const delaysOf = (log) => log.map(({ atMs, sentMs }) => sentMs[0] - atMs);

/** RFC 3550 appendix A.8, of transit times, in the order of arrival. @param {number[]} transits */
export const jitterOf = (transits) =>
  transits.reduce(
    (jitter, transit, i) =>
      i === 0 ? 0 : jitter + (Math.abs(transit - transits[i - 1]) - jitter) / 16,
    0,
  );

/** RFC 4737 section 3.3, of the order in which a wire passed them on. @param {import('../support/wire.js').Passage[]} log */
export function countReordered(log) {
  const order = log.map((_, i) => i).toSorted((a, b) => log[a].places[0] - log[b].places[0]);
  let nextExpected = 0;
  return order.filter((sequence) => {
    const isLate = sequence < nextExpected;
    nextExpected = Math.max(nextExpected, sequence + 1);
    return isLate;
  }).length;
}

/** @param {Row} row */
export const isNear = ({ injected, reported, points = injected / 10 }) =>
  typeof reported === 'number' && Math.abs(reported - injected) <= points;

/** @param {Row[]} rows */
export function tableOf(rows) {
  const number = (/** @type {number} */ value) => value.toFixed(2);
  const cells = rows.map(({ what, unit, injected, reported, points }) => {
    const difference = (reported ?? Number.NaN) - injected;
    const shown = points ? difference : (100 * difference) / injected;
    return [
      `${what}: ${unit}`,
      number(injected),
      number(reported ?? Number.NaN),
      `${number(shown)} ${points ? 'points' : '%'}`,
    ];
  });
  const all = [['', 'injected', 'reported', 'difference'], ...cells];
  const widths = all[0].map((_, i) => Math.max(...all.map((row) => row[i].length)));
  return all
    .map((row) =>
      row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))),
    )
    .map((row) => row.join('  '))
    .join('\n');
}

/** What the machine does to a measurement, busy as it is, is not what was injected. */
const TRIES = 3;

/**
 * Measures again where it is too far off. What is wrong with the measuring is wrong each time.
 *
 * @param {() => Promise<Row[]>} measure
 * @returns {Promise<Row[]>}
 */
export async function measureUntilNear(measure) {
  for (let tries = 1; ; tries += 1) {
    const rows = await measure();
    if (tries === TRIES || rows.every(isNear)) return rows;
    console.warn(`Measured again, since this was off:\n${tableOf(rows)}`);
  }
}

/**
 * What measures times comes before what else this machine does, as far as that is allowed.
 *
 * @param {number | undefined} pid 0: this process
 * @param {number} [priority]
 */
export function prefer(pid, priority = constants.priority.PRIORITY_HIGHEST) {
  try {
    if (pid !== undefined) setPriority(pid, priority);
  } catch {}
}

/**
 * Runs tasks, so many at once.
 *
 * @template T
 * @param {readonly T[]} items
 * @param {number} atOnce
 * @param {(item: T) => Promise<void>} task
 */
export async function runAll(items, atOnce, task) {
  const waiting = [...items];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await task(next);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}
