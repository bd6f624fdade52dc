// What createReflector() takes, checked and completed.

import { requireObject } from '../codec/arguments.js';
import { argumentError } from '../errors.js';
import { checkAddresses, checkExternal, checkLimits, checkOrigins } from '../far-end/options.js';
import { checkTrustProxy } from '../gateway/client-address.js';
import { checkSignal } from '../option-checks.js';

/**
 * Bounds of what is remembered and of what is sent.
 *
 * @typedef {object} ReflectorLimits
 * @property {number} sessions in all; default 200
 * @property {number} sessionsPerHost of one IPv4 address or IPv6 /64, that asks by HTTP; default 8
 * @property {number} startsPerMinutePerHost also those that are refused; default 30
 * @property {number} idleMs a session ends when its client has not asked for so long; default 90,000
 * @property {number} sessionMs and at the latest after this; default 1,200,000
 * @property {number} probesPerSession that are remembered and answered, one for one; default 6000
 * @property {number} hostsPerSession addresses that are answered; default 8
 * @property {number} packetsPerSecond answers in all; default 5000
 * @property {number} packetsPerSecondPerHost answers to one IPv4 address or IPv6 /64, with a second's worth at once;
 *   default 300
 * @property {number} bytesPerSecondPerHost likewise; default 60,000
 * @property {number} flowKbps the rate of one flow to a client, in 1,000 bits a second; default 20,000. 0: there are none
 * @property {number} flowMs how long one lasts; default 60,000
 * @property {number} flowBytesPerSession sent; default 50,000,000
 * @property {number} flowKbpsPerHost of all flows to one IPv4 address or IPv6 /64; default 40,000
 * @property {number} flowKbpsInAll default 100,000
 * @property {number} connections over TCP at once; default 200
 * @property {number} connectionsPerHost default 8
 */

/**
 * @typedef {object} ReflectorOptions
 * @property {readonly string[]} addresses IP addresses of this machine, one of each family
 * @property {Record<string, string>} [external] what clients are told instead, where a translator (NAT) maps an address
 *   of `addresses` to a public one, with the same ports
 * @property {readonly (number | string)[]} [udp] ports that clients may test, such as [3478, '16384-16390']; 0: any that
 *   is free, which is the default. Flows use the first
 * @property {readonly (number | string)[]} [sip] ports for SIP, over UDP and TCP, such as [5060]; default none
 * @property {readonly string[]} [origins] of pages that may ask; default none. Programs may, as they send no Origin
 * @property {import('../gateway/client-address.js').TrustedProxies} [trustProxy] whether X-Forwarded-For tells the
 *   client's address: false (default), how many proxies there are, or their addresses
 * @property {Partial<ReflectorLimits>} [limits]
 * @property {AbortSignal} [signal] closes the reflector
 */

/** @typedef {ReturnType<typeof checkReflectorOptions>} ReflectorSettings */

/** @type {ReflectorLimits} */
export const DEFAULT_LIMITS = {
  sessions: 200,
  sessionsPerHost: 8,
  startsPerMinutePerHost: 30,
  idleMs: 90_000,
  sessionMs: 1_200_000,
  probesPerSession: 6000,
  hostsPerSession: 8,
  packetsPerSecond: 5000,
  packetsPerSecondPerHost: 300,
  bytesPerSecondPerHost: 60_000,
  flowKbps: 20_000,
  flowMs: 60_000,
  flowBytesPerSession: 50_000_000,
  flowKbpsPerHost: 40_000,
  flowKbpsInAll: 100_000,
  connections: 200,
  connectionsPerHost: 8,
};
const ZERO_ALLOWED = ['flowKbps'];
/** An open socket each. */
const MAX_PORTS = 256;
/** Of each family. */
const MAX_ADDRESSES = 1;
const RANGE = /^(\d{1,5})-(\d{1,5})$/;

/** @param {ReflectorOptions} options @param {string} [name] of them in errors */
export function checkReflectorOptions(options, name = 'options') {
  requireObject(options, name);
  const { addresses, external = {}, origins, trustProxy, signal } = options;
  checkAddresses(addresses, MAX_ADDRESSES, `${name}.addresses`);
  checkExternal(external, addresses, `${name}.external`);
  checkTrustProxy(trustProxy, `${name}.trustProxy`);
  checkSignal(signal, `${name}.signal`);
  const udp = checkPorts(options.udp ?? [0], `${name}.udp`);
  if (udp.length === 0) throw argumentError(`${name}.udp`, 'one port at least');
  const sip = checkPorts(options.sip ?? [], `${name}.sip`);
  const [both] = sip.filter((port) => port !== 0 && udp.includes(port));
  if (both !== undefined)
    throw argumentError(`${name}.sip`, `without ${both}, which is in \`udp\``);
  return {
    addresses,
    external,
    udp,
    sip,
    origins: origins === undefined ? new Set() : checkOrigins(origins, `${name}.origins`),
    trustProxy: trustProxy ?? false,
    limits: checkLimits(options.limits ?? {}, DEFAULT_LIMITS, `${name}.limits`, ZERO_ALLOWED),
    signal,
  };
}

/** @param {unknown} value @param {string} name @returns {number[]} 0: any */
function checkPorts(value, name) {
  if (!Array.isArray(value)) throw argumentError(name, 'a list of ports');
  /** @type {number[]} */
  const ports = [];
  for (const [i, one] of value.entries()) {
    const [, from = one, to = one] = RANGE.exec(String(one)) ?? [];
    const [first, last] = [Number(from), Number(to)];
    const isGood =
      (typeof one === 'number' || from !== one) &&
      [first, last].every((port) => Number.isInteger(port) && port >= 0 && port <= 0xffff) &&
      first <= last &&
      (typeof one === 'number' || first > 0);
    if (!isGood) throw argumentError(`${name}[${i}]`, "a port, or a range such as '16384-16390'");
    if (ports.length + last - first + 1 > MAX_PORTS) {
      throw argumentError(name, `a list of up to ${MAX_PORTS} ports`);
    }
    for (let port = first; port <= last; port += 1) {
      if (port !== 0 && ports.includes(port)) {
        throw argumentError(`${name}[${i}]`, `without ${port}, which was named before`);
      }
      ports.push(port);
    }
  }
  return ports;
}
