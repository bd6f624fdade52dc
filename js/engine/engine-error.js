import { coreError } from '../errors.js';
import { CLIENT_ERRORS } from '../generated/errors.js';

/**
 * The error for a number that the engine returned.
 *
 * @param {number} errc
 * @param {import('../errors.js').ErrorDetails} [details]
 */
export const engineError = (errc, details) => coreError(errc, details, CLIENT_ERRORS);
