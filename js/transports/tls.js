// TLS over TCP for Node.

import { isIP } from 'node:net';
import { checkServerIdentity, connect } from 'node:tls';
import { argumentError } from '../errors.js';
import { connectError, tlsError } from './open-errors.js';
import { OPEN_TIMEOUT_MS, StreamTransport } from './stream-transport.js';
import { checkTarget } from './target.js';
import { whenReady } from './when-ready.js';

/** @typedef {import('./transport.js').OpenOptions} OpenOptions */
/** @typedef {import('./transport.js').TransportTarget} TransportTarget */

/** Labels of RFC 7443: the first for Binding requests, the second for allocations. */
/** @typedef {'stun.nat-discovery' | 'stun.turn'} AlpnLabel */

/**
 * Options of node:tls, as documented there. Certificates are always checked.
 *
 * @typedef {Pick<import('node:tls').ConnectionOptions, 'ca' | 'cert' | 'key' | 'passphrase' | 'pfx'
 *   | 'crl' | 'ciphers' | 'minVersion' | 'maxVersion' | 'secureContext' | 'servername'
 *   | 'checkServerIdentity'>} TlsOptions
 */

/** @param {TlsOptions} tls */
function checkTlsOptions(tls) {
  if ('rejectUnauthorized' in tls) {
    throw argumentError(
      'options.tls.rejectUnauthorized',
      'left out: certificates are always checked (RFC 8489 section 6.2.3); ' +
        "pass the server's authority in tls.ca",
    );
  }
}

/** @param {import('node:tls').ConnectionOptions} options */
function start(options) {
  try {
    return connect(options);
  } catch (cause) {
    // A certificate that is none, a cipher that does not exist.
    const { message } = /** @type {Error} */ (cause);
    throw Object.assign(argumentError('options.tls', `what node:tls takes: ${message}`), { cause });
  }
}

/**
 * Connects to a server over TLS, and checks its certificate (RFC 8489 section 6.2.3).
 *
 * @param {TransportTarget} target
 * @param {OpenOptions & { timeoutMs?: number, alpn?: AlpnLabel, tls?: TlsOptions }} [options]
 *   `timeoutMs`: until the handshake is done; 39,500 when left out. `alpn`: the usage to announce,
 *   'stun.nat-discovery' when left out; a server that knows nothing of ALPN is welcome too
 * @returns {Promise<StreamTransport>}
 * @throws {import('../errors.js').PosternError} ERR_TRANSPORT_CONNECT while there is no TCP
 *   connection, ERR_TRANSPORT_TLS after that
 */
export async function openTls(target, options = {}) {
  const { signal, localAddress, localPort, timeoutMs = OPEN_TIMEOUT_MS } = options;
  const { alpn = 'stun.nat-discovery', tls = {} } = options;
  const remote = checkTarget(target, options);
  checkTlsOptions(tls);
  signal?.throwIfAborted();
  const name = tls.servername ?? target.host ?? remote.address;
  /** @type {import('node:tls').ConnectionOptions & import('node:net').TcpSocketConnectOpts} */
  const connectOptions = {
    ...tls,
    // An address is not sent as SNI (RFC 6066 section 3), but checked all the same.
    servername: isIP(name) ? '' : name,
    checkServerIdentity: (_, certificate) =>
      (tls.checkServerIdentity ?? checkServerIdentity)(name, certificate),
    host: remote.address,
    port: remote.port,
    localAddress,
    localPort,
    ALPNProtocols: [alpn],
    // Said, so that the environment (NODE_TLS_REJECT_UNAUTHORIZED) can't turn it off.
    rejectUnauthorized: true,
  };
  const socket = start(connectOptions);
  let isConnected = false;
  socket.once('connect', () => {
    isConnected = true;
  });
  return whenReady(socket, {
    event: 'secureConnect',
    signal,
    timeoutMs,
    open: () => new StreamTransport('tls', socket),
    destroy: () => socket.destroy(),
    toError: (cause) =>
      isConnected ? tlsError(target, cause) : connectError(target, 'tls', cause),
  });
}
