// Reports as JSON.
import { PosternError } from '../../errors.js';
import { checkMeaning } from '../create-report.js';
import { REPORT_SCHEMA } from '../measurements/schema.js';
import { checkSchema } from '../measurements/validate.js';
import { redact } from './redact.js';

/** @typedef {import('../measurements/types.js').Report} Report */

/** Ours: some thousand measurements. */
const MAX_LENGTH = 32 * 1024 * 1024;

/** @param {string} message @param {string} argument */
const invalid = (message, argument) =>
  Object.assign(new PosternError('ERR_INVALID_ARGUMENT', message), { argument });

/**
 * @param {Report} report
 * @param {import('./redact.js').RedactOptions} [options]
 * @returns {string} redacted; keys are in the order of the schema, so that equal reports are equal texts
 * @throws {PosternError | TypeError} as redact() does
 */
export const toJson = (report, options) => `${JSON.stringify(redact(report, options), null, 2)}\n`;

/**
 * @param {string} text of toJson(), or what may be one
 * @returns {Report}
 * @throws {PosternError} ERR_INVALID_ARGUMENT with the path of what is wrong as `argument`, such as
 *   'report.measurements[3].status'. Its message quotes nothing of the text
 */
export function fromJson(text) {
  if (typeof text !== 'string') throw invalid('report must be a string of JSON.', 'report');
  if (text.length > MAX_LENGTH) throw invalid('report must be shorter than 32 MiB.', 'report');
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid('report must be JSON.', 'report');
  }
  checkSchema(value, REPORT_SCHEMA, 'report');
  checkMeaning(value);
  return value;
}
