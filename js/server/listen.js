// Where a server listens, as its options say it.

import { isIP, isIPv6 } from 'node:net';
import { argumentError } from '../errors.js';

/** @typedef {'udp' | 'tcp' | 'tls' | 'ws' | 'wss'} ListenProtocol */

/**
 * @typedef {object} Listen
 * @property {ListenProtocol} protocol
 * @property {string} address of this machine
 * @property {number} port 0: any
 * @property {import('../address.js').AddressFamily} family
 */

/** RFC 8489 section 18.6, RFC 6455 section 11.1. */
const DEFAULT_PORTS = { udp: 3478, tcp: 3478, tls: 5349, ws: 80, wss: 443 };
const EXPECTED =
  "'udp://address:port', with tcp, tls, ws or wss in place of udp, or an object { protocol, address, port }; the " +
  'address is an IP address of this machine, 0.0.0.0 or ::, the port may be 0 for any';

/** @param {unknown} value @param {string} name @returns {Listen} */
export function parseListen(value, name) {
  const { protocol, address, port } =
    typeof value === 'string'
      ? parseText(value, name)
      : /** @type {Record<string, unknown>} */ (value ?? {});
  if (typeof protocol !== 'string' || !Object.hasOwn(DEFAULT_PORTS, protocol)) {
    throw argumentError(name, EXPECTED);
  }
  const known = /** @type {ListenProtocol} */ (protocol);
  if (typeof address !== 'string' || isIP(address) === 0) throw argumentError(name, EXPECTED);
  const number = port ?? DEFAULT_PORTS[known];
  if (typeof number !== 'number' || !Number.isInteger(number) || number < 0 || number > 0xffff) {
    throw argumentError(name, EXPECTED);
  }
  return {
    protocol: known,
    address,
    port: number,
    family: isIPv6(address) ? 'IPv6' : 'IPv4',
  };
}

/** @param {string} text @param {string} name */
function parseText(text, name) {
  const match = /^([a-z]+):\/\/(?:\[([^\]]+)\]|([^[\]:/]+))(?::(\d+))?\/?$/.exec(text);
  if (match === null) throw argumentError(name, EXPECTED);
  const [, protocol, literal, plain, port] = match;
  return {
    protocol,
    address: literal ?? plain,
    port: port === undefined ? undefined : Number(port),
  };
}

/** Whether it is streams that it listens for. @param {Listen} listen */
export const isStream = ({ protocol }) => protocol !== 'udp';

/**
 * What clients are told to use.
 *
 * @param {Listen} listen
 * @returns {string}
 */
export function urlOf({ protocol, address, port, family }) {
  const host = family === 'IPv6' ? `[${address}]` : address;
  if (protocol === 'ws' || protocol === 'wss') return `${protocol}://${host}:${port}/`;
  return protocol === 'tls'
    ? `turns:${host}:${port}?transport=tcp`
    : `turn:${host}:${port}?transport=${protocol}`;
}
