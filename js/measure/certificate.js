// The certificates of servers: what they say, and whether this machine trusts them.
import { isIP } from 'node:net';
import { checkServerIdentity, connect } from 'node:tls';
import { canonicalAddress, formatTransportAddress } from '../address.js';
import { measurementId } from '../report/measurements/ids.js';
import { tlsSettings } from '../transports/start-tls.js';
import { tlsHint } from '../transports/tls-errors.js';
import { openConnection } from './connection.js';
import { measured } from './measured.js';

/** @typedef {import('node:tls').TLSSocket} TLSSocket */
/** @typedef {import('../report/measurements/types.js').CertificateMeasurement} CertificateMeasurement */
/** @typedef {import('../uri.js').ServerUri} ServerUri */
/** @typedef {import('./options.js').MeasureOptions} MeasureOptions */

/**
 * @typedef {object} CertificateTarget
 * @property {ServerUri} uri of a server with TLS; without a port, SRV records say where it is
 * @property {number} port of the URI, or its default
 * @property {string} alpn what is announced (RFC 7301, RFC 7443)
 */

/** SubjectAltName as node:crypto writes it; what has commas or quotes is in quotes, as in JSON. */
const NAME = /(?:^|, )(?:DNS|IP Address):("(?:[^"\\]|\\.)*"|[^,]*)/g;

/** @param {string | undefined} names of node:crypto */
const namesOf = (names = '') =>
  [...names.matchAll(NAME)].map(([, name]) =>
    name.startsWith('"')
      ? /** @type {string} */ (JSON.parse(name))
      : (canonicalAddress(name) ?? name),
  );

/** @param {string} date such as 'Nov  1 00:00:00 2026 GMT' */
function dateOf(date) {
  const time = Date.parse(date);
  return Number.isFinite(time) ? new Date(time).toISOString() : undefined;
}

/**
 * @param {TLSSocket} socket whose handshake is done
 * @returns {Partial<CertificateMeasurement>}
 */
function read(socket) {
  const { subject, issuer, subjectaltname, valid_from, valid_to } = socket.getPeerCertificate();
  const names = namesOf(subjectaltname);
  return {
    // Of old ones the name is in the subject; clients go by it no more (RFC 9525 section 2).
    names: names.length > 0 ? names : [subject?.CN ?? []].flat(),
    issuer: [issuer?.CN ?? [], issuer?.O ?? []].flat().join(', ') || undefined,
    validFrom: dateOf(valid_from),
    validTo: dateOf(valid_to),
    alpn: socket.alpnProtocol || undefined,
    protocol: socket.getProtocol() ?? undefined,
    trusted: socket.authorized,
  };
}

/** @param {import('../resolve/resolve-server.js').Candidate} candidate @param {string} systemCode of OpenSSL or node:tls */
const distrust = (candidate, systemCode) => ({
  code: 'ERR_TRANSPORT_TLS',
  message: `The certificate of ${formatTransportAddress(candidate)} is not accepted (${systemCode}).`,
  systemCode,
  phase: 'tls',
  hint: tlsHint(systemCode),
});

/** No part of what a certificate says: it was not seen. @type {readonly string[]} */
const NOT_REACHED = ['ERR_DNS', 'ERR_TRANSPORT_CONNECT', 'ERR_TRANSPORT_PROXY'];

/**
 * Reads the certificate of a server, also one that is not to be trusted: what it says is told, and what is wrong with it.
 * Nothing but the handshake is sent.
 *
 * @param {CertificateTarget} target
 * @param {MeasureOptions} options
 * @param {string} [proxy] URL of a proxy, for where the server is not reached straight
 * @returns {Promise<CertificateMeasurement>} 'unknown' where the server was not reached
 * @throws `signal.reason`
 */
export async function measureCertificate({ uri, port, alpn }, options, proxy) {
  const { host } = uri;
  const {
    name,
    secureContext,
    checkServerIdentity: own,
  } = tlsSettings(options.tls ?? {}, host, alpn);
  /** @param {import('node:net').Socket} socket */
  const secure = (socket) =>
    connect({
      socket,
      secureContext,
      servername: isIP(name) ? '' : name,
      ALPNProtocols: [alpn],
      checkServerIdentity: (_, certificate) => (own ?? checkServerIdentity)(name, certificate),
      // It is to be read, whatever is wrong; no secret is sent over the connection.
      rejectUnauthorized: false,
    });
  /** @param {string} [through] */
  const look = async (through) => {
    const { socket, candidate } = await openConnection({ uri, proxy: through, secure }, options);
    const secured = /** @type {TLSSocket} */ (socket);
    try {
      const told = read(secured);
      if (secured.authorized) return told;
      const error = distrust(candidate, String(secured.authorizationError));
      return { ...told, status: /** @type {const} */ ('failed'), error };
    } finally {
      secured.destroy();
    }
  };
  const what = {
    id: measurementId('certificate', host, port),
    kind: /** @type {const} */ ('certificate'),
    host,
    port,
  };
  const found = await measured(what, options.signal, async () => {
    try {
      return await look();
    } catch (error) {
      options.signal.throwIfAborted();
      const { code = '' } = /** @type {{ code?: string }} */ (error);
      if (proxy === undefined || !NOT_REACHED.includes(code)) throw error;
      return look(proxy);
    }
  });
  const { status, error } = found;
  if (status !== 'failed' || !error || !NOT_REACHED.includes(error.code)) return found;
  return { ...found, status: 'unknown', because: 'The server was not reached.' };
}
