// TLS on a connection that is there. Certificates are always checked.

import { isIP } from 'node:net';
import { checkServerIdentity, connect, createSecureContext } from 'node:tls';
import { argumentError } from '../errors.js';

/**
 * Options of node:tls, as documented there. Certificates are always checked.
 *
 * @typedef {Pick<import('node:tls').ConnectionOptions, 'ca' | 'cert' | 'key' | 'passphrase' | 'pfx'
 *   | 'crl' | 'ciphers' | 'minVersion' | 'maxVersion' | 'secureContext' | 'servername'
 *   | 'checkServerIdentity'>} TlsOptions
 */

/**
 * @typedef {object} TlsSettings checked
 * @property {string} name whom the certificate has to name
 * @property {string} alpn label of what is spoken inside (RFC 7301)
 * @property {import('node:tls').SecureContext} secureContext
 * @property {TlsOptions['checkServerIdentity']} checkServerIdentity
 */

/** @param {TlsOptions} tls @param {string} argument */
function secureContextOf(tls, argument) {
  try {
    return tls.secureContext ?? createSecureContext(tls);
  } catch (cause) {
    // A certificate that is none, a cipher that does not exist.
    const { message } = /** @type {Error} */ (cause);
    throw Object.assign(argumentError(argument, `what node:tls takes: ${message}`), { cause });
  }
}

/**
 * Checks the options before a packet is sent.
 *
 * @param {TlsOptions} tls
 * @param {string} host whom the certificate has to name, unless `tls.servername` says so
 * @param {string} alpn
 * @param {string} [argument] name of `tls` in errors
 * @returns {TlsSettings}
 * @throws {TypeError} ERR_INVALID_ARGUMENT
 */
export function tlsSettings(tls, host, alpn, argument = 'options.tls') {
  if ('rejectUnauthorized' in tls) {
    throw argumentError(
      `${argument}.rejectUnauthorized`,
      'left out: certificates are always checked (RFC 8489 section 6.2.3); ' +
        `pass the server's authority in ${argument.replace('options.', '')}.ca`,
    );
  }
  return {
    name: tls.servername ?? host,
    alpn,
    secureContext: secureContextOf(tls, argument),
    checkServerIdentity: tls.checkServerIdentity,
  };
}

/**
 * Begins the handshake.
 *
 * @param {import('node:net').Socket} socket connected; belongs to TLS from now on
 * @param {TlsSettings} settings
 * @returns {import('node:tls').TLSSocket} emits 'secureConnect' or 'error'
 */
export function startTls(socket, { name, alpn, secureContext, checkServerIdentity: check }) {
  return connect({
    socket,
    secureContext,
    // An address is not sent as SNI (RFC 6066 section 3), but checked all the same.
    servername: isIP(name) ? '' : name,
    checkServerIdentity: (_, certificate) => (check ?? checkServerIdentity)(name, certificate),
    ALPNProtocols: [alpn],
    // Said, so that the environment (NODE_TLS_REJECT_UNAUTHORIZED) can't turn it off.
    rejectUnauthorized: true,
  });
}
