// A report of what was measured.
import { REPORT_SCHEMA } from './measurements/schema.js';
import { checkSchema, wrong } from './measurements/validate.js';
import { verdictOf } from './verdict/verdict.js';

/** @typedef {import('./measurements/types.js').Measurement} Measurement */
/** @typedef {import('./measurements/types.js').Report} Report */

export const FORMAT = /** @type {const} */ ('postern-report');
export const VERSION = /** @type {const} */ (1);

/**
 * Ids are there once, and what findings and asks name is there.
 *
 * @param {Report} report of the right form
 * @throws {PosternError} ERR_INVALID_ARGUMENT
 */
export function checkReferences({ measurements, findings, asks }) {
  const ids = new Set();
  for (const [i, { id }] of measurements.entries()) {
    if (ids.has(id)) throw wrong(`report.measurements[${i}].id`, 'there once');
    ids.add(id);
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
 * @throws {PosternError} ERR_INVALID_ARGUMENT with the path of what is wrong as `argument`
 */
export function createReport({ createdAt, tool, platform, name, measurements }) {
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
  checkReferences(empty);
  return { ...head, ...verdictOf(measurements, { nowMs: Date.parse(createdAt) }), measurements };
}
