// TCP for Node.

import { Dial } from './dial.js';
import { proxyTlsSettings } from './proxy/proxy-tls.js';
import { OPEN_TIMEOUT_MS, StreamTransport } from './stream-transport.js';
import { checkTarget } from './target.js';

/** @typedef {import('./proxy/proxy-tls.js').ProxyOptions} ProxyOptions */
/** @typedef {import('./transport.js').OpenOptions} OpenOptions */
/** @typedef {import('./transport.js').TransportTarget} TransportTarget */

/**
 * Connects to a server over TCP.
 *
 * @param {TransportTarget} target
 * @param {OpenOptions & ProxyOptions & { timeoutMs?: number }} [options] `timeoutMs`: until connected; 39,500
 *   when left out
 * @returns {Promise<StreamTransport>}
 * @throws {import('../errors.js').PosternError} ERR_TRANSPORT_CONNECT; with a proxy, ERR_TRANSPORT_PROXY
 */
export async function openTcp(target, options = {}) {
  const { signal, localAddress, localPort, timeoutMs = OPEN_TIMEOUT_MS, proxy } = options;
  const remote = checkTarget(target, options);
  const proxyTls = proxyTlsSettings(options);
  signal?.throwIfAborted();
  const common = { kind: 'tcp', signal, timeoutMs, localAddress, localPort, proxy, proxyTls };
  const dial = new Dial(remote, common);
  return dial.connect((socket) => new StreamTransport('tcp', socket, remote, dial.phases));
}
