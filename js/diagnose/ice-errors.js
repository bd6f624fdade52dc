// What a browser's silence or complaint says of a STUN or TURN server. Pure.
//
// Browsers tell little: a STUN error code of the server, or 701 for all else. Chromium has a text besides, which of UDP tells
// names that are not found from silence; of TCP and TLS it is the same for all. What that leaves open is unknown.
import { STUN_ERROR_CODES } from '../generated/stun-error-codes.js';

/** @typedef {import('../report/measurements/types.js').MeasurementError} MeasurementError */

/**
 * @typedef {object} IceError what an icecandidateerror event has
 * @property {number} errorCode of the server; 701 (W3C WebRTC section 4.8.3): it was not reached
 * @property {string} errorText
 * @property {string} url
 * @property {number} atMs since gathering began
 */

/**
 * @typedef {object} GatheringFacts
 * @property {'stun' | 'turn'} service
 * @property {'udp' | 'tcp' | 'tls'} transport
 * @property {boolean} isNamed the server is named, and not given by its address
 * @property {readonly IceError[]} errors
 * @property {boolean} isComplete the browser has ended gathering
 * @property {number} elapsedMs until it had, or nobody waited longer
 */

/**
 * @typedef {{ status: 'failed', error: MeasurementError }
 *   | { status: 'unknown', because: string, ifFound?: MeasurementError }} IceFailure `ifFound`: what it is, where other
 *   tries show that the name of the server is found
 */

const UNAUTHENTICATED = 401;
/** Whoever gives up sooner has not waited for an answer: the first retransmissions take longer (RFC 8489 section 6.2.1). */
const PATIENT_MS = 5000;

/** Chromium's words. */
const NO_SUCH_NAME = /host lookup/i;

/** That the name of a server is not found. */
export const NAME_NOT_FOUND = Object.freeze({
  code: 'ERR_DNS',
  message: "The server's name could not be resolved.",
  phase: 'dns',
});
const SILENCE = Object.freeze({
  code: 'ERR_STUN_TIMEOUT',
  message: 'No answer came: the server is down, or a firewall drops the packets.',
});
const NO_CONNECTION = Object.freeze({
  code: 'ERR_TRANSPORT_CONNECT',
  message: 'No connection to the server could be made.',
  phase: 'connect',
});

/** @param {IceError} error @returns {MeasurementError} */
function answerOf({ errorCode, errorText }) {
  const known = STUN_ERROR_CODES[/** @type {keyof typeof STUN_ERROR_CODES} */ (errorCode)];
  const reason = errorText || known?.reason;
  const isRefused = errorCode === UNAUTHENTICATED;
  return {
    code: isRefused ? 'ERR_STUN_UNAUTHENTICATED' : 'ERR_STUN_RESPONSE',
    message: isRefused
      ? 'The server refused the credentials.'
      : `The server answered with error ${errorCode}${reason ? ` (${reason})` : ''}.`,
    errorCode,
    phase: 'allocate',
    ...(known === undefined ? {} : { hint: known.hint }),
  };
}

/** Of classes 3 to 6 (RFC 8489 section 14.8). @param {number} code */
const isOfServer = (code) => code >= 300 && code < 700;

/**
 * Why there is no candidate of a server that was asked alone.
 *
 * @param {GatheringFacts} facts
 * @returns {IceFailure}
 */
export function readFailure({ service, transport, isNamed, errors, isComplete, elapsedMs }) {
  const answer = errors.find(({ errorCode }) => isOfServer(errorCode));
  if (answer !== undefined) return { status: 'failed', error: answerOf(answer) };
  // Chromium asks the UDP port of a TURN server for STUN as well, and complains of that too.
  const own = errors.filter(({ url }) => service === 'stun' || !url.startsWith('stun'));
  if (errors.some(({ errorText }) => NO_SUCH_NAME.test(errorText))) {
    return { status: 'failed', error: { ...NAME_NOT_FOUND } };
  }
  if (!isComplete || elapsedMs >= PATIENT_MS) return { status: 'failed', error: { ...SILENCE } };
  if (own.length === 0) {
    return {
      status: 'unknown',
      because:
        'the browser ended gathering with no candidate and no error: it may have a policy against it, or takes no ' +
        'such URL',
    };
  }
  if (transport === 'udp') {
    return {
      status: 'unknown',
      because:
        'the browser gave up at once and does not say why: the name may not be found, or there is no way to send',
    };
  }
  if (transport === 'tls') {
    return {
      status: 'unknown',
      because:
        'the browser says no more than that it has no connection: the port may be closed, or the certificate not be good',
    };
  }
  if (!isNamed) return { status: 'failed', error: { ...NO_CONNECTION } };
  return {
    status: 'unknown',
    because:
      'the browser says no more than that it has no connection: the name may not be found, or the port be closed',
    ifFound: { ...NO_CONNECTION },
  };
}
