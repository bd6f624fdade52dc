// What the measurements of Node.js take in common.

/**
 * @typedef {object} MeasureOptions
 * @property {AbortSignal} signal
 * @property {import('../transports/tls.js').TlsOptions} [tls] options of node:tls, such as `ca`
 * @property {import('../transports/tls.js').TlsOptions} [proxyTls] for a proxy of https://
 * @property {import('../resolve/system-resolver.js').NameResolver} [resolver] default: the system's
 * @property {string} [origin] that WebSockets tell
 * @property {number} timeoutMs for reaching a server, and again for its answer; of STUN and TURN for both
 */

/** A URL without what may be secret: user, query, fragment. @param {string} text */
export function shownUrl(text) {
  const url = new URL(text);
  url.username = '';
  url.password = '';
  url.search = '';
  url.hash = '';
  return url.href;
}

/** @param {string | undefined} proxy */
export const shownProxy = (proxy) => (proxy === undefined ? undefined : shownUrl(proxy));
