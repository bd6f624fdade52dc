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

/** @param {string} code of the system @returns {string | undefined} what it means, or what to do */
export const connectHint = (code) => CONNECT_HINTS[code];

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

/** The connection was there, and broke. @param {unknown} cause */
export function brokenError(cause) {
  const code = codeOf(cause) ?? '';
  return new PosternError('ERR_TRANSPORT_CLOSED', withCode('The connection broke', code), {
    hint: connectHint(code),
    cause,
  });
}
