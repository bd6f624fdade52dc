// Why a WebSocket could not be opened, or was closed, in words that help.

import { PosternError } from '../errors.js';
import { codeOf } from '../system-error.js';
import { connectError } from './open-errors.js';

/** @typedef {import('./transport.js').TransportTarget} TransportTarget */

/**
 * What the codes of closing mean, to stand after "The server closed the WebSocket: " (RFC 6455
 * section 7.4.1, the registry that it founds, and js/gateway/close-codes.js).
 *
 * @type {Record<number, string>}
 */
const CLOSE_WORDS = {
  1001: 'it is going away',
  1002: 'it met an error of the protocol',
  1003: 'it takes no binary messages',
  1007: 'a message was not what its type promises',
  1008: 'a message was against its policy',
  1009: 'a message was too long for it',
  1010: 'it lacks an extension that it needs',
  1011: 'it met an unexpected error',
  1012: 'it is restarting',
  1013: 'it is overloaded, try again later',
  1014: 'the server behind it gave no valid answer',
  3000: 'it asks for authorization',
  3003: 'it does not allow this',
  3008: 'it waited for too long',
  // Of a gateway of ours (docs/gateway.md).
  4400: 'a message was neither STUN nor ChannelData',
  4401: 'the ticket is missing, wrong, used or too old',
  4403: 'the server behind it, or the peer, is not allowed',
  4408: 'its time was up',
  4413: 'there are too many connections of this user or address',
  4429: 'there were too many attempts from this address',
  4502: 'the server behind it cannot be reached',
  4504: 'the server behind it does not answer',
};
/** There was no closing handshake (RFC 6455 section 7.1.5). */
const ABNORMAL_CLOSURE = 1006;
/** The closes that are as they should be: normal, and without a code (section 7.4.1). */
const CLEAN = new Set([1000, 1005]);

const CERTIFICATE = /^(?:CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_CERT_)/;

const UNKNOWN =
  'A WebSocket does not tell why. The server may be down, serve no WebSocket at this path, know ' +
  "nothing of the sub-protocol, or not allow the page's origin; or a firewall is in the way. The " +
  "browser's console may know more.";

/** @param {unknown} cause */
function hintFor(cause) {
  const code = codeOf(cause) ?? '';
  const { message = '' } = /** @type {{ message?: unknown }} */ (cause ?? {});
  if (CERTIFICATE.test(code)) {
    return (
      'Its certificate was not accepted. The WebSocket decides whom to trust: pass a class as ' +
      'options.WebSocket that gives its own constructor the authority (ca).'
    );
  }
  const status = /^Unexpected server response: (\d{3})/.exec(String(message))?.[1];
  if (status !== undefined) {
    return `The server answers with HTTP status ${status}: it serves no WebSocket at this path, or not to you.`;
  }
  if (/subprotocol/i.test(String(message))) {
    return 'The server did not choose the sub-protocol that was offered: it is no TURN server or gateway.';
  }
  return UNKNOWN;
}

/**
 * The opening failed.
 *
 * @param {TransportTarget} target
 * @param {unknown} cause what the WebSocket tells, undefined in browsers: they tell nothing
 */
export function webSocketConnectError(target, cause) {
  const error = connectError(target, 'ws', cause);
  error.hint ??= hintFor(cause);
  return error;
}

/**
 * What to report of a close; undefined when it is as it should be.
 *
 * @param {{ code: number, reason: string }} event
 * @param {unknown} cause an error that came before
 */
export function webSocketClosedError({ code, reason }, cause) {
  if (CLEAN.has(code)) return undefined;
  if (code === ABNORMAL_CLOSURE) {
    const detail = codeOf(cause);
    const sentence = `The WebSocket broke without being closed (${code}${detail ? `, ${detail}` : ''}).`;
    return new PosternError('ERR_TRANSPORT_CLOSED', sentence, { cause });
  }
  const words = CLOSE_WORDS[code] ?? 'for a reason of its own';
  const own = reason === '' ? '' : `, '${reason}'`;
  return new PosternError(
    'ERR_TRANSPORT_CLOSED',
    `The server closed the WebSocket: ${words} (${code}${own}).`,
    { reason: reason || undefined, cause },
  );
}
