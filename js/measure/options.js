// What the measurements of Node.js take in common.

/**
 * @typedef {object} MeasureOptions
 * @property {AbortSignal} signal
 * @property {import('../transports/tls.js').TlsOptions} [tls] options of node:tls, such as `ca`
 * @property {import('../transports/tls.js').TlsOptions} [proxyTls] for a proxy of https://
 * @property {import('../resolve/system-resolver.js').NameResolver} [resolver] default: the system's
 * @property {number} [timeoutMs] of each try; default 10,000
 */

/** A proxy's URL without its login. @param {string | undefined} proxy */
export function shownProxy(proxy) {
  if (proxy === undefined) return undefined;
  const url = new URL(proxy);
  url.username = '';
  url.password = '';
  return url.href;
}
