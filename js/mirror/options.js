// What createMirror() takes, checked and completed.

import { requireObject } from '../codec/arguments.js';
import { argumentError } from '../errors.js';
import { checkAddresses, checkExternal, checkLimits, checkOrigins } from '../far-end/options.js';
import { checkTrustProxy } from '../gateway/client-address.js';
import { checkInteger, checkSignal } from '../option-checks.js';

/**
 * Bounds of what is remembered and of what is sent.
 *
 * @typedef {object} MirrorLimits
 * @property {number} sessions in all; default 1000
 * @property {number} sessionsPerHost of one IPv4 address or IPv6 /64, whose page asks by HTTP; default 24. A whole diagnosis
 *   takes six
 * @property {number} startsPerMinutePerHost also those that are refused; default 120
 * @property {number} sessionMs default 30,000; a page that waits longer is told that its session is gone
 * @property {number} packetsPerSession that are sent; default 600
 * @property {number} bytesPerSession default 90,000
 * @property {number} sourcesPerSession addresses from which signed checks may come; default 64
 * @property {number} packetsPerSecond that are sent in all; default 5000
 * @property {number} packetsPerSecondPerHost sent to one IPv4 address or IPv6 /64, with a second's worth at once;
 *   default 400
 * @property {number} bytesPerSecondPerHost likewise; default 60,000
 * @property {number} waitSeconds the longest silence in a test of the binding's lifetime; default 180. 0: there is no such test
 */

/**
 * @typedef {object} MirrorPorts default: any that are free, the same at both addresses
 * @property {number} [first] to which browsers are sent first
 * @property {number} [second] to which they are sent afterwards
 * @property {number} [strange] of which they are not told, and from which they are written to
 */

/**
 * @typedef {object} MirrorOptions
 * @property {readonly string[]} addresses IP addresses of this machine, one or two of each family. With one, address-
 *   dependent behaviour is not told from others
 * @property {Record<string, string>} [external] what browsers are told instead, where a translator (NAT) maps an address
 *   of `addresses` to a public one, with the same ports
 * @property {MirrorPorts} [ports] of UDP
 * @property {readonly number[]} [portMap] UDP ports of the first address that pages may test; default none
 * @property {readonly string[]} origins of the pages that may use it, such as 'https://app.example.org'
 * @property {import('../gateway/client-address.js').TrustedProxies} [trustProxy] whether X-Forwarded-For tells the page's
 *   address: false (default), how many proxies there are, or their addresses
 * @property {Partial<MirrorLimits>} [limits]
 * @property {AbortSignal} [signal] closes the mirror
 */

/** @typedef {ReturnType<typeof checkMirrorOptions>} MirrorSettings */

/** @type {MirrorLimits} */
export const DEFAULT_LIMITS = {
  sessions: 1000,
  sessionsPerHost: 24,
  startsPerMinutePerHost: 120,
  sessionMs: 30_000,
  packetsPerSession: 600,
  bytesPerSession: 90_000,
  sourcesPerSession: 64,
  packetsPerSecond: 5000,
  packetsPerSecondPerHost: 400,
  bytesPerSecondPerHost: 60_000,
  waitSeconds: 180,
};
/** Where 0 means something. */
const ZERO_ALLOWED = ['waitSeconds'];
/** An open socket each. */
const MAX_PORTS = 256;
/** Of each family. */
const MAX_ADDRESSES = 2;

/** @param {MirrorOptions} options @param {string} [name] of them in errors */
export function checkMirrorOptions(options, name = 'options') {
  requireObject(options, name);
  const { addresses, external = {}, trustProxy, signal } = options;
  checkAddresses(addresses, MAX_ADDRESSES, `${name}.addresses`);
  checkExternal(external, addresses, `${name}.external`);
  checkTrustProxy(trustProxy, `${name}.trustProxy`);
  checkSignal(signal, `${name}.signal`);
  const ports = checkPorts(options.ports ?? {}, `${name}.ports`);
  return {
    addresses,
    external,
    ports,
    portMap: checkPortMap(options.portMap, ports, `${name}.portMap`),
    origins: checkOrigins(options.origins, `${name}.origins`),
    trustProxy: trustProxy ?? false,
    limits: checkLimits(options.limits ?? {}, DEFAULT_LIMITS, `${name}.limits`, ZERO_ALLOWED),
    signal,
  };
}

/** @param {MirrorPorts} given @param {string} name @returns {Required<MirrorPorts>} 0: any */
function checkPorts(given, name) {
  requireObject(given, name);
  const ports = {
    first: checkInteger(given.first, `${name}.first`, 0, 0xffff),
    second: checkInteger(given.second, `${name}.second`, 0, 0xffff),
    strange: checkInteger(given.strange, `${name}.strange`, 0, 0xffff),
  };
  const chosen = Object.values(ports).filter((port) => port !== 0);
  if (new Set(chosen).size !== chosen.length) throw argumentError(name, 'three different ports');
  return ports;
}

/** @param {unknown} value @param {Required<MirrorPorts>} ports @param {string} name @returns {readonly number[]} */
function checkPortMap(value, ports, name) {
  if (value === undefined) return [];
  if (!Array.isArray(value) || value.length > MAX_PORTS) {
    throw argumentError(name, `a list of up to ${MAX_PORTS} ports`);
  }
  for (const [i, port] of value.entries()) {
    checkInteger(port, `${name}[${i}]`, 1, 0xffff);
    if (port === undefined || value.indexOf(port) !== i || Object.values(ports).includes(port)) {
      throw argumentError(`${name}[${i}]`, 'a port that is named once, and not in `ports`');
    }
  }
  return value;
}
