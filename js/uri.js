// URIs of RFC 7064 (stun, stuns) and RFC 7065 (turn, turns), and URLs of WebSockets (RFC 6455 section 3).

import { familyOf } from './address.js';
import { argumentError, PosternError } from './errors.js';

/** @typedef {'stun' | 'stuns' | 'turn' | 'turns'} Scheme */

/**
 * @typedef {object} ServerUri
 * @property {Scheme} scheme
 * @property {string} host a name, percent-decoded and in lower case; or an IP address, without
 *   brackets
 * @property {number | null} port 1 to 65535; null when the URI leaves it to DNS or the default
 * @property {'udp' | 'tcp' | 'ws' | null} transport only `turn` and `turns` URIs can name one; 'ws', which is no
 *   registered value but our convention, stands for WebSocket
 * @property {boolean} secure whether the scheme asks for TLS
 * @property {string} [url] of a ws:// or wss:// URL: all of it in normal form. The scheme is 'turn' or 'turns' then, and
 *   the port is there
 */

/** UDP and TCP (RFC 8489 section 8.1, RFC 8656 section 4.1). */
export const DEFAULT_PORT = 3478;
/** TLS (the same sections). */
export const DEFAULT_TLS_PORT = 5349;

/** WebSocket without and with TLS (RFC 6455 section 3). */
const WEBSOCKET_PORT = 80;
const WEBSOCKET_TLS_PORT = 443;

