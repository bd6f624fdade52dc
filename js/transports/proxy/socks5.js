// A tunnel through a SOCKS proxy: version 5 (RFC 1928), with user name and password (RFC 1929).

import { familyOf, parseIPv6 } from '../../address.js';
import { garbledError, refusedError } from './proxy-errors.js';

/** @typedef {import('./exchange.js').Dialogue} Dialogue */
/** @typedef {import('./exchange.js').Step} Step */
/** @typedef {import('./exchange.js').TunnelTarget} TunnelTarget */
/** @typedef {import('./proxy-url.js').ProxyServer} ProxyServer */

const VERSION = 5;
/** RFC 1928 section 3. GSSAPI (1) is not offered. */
const METHOD = { none: 0, password: 2, noneAcceptable: 0xff };
/** RFC 1928 section 4. */
const CONNECT = 1;
/** RFC 1928 section 5, with the bytes that each kind of address has; those of a name come after their count. */
const ADDRESS = { ipv4: 1, name: 3, ipv6: 4 };
const ADDRESS_BYTES = new Map([
  [ADDRESS.ipv4, 4],
  [ADDRESS.ipv6, 16],
]);
/** RFC 1929 section 2: the version of that exchange. */
const PASSWORD_VERSION = 1;

/** RFC 1928 section 6: words, and what to make of them. @type {Record<number, [string, string]>} */
const REPLIES = {
  1: ['general SOCKS server failure', 'The proxy could not connect; its log may say why.'],
  2: [
    'connection not allowed by ruleset',
    'The proxy does not allow this server, this port or this user.',
  ],
  3: ['network unreachable', 'The proxy has no route to the server.'],
  4: ['host unreachable', 'The proxy cannot reach the server, or not resolve its name.'],
  5: ['connection refused', 'Nothing listens on this port of the server.'],
  6: ['TTL expired', 'The server did not answer the proxy in time.'],
  7: ['command not supported', 'The proxy does not know CONNECT.'],
  8: [
    'address type not supported',
    'The proxy knows no such addresses: give the server as a name, or as an address of the other family.',
  ],
};

/** @param {number} count @returns {Step['length']} */
const exactly = (count) => (received) => (received.length >= count ? count : 0);

/** @param {string} text */
function counted(text) {
  const bytes = Buffer.from(text, 'utf8');
  return [bytes.length, ...bytes];
}

/** @param {string} address @returns {number[] | undefined} its bytes, unless it is a name */
function addressBytes(address) {
  if (familyOf(address) === 'IPv4') return address.split('.').map(Number);
  return parseIPv6(address)?.flatMap((group) => [group >> 8, group & 0xff]);
}

/** @param {TunnelTarget} target */
function request({ address, port }) {
  const bytes = addressBytes(address);
  const destination =
    bytes === undefined
      ? [ADDRESS.name, ...counted(address)]
      : [bytes.length === 4 ? ADDRESS.ipv4 : ADDRESS.ipv6, ...bytes];
  return Uint8Array.from([VERSION, CONNECT, 0, ...destination, port >> 8, port & 0xff]);
}

/** @param {ProxyServer} proxy @param {Buffer} received */
function checkVersion(proxy, received) {
  if (received.length === 0 || received[0] === VERSION) return;
  const isHttp = received[0] === 'H'.charCodeAt(0);
  const hint = isHttp
    ? 'It speaks HTTP: its URL begins with http://.'
    : 'Is it the port of an HTTP proxy (http://)? Version 4 of SOCKS is not known here.';
  throw garbledError(proxy, 'SOCKS5', hint);
}

/**
 * Asks the proxy for a tunnel.
 *
 * @param {ProxyServer} proxy
 * @param {TunnelTarget} target a name is left for the proxy to resolve; at most 255 bytes
 * @returns {Dialogue}
 * @throws {import('../../errors.js').PosternError} ERR_TRANSPORT_PROXY
 */
export function* socks5Connect(proxy, target) {
  const { credentials } = proxy;
  const methods = credentials === undefined ? [METHOD.none] : [METHOD.none, METHOD.password];
  const greeting = Uint8Array.from([VERSION, methods.length, ...methods]);
  const length = (/** @type {number} */ count) => (/** @type {Buffer} */ received) => {
    checkVersion(proxy, received);
    return exactly(count)(received);
  };
  const [, method] = yield { write: greeting, length: length(2) };
  if (method === METHOD.password && credentials !== undefined) {
    const { username, password } = credentials;
    const login = [PASSWORD_VERSION, ...counted(username), ...counted(password)];
    const [, status] = yield { write: Uint8Array.from(login), length: exactly(2) };
    if (status !== 0) {
      const hint = 'The user name or the password in its URL is wrong.';
      throw refusedError(proxy, target, 'it refused the credentials', hint);
    }
  } else if (method === METHOD.noneAcceptable) {
    const hint = credentials
      ? 'It takes neither a user name with a password nor a client without.'
      : 'It asks for credentials: put them into its URL, as user:password@host.';
    throw refusedError(proxy, target, 'it accepts none of the ways to log in', hint);
  } else if (method !== METHOD.none) {
    throw garbledError(proxy, 'SOCKS5', 'It chose a way to log in that was not offered.');
  }

  // A proxy that refuses may end with its code.
  const [, code] = yield { write: request(target), length: length(2) };
  if (code !== 0) {
    const [words, hint] = REPLIES[code] ?? [`reply ${code}, which RFC 1928 does not know`];
    throw refusedError(proxy, target, words, hint);
  }
  const [, kind] = yield { length: exactly(2) };
  let bytes = ADDRESS_BYTES.get(kind);
  if (kind === ADDRESS.name) [bytes] = yield { length: exactly(1) };
  if (bytes === undefined) {
    throw garbledError(proxy, 'SOCKS5', 'Its answer holds an address of an unknown kind.');
  }
  // Where the proxy connects from is of no use here.
  yield { length: exactly(bytes + 2) };
}
