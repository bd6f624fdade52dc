// Those that are measured beside each other take turns, so that each round sees the same machine; and what is told of
// it.

import { median } from './statistics.js';

/** @typedef {{ bench: string, impl: string, value: number | null, unit: string, runs: number, note: string }} Line */

/**
 * @typedef {object} Output
 * @property {(line: Line) => void} print
 * @property {(line: Line) => void} conclude prints at the end
 * @property {(sentence: string) => void} say
 */

/**
 * @typedef {object} Entry
 * @property {string} name
 * @property {string} note why it is not measured; empty where it is
 * @property {Record<string, any[]>} results by metric, one of each round; none where it was not measured
 */

/**
 * Each enters, and one measures at a time, in an order that rotates. What fails is left out from then on.
 *
 * @template {Entry} T
 * @param {readonly T[]} entries
 * @param {number} rounds
 * @param {object} steps
 * @param {(entry: T) => Promise<void>} steps.enter
 * @param {(entry: T) => Promise<Record<string, any>>} steps.measure the results of one round, by metric
 */
export async function takeTurns(entries, rounds, { enter, measure }) {
  /** @param {T} entry @param {(entry: T) => Promise<void>} step */
  const attempt = async (entry, step) => {
    if (entry.note !== '') return;
    try {
      await step(entry);
    } catch (error) {
      entry.results = {};
      entry.note = `excluded: ${reasonOf(error)}`;
    }
  };
  for (const entry of entries) await attempt(entry, enter);
  for (let round = 0; round < rounds; round += 1) {
    for (let i = 0; i < entries.length; i += 1) {
      await attempt(entries[(round + i) % entries.length], async (entry) => {
        for (const [metric, result] of Object.entries(await measure(entry))) {
          entry.results[metric] ??= [];
          entry.results[metric].push(result);
        }
      });
    }
  }
}

/**
 * Prints the medians of a metric, and concludes with how postern stands to each of the others.
 *
 * @param {string} bench
 * @param {object} metric
 * @param {string} metric.name
 * @param {string} metric.unit
 * @param {(result: any) => number} metric.valueIn
 * @param {(entry: Entry, results: any[]) => string[]} metric.notesOf
 * @param {readonly Entry[]} entries
 * @param {Output} output
 * @param {(ratioTo: (name: string) => number | undefined) => import('./targets.js').Verdict[]} judge is given postern's
 *   value over that of NAME; undefined when that was not measured
 * @returns {boolean} whether postern was measured
 */
export function tell(bench, { name: metric, unit, valueIn, notesOf }, entries, output, judge) {
  const { print, conclude } = output;
  /** @type {Map<string, number[]>} */
  const values = new Map();
  for (const entry of entries) {
    const { name, note } = entry;
    const results = entry.results[metric] ?? [];
    const runs = results.length;
    if (runs === 0) {
      print({ bench, impl: name, value: null, unit, runs, note });
      continue;
    }
    const own = results.map(valueIn);
    values.set(name, own);
    const notes = notesOf(entry, results).filter((text) => text !== '');
    print({ bench, impl: name, value: median(own), unit, runs, note: notes.join('; ') });
  }
  const ours = values.get('postern');
  if (ours === undefined) return false;
  // Pairs of one round, which saw the same machine.
  const ratioTo = (/** @type {string} */ name) => {
    const theirs = values.get(name);
    return theirs && median(ours.map((value, i) => value / theirs[i]));
  };
  for (const name of values.keys()) {
    const value = ratioTo(name);
    if (name === 'postern' || value === undefined) continue;
    const note = `postern's ${unit} over those of ${name} (median over the rounds)`;
    conclude({ bench, impl: `ratio postern/${name}`, value, unit: 'x', runs: ours.length, note });
  }
  for (const verdict of judge(ratioTo)) conclude(concluding(bench, ours.length, verdict));
  return true;
}

/** @param {string} bench @param {number} runs @param {import('./targets.js').Verdict} verdict @returns {Line} */
export function concluding(bench, runs, { value, unit, reached, asked }) {
  const note = `${reached ? 'reached' : 'missed'}: ${asked}`;
  return { bench, impl: 'target', value, unit, runs, note };
}

/** @param {unknown} error */
export const reasonOf = (error) => (error instanceof Error ? error.message : String(error));
