// The proxy that the environment names, and the hosts that it is not for.

import { BlockList } from 'node:net';
import { canonicalAddress, familyOf } from '../../address.js';
import { parseProxyUrl } from './proxy-url.js';

/** @typedef {import('./proxy-url.js').ProxyServer} ProxyServer */
/** @typedef {Readonly<Record<string, string | undefined>>} Environment */

/** The first that is set counts. TURN is no HTTP: HTTP_PROXY is not for it. */
const VARIABLES = ['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy'];

/**
 * The proxy of HTTPS_PROXY or ALL_PROXY, in either case; a value without a scheme is an HTTP proxy.
 *
 * @param {Environment} env such as process.env
 * @returns {ProxyServer | undefined} when none is set
 * @throws {TypeError} ERR_INVALID_ARGUMENT, with the name of the variable
 */
export function proxyFromEnv(env) {
  const name = VARIABLES.find((variable) => env[variable]);
  if (name === undefined) return undefined;
  const value = /** @type {string} */ (env[name]).trim();
  const url = /^[a-z][\w+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  return parseProxyUrl(url, `'env' with the variable ${name} holding a URL`);
}

/** @param {string} host in lower case, without a final dot @param {string} pattern */
function matchesName(host, pattern) {
  // '.example.org' and '*.example.org' are what is below; 'example.org' is that and itself.
  const suffix = pattern.replace(/^\*(?=\.)/, '').replace(/\.$/, '');
  if (suffix.startsWith('.')) return host.endsWith(suffix);
  return host === suffix || host.endsWith(`.${suffix}`);
}

/** @param {string} address canonical @param {string} pattern */
function matchesAddress(address, pattern) {
  const [base, bits, ...more] = pattern.split('/');
  if (bits === undefined) return canonicalAddress(base) === address;
  const family = familyOf(base);
  const most = family === 'IPv4' ? 32 : 128;
  if (family === undefined || more.length > 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > most) {
    return false;
  }
  if (familyOf(address) !== family) return false;
  const kind = family === 'IPv4' ? 'ipv4' : 'ipv6';
  const network = new BlockList();
  network.addSubnet(base, Number(bits), kind);
  return network.check(address, kind);
}

/** @param {string} entry @returns {{ pattern: string, port: number | undefined }} */
function splitPort(entry) {
  const bracketed = /^\[([^\]]*)\](?::(\d+))?$/.exec(entry);
  // Two colons and more: an IPv6 address as it is.
  const [, pattern, port] = bracketed ?? /^([^:]*):(\d+)$/.exec(entry) ?? [undefined, entry];
  return { pattern, port: port === undefined ? undefined : Number(port) };
}

/**
 * Whether NO_PROXY excepts a server: '*', names with all that is below them, '.suffix', addresses, CIDR, each
 * with ':port' or without, between commas or spaces. Names are not resolved for that.
 *
 * @param {{ host: string, port: number }} server
 * @param {Environment} env such as process.env
 * @returns {boolean}
 */
export function isExcepted({ host, port }, env) {
  const list = env.NO_PROXY || env.no_proxy || '';
  const address = canonicalAddress(host);
  const name = host.toLowerCase().replace(/\.$/, '');
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true;
      const { pattern, port: only } = splitPort(entry);
      if (pattern === '' || (only !== undefined && only !== port)) return false;
      return address === undefined ? matchesName(name, pattern) : matchesAddress(address, pattern);
    });
}
