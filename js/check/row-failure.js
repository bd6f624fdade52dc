// What a row tells of an error.
import { PosternError } from '../errors.js';
import { codeOf } from '../system-error.js';

/** @typedef {import('../errors.js').ErrorDetails} ErrorDetails */

/**
 * @typedef {object} RowFailure
 * @property {string} code
 * @property {string} message
 * @property {number} [errorCode]
 * @property {string} [phase]
 * @property {string} [systemCode] of node:tls or the system, such as 'CERT_HAS_EXPIRED'
 * @property {string} [hint]
 * @property {number} [offset]
 * @property {import('../errors.js').AttemptReport[]} [attempts]
 */

/**
 * @param {unknown} error
 * @returns {RowFailure} only what is there
 * @throws what is no failure of a server: wrong arguments, and faults of ours
 */
export function failureOf(error) {
  if (!(error instanceof PosternError)) throw error;
  const { code, message, errorCode, phase, hint, offset, attempts, cause } =
    /** @type {PosternError} */ (error);
  const systemCode = systemCodeOf(cause);
  const optional = { errorCode, phase, systemCode, hint, offset, attempts };
  const present = Object.entries(optional).filter(([, value]) => value !== undefined);
  return { code, message, ...Object.fromEntries(present) };
}

/**
 * A row of what could not be reached, with the steps of the last try.
 *
 * @param {unknown} error
 * @returns {import('./check-ice-servers.js').RowResult}
 * @throws as failureOf() does
 */
export function failedRow(error) {
  const failure = failureOf(error);
  return { ok: false, ...failure, phases: failure.attempts?.at(-1)?.phases ?? {} };
}

/** The code of what is behind errors of ours. @param {unknown} cause @returns {string | undefined} */
function systemCodeOf(cause) {
  if (cause instanceof PosternError) return systemCodeOf(/** @type {PosternError} */ (cause).cause);
  return codeOf(cause);
}
