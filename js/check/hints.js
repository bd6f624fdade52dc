// What the rows of a check mean, in plain words; of one host they explain each other.
import { inWords, isLikelyTime, parseRestUsername } from '../credentials/rest-username.js';

/**
 * What is known of a row.
 *
 * @typedef {object} RowFacts
 * @property {string} host as the URL names it; empty where the URL could not be read
 * @property {'stun' | 'turn'} kind of the server
 * @property {string} transport
 * @property {boolean} ok
 * @property {string} [username]
 * @property {string} [code]
 * @property {number} [errorCode]
 * @property {string} [systemCode] of node:tls or the system
 * @property {string} [hint] that the error came with
 * @property {'proven' | 'refused' | 'lost'} [dataPath]
 * @property {{ sent: number, received: number }} [echoes]
 */

const REFUSED = new Set(['ERR_STUN_UNAUTHENTICATED', 'ERR_STUN_STALE_NONCE']);
/** Unauthenticated (RFC 8489 section 14.8), Wrong Credentials (RFC 8656 section 19). */
const REFUSED_CODES = new Set([401, 441]);
/** Nothing of the server came back. */
const SILENT = new Set(['ERR_STUN_TIMEOUT', 'ERR_TRANSPORT_CONNECT']);

/** @param {RowFacts} row */
const isRefused = ({ code = '', errorCode = 0 }) =>
  REFUSED.has(code) || REFUSED_CODES.has(errorCode);

/** @param {RowFacts} row @param {number} nowMs @returns {string | undefined} */
function credentialHint({ username = '' }, nowMs) {
  const { expiry = 0 } = parseRestUsername(username) ?? {};
  if (!isLikelyTime(expiry)) return undefined;
  const left = expiry - nowMs / 1000;
  if (left <= 0) {
    return `The credential is a TURN REST one whose time ran out ${inWords(-left)} ago: get a new one.`;
  }
  return (
    `The credential is a TURN REST one, valid for another ${inWords(left)}: whoever made it used another ` +
    "secret than the server's, or the server's clock is wrong."
  );
}

/** @param {RowFacts} row */
const didAnswer = ({ ok, code = '', errorCode = 0 }) =>
  ok || errorCode > 0 || (code.startsWith('ERR_STUN_') && !SILENT.has(code));

/** @param {RowFacts} row @param {readonly RowFacts[]} others of the same host @returns {string | undefined} */
function silenceHint(row, others) {
  const answering = others.filter(didAnswer);
  if (
    row.kind === 'turn' &&
    answering.length > 0 &&
    answering.every(({ kind }) => kind === 'stun')
  ) {
    return 'The server answers STUN but not TURN: TURN is off, or on another port.';
  }
  const udp = answering.find(({ transport }) => transport === 'udp');
  if (row.transport !== 'udp' && udp !== undefined) {
    const name = nameOf(row.transport);
    return `${name} is not served on this port of ${row.host}, or blocked on the way, but UDP answers.`;
  }
  const stream = answering.find(({ transport }) => transport !== 'udp');
  if (row.transport === 'udp' && udp === undefined && stream !== undefined) {
    return (
      `UDP is blocked on the way to ${row.host}, or not served there, but ${nameOf(stream.transport)} answers: ` +
      'keep a URL for that.'
    );
  }
  return undefined;
}

/** @param {string} transport */
const nameOf = (transport) => (transport === 'ws' ? 'WebSocket' : transport.toUpperCase());

/** @param {RowFacts} row @param {readonly RowFacts[]} rows @param {number} nowMs @returns {string | undefined} */
function explain(row, rows, nowMs) {
  if (row.dataPath === 'refused') {
    return (
      'The server makes relays but lets none reach its own addresses, so that no data could be sent in a circle: ' +
      'a common setting, and no fault.'
    );
  }
  if (row.dataPath === 'lost') {
    return (
      'The server made a relay and a permission, but the data was lost behind it: a firewall may close its relay ' +
      'ports, or it does not know its public address.'
    );
  }
  if (row.ok) {
    const { sent, received } = row.echoes ?? { sent: 0, received: 0 };
    return received < sent ? `${sent - received} of ${sent} were lost on the way.` : undefined;
  }
  const others = rows.filter((other) => other !== row && other.host === row.host);
  if (isRefused(row)) return credentialHint(row, nowMs) ?? row.hint;
  if (row.systemCode === 'CERT_HAS_EXPIRED') {
    return "The server's TLS certificate has expired, or the clock of this machine is wrong.";
  }
  if (row.code === 'ERR_DNS' && rows.length > 1 && rows.every(({ code }) => code === 'ERR_DNS')) {
    return 'No name could be resolved: is this machine on the network?';
  }
  if (row.kind === 'turn' && row.code === 'ERR_STUN_RESPONSE' && others.some(isAnsweringStun)) {
    return `The server answers STUN but refuses TURN. ${row.hint ?? ''}`.trimEnd();
  }
  return (SILENT.has(row.code ?? '') ? silenceHint(row, others) : undefined) ?? row.hint;
}

/** @param {RowFacts} row */
const isAnsweringStun = ({ kind, ok }) => kind === 'stun' && ok;

/**
 * A pure function of what was found.
 *
 * @param {readonly RowFacts[]} rows all of one check
 * @param {number} nowMs milliseconds since 1970
 * @returns {(string | undefined)[]} one for each row
 */
export const hintsFor = (rows, nowMs) => rows.map((row) => explain(row, rows, nowMs));
