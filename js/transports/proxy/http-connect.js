// A tunnel through an HTTP proxy: CONNECT (RFC 9110 section 9.3.6, RFC 9112 section 3.2.3).

import { formatTransportAddress } from '../../address.js';
import { garbledError, refusedError } from './proxy-errors.js';

/** @typedef {import('./exchange.js').Dialogue} Dialogue */
/** @typedef {import('./exchange.js').TunnelTarget} TunnelTarget */
/** @typedef {import('./proxy-url.js').ProxyServer} ProxyServer */

/** Ours: what a proxy may send before the tunnel is open, interim answers included. */
export const MAX_RESPONSE_HEADER_BYTES = 16 * 1024;
/** Ours: how much of the proxy's own words goes into an error. */
const MAX_REASON_CHARACTERS = 100;
const MAX_SCHEMES = 8;

/** Some proxies, such as tinyproxy, answer wrong credentials as a web server would. */
const UNAUTHORIZED = 401;

const STATUS_LINE = /^HTTP\/1\.[01] ([1-9]\d\d)(?: ([^\r\n]*))?\r?\n/;
const START = 'HTTP/1.';

/** @type {Record<number, string>} */
const HINTS = {
  400: 'The proxy did not understand CONNECT; it may be a web server.',
  403: 'The proxy does not allow this server or this port; most allow port 443 only.',
  404: 'What answers may be a web server, and no proxy.',
  405: 'The proxy does not allow CONNECT; it may be a web server, and no proxy.',
  408: 'The proxy waited too long.',
  429: 'The proxy limits how often it is asked; try again later.',
  500: 'The proxy failed; it may be unable to resolve the name of the server.',
  501: 'The proxy does not know CONNECT.',
  502: 'The proxy could not reach the server: nothing listens there, or its name does not resolve.',
  503: 'The proxy could not reach the server, or is overloaded.',
  504: 'The server did not answer the proxy in time.',
};

/**
 * The names of the authentication schemes that Proxy-Authenticate fields offer (RFC 9110 section 11.7.1).
 *
 * @param {string} header
 * @returns {string[]}
 */
function offeredSchemes(header) {
  const fields = header.match(/^(?:proxy|www)-authenticate:.*$/gim) ?? [];
  const names = fields.flatMap((field) => {
    const value = field.slice(field.indexOf(':') + 1).replace(/"(?:\\.|[^"\\])*"?/g, '""');
    // Between commas stand schemes, and parameters 'name=value' of the scheme before.
    return value
      .split(',')
      .flatMap((part) => /^\s*([\w!#$%&'*+.^`|~-]+)(?!\s*=|[^\s])/.exec(part)?.[1] ?? []);
  });
  return [...new Set(names)].slice(0, MAX_SCHEMES);
}

/** @param {string} header @param {boolean} hadCredentials */
function authenticationHint(header, hadCredentials) {
  const schemes = offeredSchemes(header);
  const takes = schemes.length > 0 ? ` It takes: ${schemes.join(', ')}.` : '';
  if (schemes.length > 0 && !schemes.some((scheme) => /^basic$/i.test(scheme))) {
    return `The proxy asks for an authentication that is not known here, which is Basic only.${takes}`;
  }
  return hadCredentials
    ? `The proxy refused the user name or the password in its URL.${takes}`
    : `The proxy asks for a user name and a password: put them into its URL, as user:password@host.${takes}`;
}

/** The end of the header, or 0 while it has not come. @param {string} text */
function headerEnd(text) {
  // A single LF may end a line (RFC 9112 section 2.2).
  const end = /\n\r?\n/.exec(text);
  return end === null ? 0 : end.index + end[0].length;
}

/** @param {ProxyServer} proxy @param {TunnelTarget} target @param {string | undefined} alpn */
function request({ credentials }, target, alpn) {
  const authority = formatTransportAddress(target);
  const lines = [`CONNECT ${authority} HTTP/1.1`, `Host: ${authority}`];
  if (credentials !== undefined) {
    const { username, password } = credentials;
    const token = Buffer.from(`${username}:${password}`, 'utf8').toString('base64');
    lines.push(`Proxy-Authorization: Basic ${token}`);
  }
  // Says what is inside, for proxies whose policy goes by that (RFC 7639).
  if (alpn !== undefined) lines.push(`ALPN: ${alpn}`);
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

/**
 * Asks the proxy for a tunnel.
 *
 * @param {ProxyServer} proxy
 * @param {TunnelTarget} target
 * @param {string} [alpn] label of the protocol within, when that is TLS
 * @returns {Dialogue}
 * @throws {import('../../errors.js').PosternError} ERR_TRANSPORT_PROXY
 */
export function* httpConnect(proxy, target, alpn) {
  let room = MAX_RESPONSE_HEADER_BYTES;
  const length = (/** @type {Buffer} */ received) => {
    const text = received.toString('latin1', 0, room);
    if (!text.startsWith(START) && !START.startsWith(text)) {
      throw garbledError(
        proxy,
        'HTTP',
        'Is it the port of a SOCKS proxy (socks5://), or of TLS (https://)?',
      );
    }
    const end = headerEnd(text);
    if (end === 0 && received.length >= room) {
      throw garbledError(
        proxy,
        'HTTP',
        `The header of its answer is longer than ${MAX_RESPONSE_HEADER_BYTES} bytes.`,
      );
    }
    return end;
  };
  let header = yield { write: request(proxy, target, alpn), length };
  for (;;) {
    room -= header.length;
    const text = header.toString('latin1');
    const line = STATUS_LINE.exec(text);
    if (line === null) throw garbledError(proxy, 'HTTP', 'Its answer begins with no status line.');
    const status = Number(line[1]);
    if (status >= 200 && status < 300) return;
    if (status >= 200 || status === 101) {
      const reason = (line[2] ?? '')
        .replace(/[^ -~]/g, '?')
        .slice(0, MAX_REASON_CHARACTERS)
        .trim();
      const hint =
        status === 407 || status === UNAUTHORIZED
          ? authenticationHint(text, proxy.credentials !== undefined)
          : HINTS[status];
      throw refusedError(proxy, target, `${status}${reason && ` ${reason}`}`, hint);
    }
    header = yield { length };
  }
}
