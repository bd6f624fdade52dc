// Runs the steps of a network test, and makes the report of what they have measured. Knows no socket: what the steps do is
// theirs.
import { createReport } from '../report/create-report.js';
import { reportException } from '../turn/report-exception.js';

/** @typedef {import('../report/index.js').Measurement} Measurement */
/** @typedef {import('../report/index.js').Report} Report */
/** @typedef {import('../report/index.js').ReportHead} ReportHead */
/** @typedef {import('./events.js').OnEvent} OnEvent */
/** @typedef {import('./events.js').QualitySample} QualitySample */
/** @typedef {import('./events.js').StepInfo} StepInfo */

/**
 * What a step may use.
 *
 * @typedef {object} StepContext
 * @property {AbortSignal} signal
 * @property {readonly Measurement[]} measured of all steps that have ended before
 * @property {(measurement: Measurement) => void} report one that is finished
 * @property {(sample: QualitySample) => void} sample
 */

/**
 * One part of a test. What cannot be measured is a measurement too, of status 'failed', 'unknown' or 'skipped'; it throws
 * only where the test as a whole is to end.
 *
 * @typedef {StepInfo & { run: (context: StepContext) => Promise<void> }} Step
 */

/** Ids are there once in a report: the same server may be in a plan twice, for two users. */
class Ids {
  #taken = new Set();

  /** @param {Measurement} measurement @returns {Measurement} */
  own(measurement) {
    let { id } = measurement;
    for (let i = 2; this.#taken.has(id); i += 1) id = `${measurement.id}/${i}`;
    this.#taken.add(id);
    return id === measurement.id ? measurement : { ...measurement, id };
  }
}

/** What a listener throws ends nothing of ours. @param {OnEvent} onEvent @returns {OnEvent} */
const quietly = (onEvent) => (event) => {
  try {
    onEvent(event);
  } catch (error) {
    reportException(error);
  }
};

/**
 * Steps of one inner array run at once, the arrays one after the other: what measures time must be alone on the network.
 *
 * @param {readonly (readonly Step[])[]} groups
 * @param {object} options
 * @param {() => ReportHead} options.head asked for when all is measured
 * @param {AbortSignal} options.signal
 * @param {OnEvent} [options.onEvent]
 * @returns {Promise<Report>}
 * @throws `signal.reason`
 */
export async function runSteps(groups, { head, signal, onEvent = () => {} }) {
  signal.throwIfAborted();
  const tell = quietly(onEvent);
  tell({
    type: 'plan',
    steps: groups.flat().map(({ id, title, expectedMs }) => ({ id, title, expectedMs })),
  });
  /** @type {Measurement[]} */
  const measurements = [];
  const ids = new Ids();
  for (const group of groups) {
    // One that throws ends the others before the test ends.
    const controller = new AbortController();
    const both = AbortSignal.any([signal, controller.signal]);
    const before = [...measurements];
    const ends = await Promise.allSettled(
      group.map(async ({ id, run }) => {
        tell({ type: 'step', id, state: 'running' });
        try {
          await run({
            signal: both,
            measured: before,
            report: (given) => {
              const measurement = ids.own(given);
              measurements.push(measurement);
              tell({ type: 'measurement', step: id, measurement });
            },
            sample: (sample) => tell({ type: 'sample', step: id, sample }),
          });
        } catch (error) {
          controller.abort(error);
          throw error;
        }
        tell({ type: 'step', id, state: 'done' });
      }),
    );
    signal.throwIfAborted();
    for (const end of ends) {
      if (end.status === 'rejected') throw controller.signal.reason;
    }
  }
  const report = createReport({ ...head(), measurements });
  tell({ type: 'report', report });
  return report;
}
