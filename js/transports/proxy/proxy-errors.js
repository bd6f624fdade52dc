// What went wrong at a proxy. Neither its URL nor the credentials are ever part of it.

import { formatTransportAddress } from '../../address.js';
import { PosternError } from '../../errors.js';
import { codeOf } from '../../system-error.js';
import { connectHint, withCode } from '../open-errors.js';
import { tlsHint } from '../tls-errors.js';

/** @typedef {import('./exchange.js').TunnelTarget} TunnelTarget */
/** @typedef {import('./proxy-url.js').ProxyServer} ProxyServer */

/** @param {string} sentence @param {string} [hint] @param {unknown} [cause] */
function proxyError(sentence, hint, cause) {
  return new PosternError('ERR_TRANSPORT_PROXY', sentence, { phase: 'proxy', hint, cause });
}

/** There is no connection to the proxy itself. @param {ProxyServer} proxy @param {unknown} cause */
export function unreachableProxyError(proxy, cause) {
  const code = codeOf(cause) ?? '';
  const hint = code === 'ENOTFOUND' ? "Check the spelling of the proxy's name." : connectHint(code);
  return proxyError(withCode(`The proxy ${proxy} could not be reached`, code), hint, cause);
}

/** The proxy's own TLS failed. @param {ProxyServer} proxy @param {unknown} cause */
export function proxyTlsError(proxy, cause) {
  const code = codeOf(cause) ?? '';
  const sentence = withCode(`The TLS handshake with the proxy ${proxy} failed`, code);
  return proxyError(sentence, tlsHint(code, 'proxyTls'), cause);
}

/**
 * It answered, and will not.
 *
 * @param {ProxyServer} proxy
 * @param {TunnelTarget} target
 * @param {string} words its reason
 * @param {string} [hint]
 */
export function refusedError(proxy, target, words, hint) {
  const where = formatTransportAddress(target);
  return proxyError(`The proxy ${proxy} opened no connection to ${where}: ${words}.`, hint);
}

/** It broke off, or let the time pass. @param {ProxyServer} proxy @param {TunnelTarget} target @param {unknown} cause */
export function unfinishedError(proxy, target, cause) {
  if (cause instanceof PosternError) return cause;
  const code = codeOf(cause) ?? '';
  const where = formatTransportAddress(target);
  const sentence = withCode(`The proxy ${proxy} gave no answer about ${where}`, code);
  const kind = proxy.protocol === 'socks5' ? 'SOCKS5' : 'HTTP';
  const hint = `Does this port speak ${kind}? It may also be that the proxy waits for the server in vain.`;
  return proxyError(sentence, hint, cause);
}

/** Its bytes make no sense. @param {ProxyServer} proxy @param {'HTTP' | 'SOCKS5'} kind @param {string} hint */
export function garbledError(proxy, kind, hint) {
  return proxyError(`What answers at ${proxy} does not speak ${kind}.`, hint);
}
