// TLS over TCP for Node.

import { Dial } from './dial.js';
import { proxyTlsSettings } from './proxy/proxy-tls.js';
import { startTls, tlsSettings } from './start-tls.js';
import { OPEN_TIMEOUT_MS, StreamTransport } from './stream-transport.js';
import { checkTarget } from './target.js';
import { tlsError } from './tls-errors.js';

/** @typedef {import('./proxy/proxy-tls.js').ProxyOptions} ProxyOptions */
/** @typedef {import('./start-tls.js').TlsOptions} TlsOptions */
/** @typedef {import('./transport.js').OpenOptions} OpenOptions */
/** @typedef {import('./transport.js').TransportTarget} TransportTarget */

/** Labels of RFC 7443: the first for Binding requests, the second for allocations. */
/** @typedef {'stun.nat-discovery' | 'stun.turn'} AlpnLabel */

/**
 * Connects to a server over TLS, and checks its certificate (RFC 8489 section 6.2.3).
 *
 * @param {TransportTarget} target
 * @param {OpenOptions & ProxyOptions & { timeoutMs?: number, alpn?: AlpnLabel, tls?: TlsOptions }} [options]
 *   `timeoutMs`: until the handshake is done; 39,500 when left out. `alpn`: the usage to announce,
 *   'stun.nat-discovery' when left out; a server that knows nothing of ALPN is welcome too
 * @returns {Promise<StreamTransport>}
 * @throws {import('../errors.js').PosternError} ERR_TRANSPORT_CONNECT while there is no TCP
 *   connection, ERR_TRANSPORT_PROXY while a proxy has not opened one, ERR_TRANSPORT_TLS after that
 */
export async function openTls(target, options = {}) {
  const { signal, localAddress, localPort, timeoutMs = OPEN_TIMEOUT_MS, proxy } = options;
  const { alpn = 'stun.nat-discovery', tls = {} } = options;
  const remote = checkTarget(target, options);
  const settings = tlsSettings(tls, target.host ?? remote.address, alpn);
  const proxyTls = proxyTlsSettings(options);
  signal?.throwIfAborted();
  const common = { kind: 'tls', signal, timeoutMs, localAddress, localPort, proxy, proxyTls, alpn };
  const dial = new Dial(remote, common);
  return dial.connect((socket) => {
    const secured = startTls(socket, settings);
    return dial.step(secured, 'secureConnect', 'tls', {
      open: () => new StreamTransport('tls', secured, remote, dial.phases),
      destroy: () => secured.destroy(),
      toError: (cause) => tlsError(target, cause),
    });
  });
}
