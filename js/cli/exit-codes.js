// What the command ends with, and which failure of the library leads to which.
import { PosternError } from '../errors.js';

/** The numbers from 64 on are those of sysexits.h and of shells. */
export const EXIT = /** @type {const} */ ({
  ok: 0,
  degraded: 1,
  failed: 2,
  refused: 3,
  unreachable: 4,
  usage: 64,
  internal: 70,
  interrupted: 130,
});

/** For --help and docs/cli.md. @type {readonly (readonly [number, string])[]} */
export const EXIT_WORDS = [
  [EXIT.ok, 'all is well; check: excellent or good'],
  [EXIT.degraded, 'some of it failed, some did not; check: fair'],
  [EXIT.failed, 'all of it failed, or failed in different ways; check: poor or unknown'],
  [EXIT.refused, 'the server refused the credentials, or asks for some'],
  [EXIT.unreachable, 'no server was reached, or none answered in time; check: blocked'],
  [EXIT.usage, 'the command was not understood, or a file not read or written'],
  [EXIT.internal, 'a fault of this program'],
  [EXIT.interrupted, 'interrupted (SIGINT); relays were closed first'],
];

const REFUSED = new Set([
  'ERR_STUN_UNAUTHENTICATED',
  'ERR_STUN_CREDENTIALS_NEEDED',
  'ERR_STUN_STALE_NONCE',
]);
/** Unauthenticated (RFC 8489 section 14.8) and Wrong Credentials (RFC 8656 section 19). */
const REFUSED_CODES = new Set([401, 441]);
const UNREACHABLE = new Set([
  'ERR_DNS',
  'ERR_STUN_TIMEOUT',
  'ERR_TRANSPORT_CONNECT',
  'ERR_TRANSPORT_CLOSED',
  'ERR_TRANSPORT_PROXY',
]);
const USAGE = new Set(['ERR_INVALID_ARGUMENT', 'ERR_INVALID_URI']);

const brand = Symbol.for('postern.usage-error');

/** The command line, or a file that it names, is not what it should be. */
export class UsageError extends Error {
  get [brand]() {
    return true;
  }

  /**
   * True in each of the files that the command consists of.
   *
   * @param {unknown} value
   * @returns {value is UsageError}
   */
  static [Symbol.hasInstance](value) {
    return typeof value === 'object' && value !== null && brand in value;
  }
}

/** @typedef {{ code?: string, errorCode?: number }} Failure */

/**
 * @param {Failure} failure of a server
 * @returns {number}
 */
export function exitCodeOfFailure({ code = '', errorCode = 0 }) {
  if (REFUSED.has(code) || REFUSED_CODES.has(errorCode)) return EXIT.refused;
  if (UNREACHABLE.has(code)) return EXIT.unreachable;
  if (code === 'ERR_INTERNAL') return EXIT.internal;
  return EXIT.failed;
}

/** @param {unknown} error that was thrown */
export function exitCodeOf(error) {
  if (error instanceof UsageError) return EXIT.usage;
  const { code = '' } = /** @type {Failure} */ (error ?? {});
  if (USAGE.has(code) || code.startsWith('ERR_STRING_')) return EXIT.usage;
  return error instanceof PosternError ? exitCodeOfFailure(error) : EXIT.internal;
}

/** @param {readonly (Failure & { ok: boolean })[]} rows */
export function exitCodeOfRows(rows) {
  const failed = rows.filter(({ ok }) => !ok);
  if (failed.length === 0) return EXIT.ok;
  if (failed.length < rows.length) return EXIT.degraded;
  const codes = new Set(failed.map(exitCodeOfFailure));
  return codes.size === 1 ? [...codes][0] : EXIT.failed;
}

/** @type {Readonly<Record<import('../report/index.js').Grade, number>>} */
const EXIT_OF_GRADE = {
  excellent: EXIT.ok,
  good: EXIT.ok,
  fair: EXIT.degraded,
  poor: EXIT.failed,
  unknown: EXIT.failed,
  blocked: EXIT.unreachable,
};

/**
 * By the grade; but where each TURN server that answered has refused the credentials, the network is not to blame.
 *
 * @param {import('../report/index.js').Report} report
 */
export function exitCodeOfReport({ grade, measurements }) {
  const answers = measurements.flatMap((one) => {
    if (one.kind !== 'reachability' || one.service !== 'turn' || one.status === 'skipped') {
      return [];
    }
    const code = one.error === undefined ? EXIT.ok : exitCodeOfFailure(one.error);
    return code === EXIT.unreachable ? [] : [code];
  });
  const isRefused = answers.length > 0 && answers.every((code) => code === EXIT.refused);
  return isRefused ? EXIT.refused : EXIT_OF_GRADE[grade];
}
