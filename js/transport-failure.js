// What an error of a transport that stays open means to a client.
import { codeOf } from './system-error.js';

/** Errors of the network after which nothing sent to this address will arrive (RFC 8489 section 6.2.1). */
const HARD = new Set(['ECONNREFUSED', 'EMSGSIZE', 'EACCES', 'EPERM']);

/**
 * The code of the system's error that a transport's error is about.
 *
 * @param {unknown} error
 * @returns {string} empty when there is none
 */
export const systemCode = (error) =>
  codeOf(/** @type {{ cause?: unknown } | undefined} */ (error)?.cause) ?? '';

/** @param {unknown} error */
export const isHardError = (error) => HARD.has(systemCode(error));
