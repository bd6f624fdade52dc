// TLS to the proxy itself, which an https:// URL of a proxy asks for.

import { tlsSettings } from '../start-tls.js';

/**
 * How to get to a server through a proxy.
 *
 * @typedef {object} ProxyOptions
 * @property {import('./proxy-url.js').ProxyServer} [proxy] none: straight to the server
 * @property {import('../start-tls.js').TlsOptions} [proxyTls] for the TLS to a proxy of https://
 */

/**
 * @param {ProxyOptions} options
 * @returns {import('../start-tls.js').TlsSettings | undefined} nothing where the proxy has no TLS
 * @throws {TypeError} ERR_INVALID_ARGUMENT
 */
export function proxyTlsSettings({ proxy, proxyTls = {} }) {
  if (proxy?.protocol !== 'https') return undefined;
  return tlsSettings(proxyTls, proxy.host, 'http/1.1', 'options.proxyTls');
}
