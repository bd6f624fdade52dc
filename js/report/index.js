// Reports of network tests: what was measured, what it means, and how it is written down. Pure: no socket, no clock, no
// file; the same in Node and in browsers.

export { PosternError } from '../errors.js';
export { createReport } from './create-report.js';
export { measurementsOfRows } from './measurements/from-check-rows.js';
export { measurementId } from './measurements/ids.js';
export { REPORT_SCHEMA } from './measurements/schema.js';
export { compareReports } from './output/compare.js';
export { toHtml } from './output/html.js';
export { fromJson, toJson } from './output/json.js';
export { toJUnit } from './output/junit.js';
export { toPrometheus } from './output/prometheus.js';
export { redact } from './output/redact.js';
export { toText } from './output/text.js';
export { verdictOf } from './verdict/verdict.js';

// The types of what goes in and comes out.
/** @typedef {import('./measurements/types.js').Ask} Ask */
/** @typedef {import('./measurements/types.js').Grade} Grade */
/** @typedef {import('./measurements/types.js').Measurement} Measurement */
/** @typedef {import('./measurements/types.js').Report} Report */
/** @typedef {import('./measurements/types.js').ReportFinding} ReportFinding */
/** @typedef {import('./measurements/types.js').ReportHead} ReportHead */
/** @typedef {import('./measurements/types.js').Verdict} Verdict */
/** @typedef {import('./output/compare.js').Comparison} Comparison */
/** @typedef {import('./output/redact.js').RedactOptions} RedactOptions */
