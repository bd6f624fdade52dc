// Whether HTTPS, or plain HTTP, gets through: one request.
import { request } from 'node:http';
import { formatTransportAddress } from '../address.js';
import { PosternError } from '../errors.js';
import { measurementId } from '../report/measurements/ids.js';
import { codeOf } from '../system-error.js';
import { connectHint } from '../transports/open-errors.js';
import { namedProxy } from '../transports/proxy/choose-proxy.js';
import { refusedError, unreachableProxyError } from '../transports/proxy/proxy-errors.js';
import { proxyTlsSettings } from '../transports/proxy/proxy-tls.js';
import { startTls } from '../transports/start-tls.js';
import { hostOfUrl, openConnection, placeOfUrl, portOfUrl } from './connection.js';
import { measured } from './measured.js';
import { shownProxy, shownUrl } from './options.js';
import { withLimit } from './with-limit.js';

/** @typedef {import('../report/measurements/types.js').HttpsMeasurement} HttpsMeasurement */
/** @typedef {import('../transports/proxy/proxy-url.js').ProxyServer} ProxyServer */
/** @typedef {import('./options.js').MeasureOptions} MeasureOptions */

/** @typedef {{ httpStatus: number, roundTripMs: number }} HttpAnswer */

/** Proxy Authentication Required (RFC 9110 section 15.5.8). */
const PROXY_LOGIN = 407;

/** @param {import('./connection.js').Connection} connection @param {string} why @param {unknown} [cause] */
const noAnswer = ({ candidate }, why, cause) =>
  new PosternError(
    'ERR_TRANSPORT_CONNECT',
    `No answer of HTTP came from ${formatTransportAddress(candidate)} ${why}.`,
    { phase: 'request', hint: connectHint(codeOf(cause) ?? ''), cause },
  );

/**
 * @param {import('./connection.js').Connection} connection
 * @param {{ path: string, headers: Record<string, string> }} question
 * @param {AbortSignal} signal
 * @returns {Promise<HttpAnswer>}
 */
function ask(connection, { path, headers }, signal) {
  const { socket } = connection;
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const asked = request({
      createConnection: () => socket,
      path,
      headers: { 'user-agent': 'postern', accept: '*/*', connection: 'close', ...headers },
      signal,
    });
    // A proxy's socket is paused.
    asked.once('socket', () => socket.resume());
    asked.once('response', (response) => {
      const httpStatus = /** @type {number} */ (response.statusCode);
      resolve({ httpStatus, roundTripMs: performance.now() - start });
      // Only whether something answers is of interest.
      response.destroy();
    });
    asked.on('error', (cause) =>
      reject(
        signal.aborted
          ? signal.reason
          : noAnswer(connection, `(${codeOf(cause) ?? cause.message})`, cause),
      ),
    );
    asked.end();
  });
}

/** @param {URL} url */
const pathOf = ({ pathname, search }) => `${pathname}${search}`;

/**
 * @param {import('./connection.js').Place} place
 * @param {Parameters<typeof ask>[1]} question
 * @param {MeasureOptions} options
 */
async function get(place, question, options) {
  const connection = await openConnection(place, options);
  const tooLate = () => noAnswer(connection, `within ${options.timeoutMs} ms`);
  try {
    return await withLimit(options, tooLate, (signal) => ask(connection, question, signal));
  } finally {
    connection.socket.destroy();
  }
}

/**
 * Plain HTTP goes through an HTTP proxy without a tunnel, which many allow for port 443 only (RFC 9112 section 3.2.2).
 *
 * @param {URL} url
 * @param {ProxyServer} proxy
 * @param {MeasureOptions} options
 */
async function getOfProxy(url, proxy, options) {
  const { host, port, credentials } = proxy;
  const settings = proxyTlsSettings({ proxy, proxyTls: options.proxyTls });
  /** @type {import('./connection.js').Place} */
  const place = {
    uri: { scheme: 'turn', host, port, transport: 'tcp', secure: false },
    secure: settings && ((socket) => startTls(socket, settings)),
  };
  /** @type {Record<string, string>} */
  const login = {};
  if (credentials !== undefined) {
    const { username, password } = credentials;
    const token = Buffer.from(`${username}:${password}`, 'utf8').toString('base64');
    login['proxy-authorization'] = `Basic ${token}`;
  }
  const question = {
    path: `${url.origin}${pathOf(url)}`,
    headers: { host: url.host, ...login },
  };
  let answer;
  try {
    answer = await get(place, question, options);
  } catch (error) {
    options.signal.throwIfAborted();
    const { cause = error } = /** @type {Error} */ (error);
    throw unreachableProxyError(proxy, cause);
  }
  if (answer.httpStatus !== PROXY_LOGIN) return answer;
  const target = { address: hostOfUrl(url), port: portOfUrl(url) };
  const hint =
    credentials === undefined
      ? 'The proxy asks for a user name and a password: put them into its URL, as user:password@host.'
      : 'The proxy refused the user name or the password in its URL.';
  throw refusedError(proxy, target, String(PROXY_LOGIN), hint);
}

/**
 * Asks a web server for something: any status that it answers with shows that the way is open.
 *
 * @param {string} text https: or http: URL
 * @param {MeasureOptions} options
 * @param {string} [proxy] URL of a proxy to go through
 * @returns {Promise<HttpsMeasurement>}
 * @throws `signal.reason`
 */
export async function measureHttps(text, options, proxy) {
  const url = new URL(text);
  const shown = shownUrl(text);
  const what = {
    id: measurementId('https', shown, proxy && 'proxy'),
    kind: /** @type {const} */ ('https'),
    url: shown,
    proxy: shownProxy(proxy),
  };
  return measured(what, options.signal, () => {
    const server = namedProxy(proxy);
    if (url.protocol === 'http:' && server !== undefined && server.protocol !== 'socks5') {
      return getOfProxy(url, server, options);
    }
    const question = { path: pathOf(url), headers: { host: url.host } };
    return get(placeOfUrl(url, options, proxy), question, options);
  });
}
