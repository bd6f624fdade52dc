// Why a transaction failed: what the engine tells, as an error.
import { engineError } from './engine/engine-error.js';
import { OUTPUT } from './engine/layout.js';
import { PosternError, responseError } from './errors.js';
import { STUN_ERROR_CODES } from './generated/stun-error-codes.js';

/** @typedef {import('./codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('./engine/read-event.js').ClientEvent} ClientEvent */
/** @typedef {import('./errors.js').ErrorDetails} ErrorDetails */

/**
 * What clients of STUN and of TURN tell alike of a transaction that failed.
 *
 * @typedef {object} Failure
 * @property {boolean} isResponse the server's error response decided
 * @property {number} errc
 * @property {number} errorCode of that response, or a hint only; 0: none
 * @property {string} reason
 * @property {string} realm of a challenge that could not be answered
 * @property {string} [thirdParty] the authorization server that the challenge names (RFC 7635)
 * @property {number[]} unknownAttributes
 * @property {TransportAddress[]} alternateServers of a 300 that may be followed
 * @property {string} alternateDomain
 */

/** Codes of a transaction that ended without an answer. */
const NOTHING_CAME = new Set(['ERR_STUN_TIMEOUT', 'ERR_TRANSPORT_CLOSED']);

/** Codes of a challenge that was not, or not successfully, answered. */
const CHALLENGED = new Set([
  'ERR_STUN_UNAUTHENTICATED',
  'ERR_STUN_CREDENTIALS_NEEDED',
  'ERR_STUN_STALE_NONCE',
  'ERR_STUN_BID_DOWN',
  'ERR_STUN_PASSWORD_ALGORITHM',
]);

/** @param {string} code @param {Failure} failure */
function hintFor(code, { realm, thirdParty, errorCode }) {
  if (code.startsWith('ERR_STREAM_')) return 'What answers on this port does not speak STUN.';
  if (thirdParty && CHALLENGED.has(code)) {
    return `The server takes tokens of the authorization server '${thirdParty}' (RFC 7635).`;
  }
  if (code === 'ERR_STUN_UNAUTHENTICATED') return STUN_ERROR_CODES[401].hint;
  if (code === 'ERR_STUN_CREDENTIALS_NEEDED' && realm !== '') {
    return `Pass credentials for the server's realm, '${realm}'.`;
  }
  if (code === 'ERR_STUN_TIMEOUT' && errorCode !== 0) {
    return (
      `Something answered ${errorCode} without proof of who it is, which does not count (RFC 8489 section 9.2.5). ` +
      'Some servers refuse a wrong user name or password that way.'
    );
  }
  return undefined;
}

/**
 * @param {Failure} failure
 * @param {unknown} networkError what the network had to say meanwhile, if anything
 * @param {import('./errors.js').Phase} [phase]
 * @returns {PosternError}
 */
export function failureError(failure, networkError, phase = 'request') {
  const { errc, errorCode, reason, unknownAttributes } = failure;
  /** @type {ErrorDetails} */
  const details = { phase };
  if (unknownAttributes.length > 0) details.unknownAttributes = unknownAttributes;
  if (failure.isResponse) {
    if (failure.alternateServers.length > 0) details.alternateServers = failure.alternateServers;
    if (failure.alternateDomain) details.alternateDomain = failure.alternateDomain;
    return responseError(errorCode, reason, details);
  }
  const error = engineError(errc, details);
  if (errorCode !== 0) Object.assign(error, { errorCode, reason });
  if (CHALLENGED.has(error.code)) error.phase = 'challenge';
  error.hint = hintFor(error.code, failure);
  // An error of the network says more than that nothing came.
  if (!(networkError instanceof PosternError) || !NOTHING_CAME.has(error.code)) return error;
  const { code, message } = error.code === 'ERR_TRANSPORT_CLOSED' ? networkError : error;
  return new PosternError(code, message, {
    ...details,
    hint: networkError.hint,
    cause: networkError,
  });
}

/**
 * @param {ClientEvent} event not a mapped address
 * @param {unknown} networkError what the network had to say meanwhile, if anything
 * @returns {PosternError}
 */
export function eventError(event, networkError) {
  const { kind, mayRedirect, texts, addresses } = event;
  const isResponse = kind === OUTPUT.errorResponse;
  const alternates = isResponse && mayRedirect ? [addresses[2], addresses[3]] : [];
  return failureError(
    {
      isResponse,
      errc: event.errc,
      errorCode: event.errorCode,
      reason: texts[0] ?? '',
      realm: isResponse ? '' : (texts[1] ?? ''),
      unknownAttributes: event.unknownAttributes,
      alternateServers: alternates.filter((address) => address !== undefined),
      alternateDomain: isResponse && mayRedirect ? (texts[2] ?? '') : '',
    },
    networkError,
  );
}
