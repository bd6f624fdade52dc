// URIs of RFC 7064 (stun, stuns) and RFC 7065 (turn, turns).

import { familyOf } from './address.js';
import { argumentError, PosternError } from './errors.js';

/** @typedef {'stun' | 'stuns' | 'turn' | 'turns'} Scheme */

/**
 * @typedef {object} ServerUri
 * @property {Scheme} scheme
 * @property {string} host a name, percent-decoded and in lower case; or an IP address, without
 *   brackets
 * @property {number | null} port 1 to 65535; null when the URI leaves it to DNS or the default
 * @property {'udp' | 'tcp' | null} transport only `turn` and `turns` URIs can name one
 * @property {boolean} secure whether the scheme asks for TLS
 */

/** UDP and TCP (RFC 8489 section 8.1, RFC 8656 section 4.1). */
export const DEFAULT_PORT = 3478;
/** TLS (the same sections). */
export const DEFAULT_TLS_PORT = 5349;

const SCHEME = /^(stuns?|turns?):/i;
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
    return uriError(`The scheme '${other[1]}' is not one of stun, stuns, turn and turns.`, 0);
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
    const sentence = "After '?' comes nothing but 'transport=udp' or 'transport=tcp'";
    throw uriError(`${sentence} in a ${scheme}: URI.`, offset);
  }
  const transport = match[1].toLowerCase();
  if (transport === 'udp' || transport === 'tcp') return transport;
  // Well-formed (transport-ext), but RFC 5928 section 3 has the client stop.
  throw new PosternError(
    'ERR_TRANSPORT_UNSUPPORTED',
    `The transport '${transport}' is not known: a ${scheme}: URI names udp or tcp.`,
  );
}

/**
 * Reads a `stun:`, `stuns:`, `turn:` or `turns:` URI, by the grammar of RFC 7064 section 3.1 and
 * RFC 7065 section 3.1. Names that end in a number, which DNS cannot have, are refused too.
 *
 * @param {string} text such as 'stun:stun.example.org' or 'turn:[2001:db8::1]:3478?transport=tcp'
 * @returns {ServerUri}
 * @throws {PosternError} ERR_INVALID_URI with the `offset` of what is wrong, or
 *   ERR_TRANSPORT_UNSUPPORTED; what stands before an '@' never appears in the message
 */
export function parseUri(text) {
  if (typeof text !== 'string')
    throw argumentError('uri', "a string such as 'stun:stun.example.org'");
  const at = text.lastIndexOf('@');
  if (at >= 0) {
    // Before any other complaint: those quote the text, and this may hold a password.
    const sentence =
      "A URI of a server holds no user name or password: take out what stands before the '@', " +
      'and pass { urls, username, credential }.';
    throw uriError(sentence, at);
  }
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
  const authority = text.slice(start, end);
  const transport = parseTransport(scheme, text.slice(end), end);
  const secure = scheme === 'stuns' || scheme === 'turns';

  if (authority.startsWith('[')) {
    const close = authority.indexOf(']');
    if (close < 0) throw uriError("The ']' after the IPv6 address is missing.", start);
    const rest = authority.slice(close + 1);
    if (rest !== '' && !rest.startsWith(':')) {
      throw uriError("After the ']' comes nothing but ':' and a port.", start + close + 1);
    }
    const host = parseLiteral(authority.slice(1, close), start + 1);
    return { scheme, host, port: parsePort(rest.slice(1), start + close + 2), transport, secure };
  }

  const colon = authority.indexOf(':');
  if (colon >= 0 && authority.indexOf(':', colon + 1) >= 0) {
    const example = familyOf(authority) ? `: write '${scheme}:[${authority}]'` : '';
    throw uriError(`An IPv6 address stands in brackets${example}.`, start);
  }
  const name = colon < 0 ? authority : authority.slice(0, colon);
  if (name === '') throw uriError(`The host is missing, as in '${scheme}:example.org'.`, start);
  const host = parseName(name, start);
  const port = colon < 0 ? null : parsePort(authority.slice(colon + 1), start + colon + 1);
  return { scheme, host, port, transport, secure };
}

/**
 * Writes a URI in its normal form: lower case, percent-encoded where it must be.
 *
 * @param {Pick<ServerUri, 'scheme' | 'host'> & Partial<ServerUri>} uri
 * @returns {string}
 */
export function formatUri({ scheme, host, port, transport }) {
  const name = familyOf(host) === 'IPv6' ? `[${host}]` : encodeName(host);
  return `${scheme}:${name}${port ? `:${port}` : ''}${transport ? `?transport=${transport}` : ''}`;
}

/** @param {string} name */
function encodeName(name) {
  return Array.from(name, (character) =>
    REG_NAME_CHARACTER.test(character) ? character : encodeURIComponent(character),
  ).join('');
}

/**
 * The port to use when neither the URI nor DNS names another.
 *
 * @param {Pick<ServerUri, 'port' | 'secure'>} uri
 */
export function portOf({ port, secure }) {
  return port ?? (secure ? DEFAULT_TLS_PORT : DEFAULT_PORT);
}
