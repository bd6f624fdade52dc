// Whose connection it is: the address of the socket, or what trusted proxies say of it.

import { BlockList } from 'node:net';
import { canonicalAddress, familyOf } from '../address.js';
import { argumentError } from '../errors.js';

/**
 * false; the number of proxies between clients and gateway; or their addresses, as addresses or prefixes.
 *
 * @typedef {false | number | readonly string[]} TrustedProxies
 */

const MAX_PROXIES = 16;
const MAPPED = '::ffff:';

/** @param {unknown} trust @param {string} name @throws {TypeError} ERR_INVALID_ARGUMENT */
export function checkTrustProxy(trust, name) {
  if (trust === undefined || trust === false) return;
  if (typeof trust === 'number' && Number.isInteger(trust) && trust >= 1 && trust <= MAX_PROXIES)
    return;
  if (Array.isArray(trust) && trust.length > 0) {
    proxyList(trust, name);
    return;
  }
  throw argumentError(
    name,
    `false, the number of proxies (1 to ${MAX_PROXIES}), or their addresses such as ['10.0.0.0/24']; true would ` +
      'believe whatever clients write into X-Forwarded-For',
  );
}

/** @param {readonly string[]} texts @param {string} name */
function proxyList(texts, name) {
  const list = new BlockList();
  texts.forEach((text, i) => {
    const [address, bits, ...rest] = String(text).split('/');
    const family = familyOf(address);
    const most = family === 'IPv4' ? 32 : 128;
    const length = bits === undefined ? most : Number(bits);
    const isLength = Number.isInteger(length) && length >= 0 && length <= most && bits !== '';
    if (family === undefined || rest.length > 0 || !isLength) {
      throw argumentError(`${name}[${i}]`, "an address or a prefix, such as '10.0.0.0/24'");
    }
    if (length === 0) {
      throw argumentError(`${name}[${i}]`, 'the addresses of your proxies, not those of everybody');
    }
    list.addSubnet(address, length, family === 'IPv4' ? 'ipv4' : 'ipv6');
  });
  return list;
}

/** IPv4 clients of a socket for both families are IPv4 clients. @param {string} text @returns {string | undefined} */
function plainAddress(text) {
  const address = canonicalAddress(text);
  if (!address?.startsWith(MAPPED)) return address;
  const inner = address.slice(MAPPED.length);
  return familyOf(inner) === 'IPv4' ? inner : address;
}

/**
 * An entry of X-Forwarded-For: an address, which some proxies write with a port.
 *
 * @param {string} entry
 */
function forwardedAddress(entry) {
  const text = entry.trim();
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(text)?.[1];
  const withPort = /^([\d.]+):\d+$/.exec(text)?.[1];
  return plainAddress(bracketed ?? withPort ?? text);
}

/**
 * How to tell clients' addresses.
 *
 * @param {TrustedProxies} trust checked
 * @returns {(request: import('node:http').IncomingMessage) => string} '' when it is not known
 */
export function clientAddressOf(trust) {
  const list = Array.isArray(trust) ? proxyList(trust, 'options.trustProxy') : undefined;
  const isTrusted = (/** @type {string} */ address) =>
    list?.check(address, address.includes(':') ? 'ipv6' : 'ipv4') === true;
  return (request) => {
    const remote = plainAddress(request.socket.remoteAddress ?? '') ?? '';
    if (trust === false) return remote;
    const { 'x-forwarded-for': header = '' } = request.headers;
    const entries = String(header).split(',').map(forwardedAddress);
    if (typeof trust === 'number') {
      // The last was written by the nearest proxy, of which the socket is. A client can only add in front.
      return entries.at(-trust) ?? remote;
    }
    let address = remote;
    while (isTrusted(address)) {
      const before = entries.pop();
      if (before === undefined) break;
      address = before;
    }
    return address;
  };
}