const SCHEME = /^(stuns?|turns?):/i;
const WEBSOCKET_SCHEME = /^(wss?):/i;
// reg-name of RFC 3986 section 3.2.2, and what may stand for itself in it.
const REG_NAME = /^(?:[\w.~!$&'()*+,;=-]|%[\da-f]{2})*$/i;
const REG_NAME_CHARACTER = /[\w.~!$&'()*+,;=-]/;
// What a percent-encoded byte can smuggle into a name, but no host is called.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are looked for on purpose
const NEVER_IN_A_NAME = /[\u0000-\u0020"#%/:<>?@[\\\]^`{|}\u007f]/;

/** @param {string} sentence @param {number} [offset] */
function uriError(sentence, offset) {
  return new PosternError('ERR_INVALID_URI', sentence, { offset });
}

/** The text as a URI if it is one, to suggest it to the user. @param {string} text */
function suggestion(text) {
  try {
    return `: write '${formatUri(parseUri(text))}'`;
  } catch {
    return '';
  }
}

/** @param {string} text has no scheme of ours */
function schemeError(text) {
  if (text === '')
    return uriError("The URI is empty; it is to be such as 'stun:stun.example.org'.", 0);
  if (/^\s|\s$/.test(text)) return uriError('The URI begins or ends with white space.', 0);
  const example = suggestion(`stun:${text}`) || suggestion(`turn:${text}`);
  const other = /^([a-z][a-z\d+.-]*):/i.exec(text);
  if (example === '' && other) {
    const sentence = `The scheme '${other[1]}' is not one of stun, stuns, turn, turns, ws and wss`;
    return uriError(`${sentence}.`, 0);
  }
  return uriError(
    `The URI has no scheme${example || ", such as 'stun:' in 'stun:example.org'"}.`,
    0,
  );
}

/**
 * @param {string} text
 * @param {number} offset of `text` in the URI
 * @returns {number | null}
 */
function parsePort(text, offset) {
  if (text === '') return null; // port = *DIGIT, so "stun:host:" is a URI
  if (!/^\d+$/.test(text)) throw uriError(`The port '${text}' is not a number.`, offset);
  const port = Number(text);
  if (port < 1 || port > 65535) {
    throw uriError(`The port ${text} is out of range: 1 to 65535.`, offset);
  }
  return port;
}

/** @param {string} text percent-encoded @param {number} offset */
function parseName(text, offset) {
  if (!REG_NAME.test(text)) {
    const at = text.search(/[^\w.~!$&'()*+,;=%-]|%(?![\da-f]{2})/i);
    const character = String.fromCodePoint(/** @type {number} */ (text.codePointAt(at)));
    const advice =
      character > '\u007f' ? ' unless percent-encoded (or write the xn-- form of the name)' : '';
    throw uriError(`A host name holds no '${character}'${advice}.`, offset + at);
  }
  let name;
  try {
    name = decodeURIComponent(text).toLowerCase();
  } catch {
    throw uriError('The percent-encoded bytes of the host name are not UTF-8.', offset);
  }
  if (NEVER_IN_A_NAME.test(name)) {
    throw uriError('The host name holds a percent-encoded character that no name has.', offset);
  }
  // No top-level domain is a number, but resolvers take 127.1 and 0x7f000001 for addresses.
  if (/(?:^|\.)(?:\d+|0x[\da-f]*)\.?$/.test(name) && familyOf(name) !== 'IPv4') {
    const sentence = `'${name}' is neither a host name nor an IPv4 address`;
    throw uriError(`${sentence}, which is four numbers of 0 to 255.`, offset);
  }
  return name;
}

/** @param {string} text what stands between the brackets @param {number} offset */
function parseLiteral(text, offset) {
  if (text.includes('%')) {
    throw uriError('An address in a URI has no zone: leave out the % and what follows.', offset);
  }
  if (/^v/i.test(text))
    throw uriError('Addresses of a future IP version are not known here.', offset);
  if (familyOf(text) !== 'IPv6') {
    throw uriError(`'${text}' is not an IPv6 address; only those stand in brackets.`, offset);
  }
  return text.toLowerCase();
}

/**
 * @param {Scheme} scheme
 * @param {string} query begins with '?', or is empty
 * @param {number} offset
 */
function parseTransport(scheme, query, offset) {
  if (query === '') return null;
  if (scheme === 'stun' || scheme === 'stuns') {
    const sentence = `A ${scheme}: URI takes no '?'`;
    throw uriError(`${sentence}: leave it out, and name the transport in the options.`, offset);
  }
  const match = /^\?transport=([\w.~-]+)$/i.exec(query);
  if (match === null) {
    const sentence =
      "After '?' comes nothing but 'transport=udp', 'transport=tcp' or 'transport=ws'";
    throw uriError(`${sentence} in a ${scheme}: URI.`, offset);
  }
  const transport = match[1].toLowerCase();
  if (transport === 'udp' || transport === 'tcp' || transport === 'ws') return transport;
  // Well-formed (transport-ext), but RFC 5928 section 3 has the client stop.
  throw new PosternError(
    'ERR_TRANSPORT_UNSUPPORTED',
    `The transport '${transport}' is not known: a ${scheme}: URI names udp, tcp or ws.`,
  );
}

/**
 * @param {string} authority host and port
 * @param {number} offset of them in the URI
 * @param {string} scheme with what follows it, for examples: 'stun:' or 'wss://'
 */
function parseAuthority(authority, offset, scheme) {
  if (authority.startsWith('[')) {
    const close = authority.indexOf(']');
    if (close < 0) throw uriError("The ']' after the IPv6 address is missing.", offset);
    const rest = authority.slice(close + 1);
    if (rest !== '' && !rest.startsWith(':')) {
      throw uriError("After the ']' comes nothing but ':' and a port.", offset + close + 1);
    }
    const host = parseLiteral(authority.slice(1, close), offset + 1);
    return { host, port: parsePort(rest.slice(1), offset + close + 2) };
  }

  const colon = authority.indexOf(':');
  if (colon >= 0 && authority.indexOf(':', colon + 1) >= 0) {
    const example = familyOf(authority) ? `: write '${scheme}[${authority}]'` : '';
    throw uriError(`An IPv6 address stands in brackets${example}.`, offset);
  }
  const name = colon < 0 ? authority : authority.slice(0, colon);
  if (name === '') throw uriError(`The host is missing, as in '${scheme}example.org'.`, offset);
  const host = parseName(name, offset);
  return {
    host,
    port: colon < 0 ? null : parsePort(authority.slice(colon + 1), offset + colon + 1),
  };
}

/** Never quotes the text, which may hold a password. @param {number} offset */
function userInfoError(offset) {
  const sentence =
    "A URI of a server holds no user name or password: take out what stands before the '@', " +
    'and pass { urls, username, credential }.';
  return uriError(sentence, offset);
}

/**
 * The host and port that a WebSocket's URL leads to.
 *
 * @param {URL} url
 * @returns {{ address: string, port: number, family: import('./address.js').AddressFamily | undefined }} `address` is a
 *   name, and `family` undefined, unless the URL has an address
 */
export function webSocketAddress(url) {
  const address = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port) || (url.protocol === 'wss:' ? WEBSOCKET_TLS_PORT : WEBSOCKET_PORT);
  return { address, port, family: familyOf(address) };
}

/** The platform's reading of a URL whose host was checked. @param {string} text @param {string} host @param {number} offset */
function toUrl(text, host, offset) {
  try {
    return new URL(text);
  } catch {
    throw uriError(`'${host}' is not a domain name.`, offset);
  }
}

/**
 * The class URL takes much for a URL that others read differently: white space, backslashes, missing slashes, addresses
 * as one number. So all but the path and the query is checked before.
 *
 * @param {string} text
 * @param {string} name 'ws' or 'wss'
 * @returns {ServerUri}
 */
function parseWebSocketUrl(text, name) {
  const start = name.length + 1 + '//'.length;
  const scheme = `${name.toLowerCase()}://`;
  if (!text.startsWith('//', name.length + 1)) {
    throw uriError(`After '${name}:' comes '//', as in '${scheme}example.org/'.`, name.length + 1);
  }
  const stray = text.search(/[#\\\s]/);
  if (stray >= 0) {
    // A fragment has no meaning there (RFC 6455 section 3).
    const what = /\s/.test(text[stray]) ? 'white space' : `'${text[stray]}'`;
    throw uriError(`A ${scheme} URL holds no ${what}.`, stray);
  }
  const length = text.slice(start).search(/[/?]/);
  const authority = length < 0 ? text.slice(start) : text.slice(start, start + length);
  if (authority.includes('@')) throw userInfoError(start + authority.lastIndexOf('@'));
  /** @type {string} */
  let host;
  try {
    ({ host } = parseAuthority(authority, start, scheme));
  } catch (error) {
    // The path and the query may hold an '@', or the one of a password that holds a '/'.
    throw text.includes('@') ? userInfoError(text.lastIndexOf('@')) : error;
  }
  const url = toUrl(text, host, start);
  const { address, port } = webSocketAddress(url);
  const secure = url.protocol === 'wss:';
  const { href } = url;
  return {
    scheme: secure ? 'turns' : 'turn',
    host: address,
    port,
    transport: 'ws',
    secure,
    url: href,
  };
}

/**
 * Reads a `stun:`, `stuns:`, `turn:` or `turns:` URI, by the grammar of RFC 7064 section 3.1 and
 * RFC 7065 section 3.1. Names that end in a number, which DNS cannot have, are refused too.
 *
 * TURN over WebSocket, for which there is no RFC, is named by the `ws://` or `wss://` URL of the server or its gateway
 * (path and query allowed; default ports 80 and 443), or by our convention as `turn:host?transport=ws`, which is
 * ws://host:3478/ (where the server itself listens), and `turns:host?transport=ws`, which is wss://host:443/ (what
 * firewalls let through).
 *
 * @param {string} text such as 'stun:stun.example.org', 'turn:[2001:db8::1]:3478?transport=tcp' or
 *   'wss://turn.example.org/turn'
 * @returns {ServerUri}
 * @throws {PosternError} ERR_INVALID_URI with the `offset` of what is wrong, or
 *   ERR_TRANSPORT_UNSUPPORTED; what stands before an '@' never appears in the message
 */
export function parseUri(text) {
  if (typeof text !== 'string')
    throw argumentError('uri', "a string such as 'stun:stun.example.org'");
  const webSocket = WEBSOCKET_SCHEME.exec(text);
  if (webSocket !== null) return parseWebSocketUrl(text, webSocket[1]);
  const at = text.lastIndexOf('@');
  // Before any other complaint: those quote the text, and this may hold a password.
  if (at >= 0) throw userInfoError(at);
  const match = SCHEME.exec(text);
  if (match === null) throw schemeError(text);
  const scheme = /** @type {Scheme} */ (match[1].toLowerCase());
  const start = match[0].length;

  if (text.startsWith('//', start)) {
    const example = suggestion(`${scheme}:${text.slice(start + 2).replace(/\/$/, '')}`);
    throw uriError(`A ${scheme}: URI has no '//'${example}.`, start);
  }
  const stray = text.search(/[/#\s]/);
  if (stray >= 0) {
    const what = /\s/.test(text[stray]) ? 'white space' : `'${text[stray]}'`;
    throw uriError(`A ${scheme}: URI holds no ${what}.`, stray);
  }
  const queryStart = text.indexOf('?', start);
  const end = queryStart < 0 ? text.length : queryStart;
  const transport = parseTransport(scheme, text.slice(end), end);
  const secure = scheme === 'stuns' || scheme === 'turns';
  const { host, port } = parseAuthority(text.slice(start, end), start, `${scheme}:`);
  return { scheme, host, port, transport, secure };
}

/**
 * Writes a URI in its normal form: lower case, percent-encoded where it must be. What was a WebSocket's URL is one
 * again.
 *
 * @param {Pick<ServerUri, 'scheme' | 'host'> & Partial<ServerUri>} uri
 * @returns {string}
 */
export function formatUri({ scheme, host, port, transport, url }) {
  if (url !== undefined) return url;
  return `${scheme}:${encodeHost(host)}${port ? `:${port}` : ''}${transport ? `?transport=${transport}` : ''}`;
}

/**
 * A server's URI as errors and reports may show it. Services put keys into the query of a WebSocket's URL, so that is
 * left out; so is everything of what cannot be read and has an '@', which passwords may stand before.
 *
 * @param {string} text a URI, or what was meant to be one
 * @returns {string} such as 'wss://turn.example.org/turn?…'
 */
export function shownUri(text) {
  if (text.includes('@')) {
    try {
      parseUri(text);
    } catch {
      return `${/^(?:[a-z]+:)?/i.exec(text)?.[0]}…`;
    }
  }
  return WEBSOCKET_SCHEME.test(text) ? text.replace(/\?.+$/s, '?…') : text;
}

/** @param {string} host */
function encodeHost(host) {
  if (familyOf(host) === 'IPv6') return `[${host}]`;
  return Array.from(host, (character) =>
    REG_NAME_CHARACTER.test(character) ? character : encodeURIComponent(character),
  ).join('');
}

/**
 * The URL to open for a URI whose transport is 'ws'.
 *
 * @param {Pick<ServerUri, 'host' | 'port' | 'secure' | 'url'>} uri
 * @returns {URL}
 * @throws {PosternError} ERR_INVALID_URI when the host is no domain name
 */
export function webSocketUrlOf(uri) {
  const { host, secure, url } = uri;
  const authority = `${encodeHost(host)}:${portOf(uri)}`;
  return toUrl(url ?? `${secure ? 'wss' : 'ws'}://${authority}/`, host, 0);
}

/**
 * The port to use when neither the URI nor DNS names another.
 *
 * @param {Pick<ServerUri, 'port' | 'secure'> & Partial<ServerUri>} uri
 */
export function portOf({ port, secure, transport }) {
  if (port !== null) return port;
  if (!secure) return DEFAULT_PORT;
  return transport === 'ws' ? WEBSOCKET_TLS_PORT : DEFAULT_TLS_PORT;
}
