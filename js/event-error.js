// Why a transaction failed: the engine's event as an error.
import { engineError } from './engine/engine-error.js';
import { OUTPUT } from './engine/layout.js';
import { PosternError, responseError } from './errors.js';
import { STUN_ERROR_CODES } from './generated/stun-error-codes.js';

/** @typedef {import('./codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('./engine/read-event.js').ClientEvent} ClientEvent */
/** @typedef {import('./errors.js').ErrorDetails} ErrorDetails */

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

/** @param {string} code @param {string} realm of the challenge */
function hintFor(code, realm) {
  if (code.startsWith('ERR_STREAM_')) return 'What answers on this port does not speak STUN.';
  if (code === 'ERR_STUN_UNAUTHENTICATED') return STUN_ERROR_CODES[401].hint;
  if (code === 'ERR_STUN_CREDENTIALS_NEEDED' && realm !== '') {
    return `Pass credentials for the server's realm, '${realm}'.`;
  }
  return undefined;
}

/** @param {ClientEvent} event @param {ErrorDetails} details */
function refusal({ errorCode, mayRedirect, texts, addresses }, details) {
  if (mayRedirect) {
    const servers = [addresses[2], addresses[3]].filter((address) => address !== undefined);
    details.alternateServers = /** @type {TransportAddress[]} */ (servers);
    if (texts[2]) details.alternateDomain = texts[2];
  }
  return responseError(errorCode, texts[0] ?? '', details);
}

/**
 * @param {ClientEvent} event not a mapped address
 * @param {unknown} networkError what the network had to say meanwhile, if anything
 * @returns {PosternError}
 */
export function eventError(event, networkError) {
  const { kind, unknownAttributes, errorCode, errc, texts } = event;
  /** @type {ErrorDetails} */
  const details = { phase: 'request' };
  if (unknownAttributes.length > 0) details.unknownAttributes = unknownAttributes;
  if (kind === OUTPUT.errorResponse) return refusal(event, details);

  const error = engineError(errc, details);
  if (errorCode !== 0) Object.assign(error, { errorCode, reason: texts[0] });
  if (CHALLENGED.has(error.code)) error.phase = 'challenge';
  error.hint = hintFor(error.code, texts[1] ?? '');
  // An error of the network says more than that nothing came.
  if (!(networkError instanceof PosternError) || !NOTHING_CAME.has(error.code)) return error;
  const { code, message } = error.code === 'ERR_TRANSPORT_CLOSED' ? networkError : error;
  return new PosternError(code, message, {
    ...details,
    hint: networkError.hint,
    cause: networkError,
  });
}
