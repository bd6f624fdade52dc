// Why a transport could not be opened, in words that help.

import { formatTransportAddress } from '../address.js';
import { PosternError } from '../errors.js';
import { codeOf } from '../system-error.js';

/** @typedef {import('./transport.js').TransportTarget} TransportTarget */

/** @type {Record<string, string>} */
const CONNECT_HINTS = {
  ECONNREFUSED: 'The host answers, but nothing listens on this port, or a firewall refuses it.',
  ECONNRESET: 'The host, or a firewall on the way, broke the connection off.',
  ETIMEDOUT: 'Nothing answered: the host is down, or a firewall drops the packets.',
  EHOSTUNREACH: 'No way leads to this host: it is down, or a router or firewall refuses.',
  ENETUNREACH:
    'This machine has no route to the address; where it has no IPv6, use an IPv4 address.',
  EADDRNOTAVAIL: 'The local address is not one of this machine, or cannot reach the server.',
  EADDRINUSE: 'The local port is taken by another socket.',
  EINVAL: 'The local address and the address of the server do not go together.',
  EACCES: 'The operating system, or a firewall on this machine, does not allow it.',
  EPERM: 'The operating system, or a firewall on this machine, does not allow it.',
  EMSGSIZE: 'The datagram is longer than the network takes.',
};

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

/** @param {string} code of the system @returns {string | undefined} what it means, or what to do */
export const connectHint = (code) => CONNECT_HINTS[code];

/**
 * @param {string} code of OpenSSL or node:tls
 * @param {string} [option] where the caller's options of node:tls stand
 * @returns {string | undefined}
 */
export const tlsHint = (code, option = 'tls') => TLS_HINTS[code]?.replace(/\btls\./, `${option}.`);

/** @param {string} sentence without its full stop @param {string} code */
export function withCode(sentence, code) {
  return code ? `${sentence} (${code}).` : `${sentence}.`;
}

/** @param {TransportTarget} target @param {string} kind @param {unknown} cause */
export function connectError(target, kind, cause) {
  const code = codeOf(cause) ?? '';
  const where = formatTransportAddress(target);
  const sentence = `No ${kind.toUpperCase()} connection to ${where} could be made`;
  return new PosternError('ERR_TRANSPORT_CONNECT', withCode(sentence, code), {
    phase: 'connect',
    hint: connectHint(code),
    cause,
  });
}

/** A datagram could not be sent, or was answered by ICMP. @param {unknown} cause */
export function datagramError(cause) {
  const code = codeOf(cause) ?? '';
  const sentence = 'A datagram did not reach the server';
  return new PosternError('ERR_TRANSPORT_CONNECT', withCode(sentence, code), {
    phase: 'connect',
    hint: connectHint(code),
    cause,
  });
}

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

/** The connection was there, and broke. @param {unknown} cause */
export function brokenError(cause) {
  const code = codeOf(cause) ?? '';
  return new PosternError('ERR_TRANSPORT_CLOSED', withCode('The connection broke', code), {
    hint: connectHint(code),
    cause,
  });
}
