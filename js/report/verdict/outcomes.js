// What an answer, or the lack of one, says of a server that was tried.

/** @typedef {import('../measurements/types.js').ReachabilityMeasurement} ReachabilityMeasurement */

/**
 * 'works', 'data-lost' and those of the table; 'other' is what is not in it.
 *
 * @typedef {'works' | 'data-lost' | 'untold' | 'other' | (typeof OUTCOMES)[number]['outcome']} Outcome
 */

/**
 * The first row that fits counts: its error code of STUN, its code of the system or its code of ours is that of the
 * error. `answered`: packets went there and back, whatever the answer was.
 */
export const OUTCOMES = /** @type {const} */ ([
  { outcome: 'certificate-expired', systemCodes: ['CERT_HAS_EXPIRED'] },
  { outcome: 'certificate-early', systemCodes: ['CERT_NOT_YET_VALID'] },
  { outcome: 'certificate-name', systemCodes: ['ERR_TLS_CERT_ALTNAME_INVALID'] },
  {
    outcome: 'certificate-untrusted',
    systemCodes: [
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'SELF_SIGNED_CERT_IN_CHAIN',
      'UNABLE_TO_GET_ISSUER_CERT',
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'CERT_UNTRUSTED',
    ],
  },
  {
    outcome: 'no-ipv6',
    systemCodes: ['ENETUNREACH', 'EHOSTUNREACH', 'EADDRNOTAVAIL', 'EAFNOSUPPORT'],
    family: 'IPv6',
  },
  { outcome: 'name', codes: ['ERR_DNS'] },
  { outcome: 'credentials-missing', codes: ['ERR_STUN_CREDENTIALS_NEEDED'], answered: true },
  { outcome: 'wrong-user', errorCodes: [441], answered: true },
  {
    outcome: 'credentials',
    errorCodes: [401, 431],
    codes: ['ERR_STUN_UNAUTHENTICATED', 'ERR_STUN_STALE_NONCE'],
    answered: true,
  },
  { outcome: 'mismatch', errorCodes: [437], answered: true },
  { outcome: 'quota', errorCodes: [486], answered: true },
  { outcome: 'capacity', errorCodes: [508], answered: true },
  { outcome: 'forbidden', errorCodes: [403], answered: true },
  { outcome: 'redirected', errorCodes: [300], codes: ['ERR_REDIRECT_LIMIT'], answered: true },
  { outcome: 'refused', codes: ['ERR_STUN_RESPONSE'], answered: true },
  { outcome: 'proxy', codes: ['ERR_TRANSPORT_PROXY'] },
  // A handshake that is cut off, or hangs, is as silent as a connection that is.
  {
    outcome: 'silent',
    codes: ['ERR_TRANSPORT_TLS'],
    systemCodes: ['ECONNRESET', 'ETIMEDOUT', 'EPIPE'],
    both: true,
  },
  { outcome: 'tls', codes: ['ERR_TRANSPORT_TLS'] },
  {
    outcome: 'silent',
    codes: ['ERR_STUN_TIMEOUT', 'ERR_TRANSPORT_CONNECT', 'ERR_TRANSPORT_CLOSED'],
  },
]);

/**
 * @typedef {object} OutcomeRow
 * @property {string} outcome
 * @property {readonly string[]} [codes]
 * @property {readonly number[]} [errorCodes]
 * @property {readonly string[]} [systemCodes]
 * @property {string} [family]
 * @property {boolean} [both] `codes` and `systemCodes` have to fit
 * @property {boolean} [answered]
 */

/** @param {OutcomeRow} row @param {ReachabilityMeasurement} measurement */
function fits({ codes, errorCodes, systemCodes, family, both }, measurement) {
  const { code = '', errorCode = -1, systemCode = '' } = measurement.error ?? {};
  if (family !== undefined && measurement.family !== family) return false;
  const found = [
    codes?.includes(code) ?? false,
    errorCodes?.includes(errorCode) ?? false,
    systemCodes?.includes(systemCode) ?? false,
  ];
  return both ? found[0] && found[2] : found.includes(true);
}

/** @param {ReachabilityMeasurement} measurement @returns {Outcome} 'untold' where nothing was found out */
export function outcomeOf(measurement) {
  const { status, dataPath } = measurement;
  if (status === 'ok') return dataPath === 'lost' ? 'data-lost' : 'works';
  if (status !== 'failed') return 'untold';
  if (dataPath === 'lost') return 'data-lost';
  return OUTCOMES.find((row) => fits(row, measurement))?.outcome ?? 'other';
}

const ANSWERED = new Set([
  'works',
  'data-lost',
  ...OUTCOMES.filter((row) => 'answered' in row).map(({ outcome }) => outcome),
]);

/** Whether packets went there and back. @param {Outcome} outcome */
export const isAnswered = (outcome) => ANSWERED.has(outcome);

/** Those that leave nothing open: nothing came back, or nothing was sent. */
const CLOSED = new Set(['silent', 'untold', 'no-ipv6', 'proxy']);

/**
 * Whether it is open if the network would let the server be used: it was not asked in earnest, such as with a name that is
 * not found or a certificate that is not taken.
 *
 * @param {Outcome} outcome
 */
export const isOpen = (outcome) => !isAnswered(outcome) && !CLOSED.has(outcome);

/**
 * What is wrong with a certificate, by the code of node:tls.
 *
 * @param {{ systemCode?: string } | undefined} error
 * @returns {string | undefined} 'expired', 'early', 'name' or 'untrusted'
 */
export function certificateFault({ systemCode = '' } = {}) {
  const row = OUTCOMES.find(
    (one) =>
      one.outcome.startsWith('certificate-') &&
      'systemCodes' in one &&
      /** @type {readonly string[]} */ (one.systemCodes).includes(systemCode),
  );
  return row?.outcome.slice('certificate-'.length);
}
