// Names and certificates: facts of servers, which no network is to blame for.
import { inWords } from '../../credentials/rest-username.js';
import { certificateFault } from './outcomes.js';

/** @typedef {import('../measurements/types.js').Measurement} Measurement */
/** @typedef {import('../measurements/types.js').CertificateMeasurement} CertificateMeasurement */
/** @typedef {import('./facts.js').Facts} Facts */

const DAY_MS = 86_400_000;
/** Ours: long enough to notice, short enough that certificates which renew themselves in time are not in it. */
export const EXPIRES_SOON_MS = 14 * DAY_MS;

/** @param {CertificateMeasurement} certificate @param {number} nowMs @returns {string | undefined} */
function stateOf({ status, error, validFrom, validTo, trusted }, nowMs) {
  const fault = certificateFault(error);
  if (fault !== undefined) return fault;
  if (validTo !== undefined && Date.parse(validTo) <= nowMs) return 'expired';
  if (validFrom !== undefined && Date.parse(validFrom) > nowMs) return 'early';
  if (trusted === false) return 'untrusted';
  if (validTo !== undefined && Date.parse(validTo) - nowMs <= EXPIRES_SOON_MS) return 'expiring';
  return status === 'ok' ? 'good' : undefined;
}

/** @param {CertificateMeasurement} certificate @param {number} nowMs */
function wordsOfCertificate({ host, port, validTo }, nowMs) {
  const name = `${host}:${port}`;
  if (validTo === undefined) return name;
  const left = (Date.parse(validTo) - nowMs) / 1000;
  return left > 0 ? `${name}, for another ${inWords(left)}` : `${name}, ${inWords(-left)} ago`;
}

/** What a measurement is of. @param {Measurement} one */
function nameOf(one) {
  if ('host' in one) return one.host;
  if ('url' in one) return one.url;
  return 'name' in one ? one.name : one.kind;
}

/**
 * Facts of names: certificate: 'expired', 'expiring', 'early', 'name', 'untrusted', 'good'; dns: 'failed'; resolving:
 * 'fails' where none of several names is found; addresses: 'nat64'.
 *
 * @param {Facts} facts
 * @param {readonly Measurement[]} measurements
 * @param {number} nowMs milliseconds since 1970
 */
export function addServerFacts(facts, measurements, nowMs) {
  const unresolved = measurements
    .filter((one) => one.status === 'failed')
    .filter((one) => one.kind === 'dns' || one.error?.code === 'ERR_DNS')
    .map((one) => ({ id: one.id, words: nameOf(one) }));
  if (unresolved.length > 0) facts.add('dns', 'failed', ...unresolved);
  const isResolving = measurements.some((one) => one.kind === 'dns' && one.status === 'ok');
  if (!isResolving && new Set(unresolved.map(({ words }) => words)).size > 1) {
    facts.add('resolving', 'fails', ...unresolved);
  }
  for (const one of measurements) {
    if (one.kind === 'certificate') {
      const state = stateOf(one, nowMs);
      const evidence = { id: one.id, words: wordsOfCertificate(one, nowMs) };
      if (state !== undefined) facts.add('certificate', state, evidence);
    } else {
      const fault = certificateFault(one.error);
      const evidence = { id: one.id, words: nameOf(one) };
      if (fault !== undefined) facts.add('certificate', fault, evidence);
    }
    if (one.kind === 'dns' && one.whose === 'client' && one.nat64Prefix !== undefined) {
      facts.add('addresses', 'nat64', { id: one.id, words: one.nat64Prefix });
    }
  }
}
