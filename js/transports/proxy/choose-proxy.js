// What `options.proxy` means for one server.

import { isExcepted, proxyFromEnv } from './proxy-from-env.js';
import { parseProxyUrl } from './proxy-url.js';

/** @typedef {import('./proxy-from-env.js').Environment} Environment */
/** @typedef {import('./proxy-url.js').ProxyServer} ProxyServer */

/**
 * The proxy that the option names.
 *
 * @param {string | undefined} option a URL, or 'env' for what the environment says
 * @param {Environment} [env]
 * @returns {ProxyServer | undefined}
 * @throws {TypeError} ERR_INVALID_ARGUMENT for 'options.proxy'
 */
export function namedProxy(option, env = process.env) {
  if (option === undefined) return undefined;
  return option === 'env' ? proxyFromEnv(env) : parseProxyUrl(option);
}

/**
 * The same, unless NO_PROXY excepts the server; a proxy that is named by its URL is for all.
 *
 * @param {string | undefined} option
 * @param {{ host: string, port: number }} server
 * @param {Environment} [env]
 * @returns {ProxyServer | undefined}
 * @throws {TypeError} ERR_INVALID_ARGUMENT for 'options.proxy'
 */
export function proxyFor(option, server, env = process.env) {
  const proxy = namedProxy(option, env);
  return option === 'env' && isExcepted(server, env) ? undefined : proxy;
}
