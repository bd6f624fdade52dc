// The one error class of postern. Match on `code`: it is stable; the sentence is for people.
import { CODEC_ERRORS, JS_ERRORS } from './generated/errors.js';
import { STUN_ERROR_CODES } from './generated/stun-error-codes.js';

/** @typedef {import('./codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('./generated/errors.js').ErrorCode} ErrorCode */

/**
 * Which step failed: of reaching a server, or of using a relay.
 *
 * @typedef {'dns' | 'connect' | 'proxy' | 'tls' | 'request' | 'challenge' | 'redirect' | 'allocate' | 'refresh'
 *   | 'permission' | 'channel' | 'peer' | 'move'} Phase
 */

/**
 * How long the steps took that were done before it failed, in milliseconds.
 *
 * @typedef {import('./transports/transport.js').OpenPhases & { dns: number }} AttemptPhases
 */

/**
 * One try at one address, for the `attempts` of an error.
 *
 * @typedef {object} AttemptReport
 * @property {string} url the server as it was named by the caller; of ws:// and wss:// without the query
 * @property {string} transport 'udp', 'tcp', 'tls', 'ws' or the name of a transport of the caller's
 * @property {string} address
 * @property {number} port
 * @property {ErrorCode | string} code
 * @property {number} [errorCode] STUN error code of the server's answer
 * @property {string} message
 * @property {AttemptPhases} [phases]
 */

/**
 * @typedef {object} ErrorDetails
 * @property {string} [url] as in AttemptReport
 * @property {Phase} [phase]
 * @property {number} [errorCode] STUN error code of the server's answer, such as 401
 * @property {string} [reason] the server's own words for it
 * @property {string} [hint] what it means, or what to do, in plain words
 * @property {number} [offset] byte (or, for strings, UTF-16 unit) at which the input stops making sense
 * @property {AttemptReport[]} [attempts] what was tried before giving up
 * @property {TransportAddress[]} [alternateServers] with errorCode 300: where the server sends its clients
 * @property {string} [alternateDomain] with errorCode 300: the name to expect in the certificate of those
 * @property {number[]} [unknownAttributes] with errorCode 420: what the server did not understand of the request;
 *   with ERR_STUN_UNKNOWN_ATTRIBUTES: what the client did not understand of the answer
 * @property {unknown} [cause]
 */

const brand = Symbol.for('postern.error');

/** @type {ReadonlyMap<string, string>} */
const sentences = new Map([...CODEC_ERRORS, ...Object.entries(JS_ERRORS)]);

/** An operation failed; `code` says how. Never holds a password, key or nonce. */
export class PosternError extends Error {
  /**
   * @param {ErrorCode} code
   * @param {string} [message] the code's own sentence when left out
   * @param {ErrorDetails} [details]
   */
  constructor(code, message, details = {}) {
    const { cause, ...rest } = details;
    super(message ?? sentences.get(code), cause === undefined ? undefined : { cause });
    /** Stable; see the table of codes in docs/errors.md. @type {ErrorCode} */
    this.code = code;
    /** @type {string | undefined} */ this.url = undefined;
    /** @type {Phase | undefined} */ this.phase = undefined;
    /** @type {number | undefined} */ this.errorCode = undefined;
    /** @type {string | undefined} */ this.reason = undefined;
    /** @type {string | undefined} */ this.hint = undefined;
    /** @type {number | undefined} */ this.offset = undefined;
    /** @type {AttemptReport[] | undefined} */ this.attempts = undefined;
    /** @type {TransportAddress[] | undefined} */ this.alternateServers = undefined;
    /** @type {string | undefined} */ this.alternateDomain = undefined;
    /** @type {number[] | undefined} */ this.unknownAttributes = undefined;
    Object.assign(this, rest);
  }

  get name() {
    return 'PosternError';
  }

  get [brand]() {
    return true;
  }

  /**
   * True for errors of this class, from any copy of the package.
   *
   * @param {unknown} value
   * @returns {value is PosternError}
   */
  static [Symbol.hasInstance](value) {
    return typeof value === 'object' && value !== null && brand in value;
  }
}

/**
 * A wrong argument: a TypeError with `code` ERR_INVALID_ARGUMENT and the argument's name.
 *
 * @param {string} argument name as the caller knows it, such as 'options.timeoutMs'
 * @param {string} expected what it takes, such as 'a positive number of milliseconds'
 * @returns {TypeError & { code: 'ERR_INVALID_ARGUMENT', argument: string }}
 */
export function argumentError(argument, expected) {
  return Object.assign(new TypeError(`${argument} must be ${expected}`), {
    code: /** @type {const} */ ('ERR_INVALID_ARGUMENT'),
    argument,
  });
}

/**
 * The error for a number that the core returned.
 *
 * @param {number} errc index into the core's list
 * @param {ErrorDetails} [details]
 * @param {readonly (readonly [ErrorCode, string])[]} [clientErrors] the part of the list that only clients need
 */
export function coreError(errc, details, clientErrors = []) {
  const row = CODEC_ERRORS[errc] ?? clientErrors[errc - CODEC_ERRORS.length];
  if (row === undefined || row[0] === 'OK')
    return new PosternError('ERR_INTERNAL', undefined, details);
  return new PosternError(row[0], row[1], details);
}

/**
 * The error for an error response of a server.
 *
 * @param {number} errorCode such as 401
 * @param {string} reason the server's words
 * @param {ErrorDetails} [details]
 */
export function responseError(errorCode, reason, details) {
  const known = /** @type {Record<number, { reason: string, hint: string }>} */ (STUN_ERROR_CODES)[
    errorCode
  ];
  const words = reason || known?.reason || 'no reason given';
  return new PosternError('ERR_STUN_RESPONSE', `The server answered ${errorCode} (${words}).`, {
    errorCode,
    reason: words,
    hint: known?.hint,
    ...details,
  });
}
