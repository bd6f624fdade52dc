// A report of what was measured.
import { requireObject } from '../codec/arguments.js';
import { FORMAT, REPORT_SCHEMA, VERSION } from './measurements/schema.js';
import { checkSchema, wrong } from './measurements/validate.js';
import { verdictOf } from './verdict/verdict.js';

/** @typedef {import('./measurements/types.js').Measurement} Measurement */
/** @typedef {import('./measurements/types.js').Report} Report */

/**
 * What the schema does not say: ids are there once, what findings and asks name is there, and what was not found out has a
 * reason.
 *
 * @param {Report} report of the right form
 * @throws {PosternError} ERR_INVALID_ARGUMENT
 */
export function checkMeaning({ measurements, findings, asks }) {
  const ids = new Set();
  for (const [i, { id, status, because }] of measurements.entries()) {
    const path = `report.measurements[${i}]`;
    if (ids.has(id)) throw wrong(`${path}.id`, 'there once');
    ids.add(id);
    if ((status === 'unknown' || status === 'skipped') && because === undefined) {
      throw wrong(`${path}.because`, `there, since the status is ${status}`);
    }
  }
  for (const [name, list] of Object.entries({ findings, asks })) {
    for (const [i, { evidence }] of list.entries()) {
      const at = evidence.findIndex((id) => !ids.has(id));
      if (at >= 0) {
        throw wrong(`report.${name}[${i}].evidence[${at}]`, 'the id of a measurement');
      }
    }
  }
}

/**
 * Judges measurements, and makes a report of them.
 *
 * @param {import('./measurements/types.js').ReportHead & { measurements: Measurement[] }} input
 * @returns {Report}
 * @throws {PosternError | TypeError} ERR_INVALID_ARGUMENT with the path of what is wrong as `argument`
 */
export function createReport(input) {
  const { createdAt, tool, platform, name, measurements } = requireObject(input, 'input');
  const head = {
    format: FORMAT,
    version: VERSION,
    createdAt,
    tool,
    platform,
    ...(name === undefined ? {} : { name }),
  };
  /** @type {Report} */
  const empty = { ...head, grade: 'unknown', summary: '', findings: [], asks: [], measurements };
  checkSchema(empty, REPORT_SCHEMA, 'report');
  checkMeaning(empty);
  return { ...head, ...verdictOf(measurements, { nowMs: Date.parse(createdAt) }), measurements };
}
