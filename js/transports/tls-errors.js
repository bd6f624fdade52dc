// Why TLS could not be set up, in words that help. Apart from the others, since browsers tell nothing of it.

import { formatTransportAddress } from '../address.js';
import { PosternError } from '../errors.js';
import { codeOf } from '../system-error.js';
import { withCode } from './open-errors.js';

/** @typedef {import('./transport.js').TransportTarget} TransportTarget */

const UNTRUSTED =
  'Its certificate comes from an authority that is not trusted here; pass that in tls.ca.';
const SELF_SIGNED =
  'Its certificate is signed by itself or by an unknown authority; pass that one in tls.ca.';
const NOT_TLS = 'What answers on this port does not speak TLS; is it the port of plain TCP?';

/** Codes of OpenSSL's verification and of node:tls. @type {Record<string, string>} */
const TLS_HINTS = {
  CERT_HAS_EXPIRED: 'Its certificate has expired, or the clock of this machine is wrong.',
  CERT_NOT_YET_VALID: 'Its certificate is not valid yet; is the clock of this machine right?',
  CERT_REVOKED: 'Its certificate is revoked.',
  DEPTH_ZERO_SELF_SIGNED_CERT: SELF_SIGNED,
  SELF_SIGNED_CERT_IN_CHAIN: SELF_SIGNED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  ERR_TLS_CERT_ALTNAME_INVALID:
    'Its certificate is for another name; use a name that it holds, or pass it as tls.servername.',
  ERR_SSL_WRONG_VERSION_NUMBER: NOT_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NOT_TLS,
  ERR_SSL_UNEXPECTED_MESSAGE: NOT_TLS,
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL:
    'It offers other protocols (ALPN) on this port, but not STUN.',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'It speaks no version of TLS that is allowed here.',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'It speaks no version of TLS that is allowed here.',
  ECONNRESET: `It ended the connection during the handshake. ${NOT_TLS}`,
};

/**
 * @param {string} code of OpenSSL or node:tls
 * @param {string} [option] where the caller's options of node:tls stand
 * @returns {string | undefined}
 */
export const tlsHint = (code, option = 'tls') => TLS_HINTS[code]?.replace(/\btls\./, `${option}.`);

/** @param {TransportTarget} target @param {unknown} cause */
export function tlsError(target, cause) {
  const code = codeOf(cause) ?? '';
  const sentence = `The TLS handshake with ${formatTransportAddress(target)} failed`;
  return new PosternError('ERR_TRANSPORT_TLS', withCode(sentence, code), {
    phase: 'tls',
    hint: tlsHint(code),
    cause,
  });
}
