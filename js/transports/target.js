import { isIP } from 'node:net';
import { familyOf } from '../address.js';
import { argumentError } from '../errors.js';

/** @typedef {import('./transport.js').TransportTarget} TransportTarget */
/** @typedef {import('./transport.js').OpenOptions} OpenOptions */
/** @typedef {import('../address.js').TransportAddress} TransportAddress */
/** @typedef {import('./proxy/proxy-url.js').ProxyServer} ProxyServer */

/** @param {unknown} port */
function isPort(port) {
  return Number.isInteger(port) && Number(port) >= 0 && Number(port) <= 65535;
}

/** What a proxy is asked for: letters, digits and hyphens of DNS, and the underscores found in practice. */
const NAME = /^[\w-]+(?:\.[\w-]+)*\.?$/;
/** RFC 1928 section 5 gives its length one byte. */
const MAX_NAME_BYTES = 255;

/** @param {string} address */
const isName = (address) => NAME.test(address) && address.length <= MAX_NAME_BYTES;

/**
 * Sockets would look names up, and take a wrong port for any: refuse both. A proxy looks names up itself.
 *
 * @param {TransportTarget} target
 * @param {OpenOptions & { proxy?: ProxyServer }} options
 * @returns {TransportAddress} of the target
 */
export function checkTarget({ address, port, family }, { localAddress, localPort, proxy }) {
  const version = isIP(address);
  const isNamed = proxy !== undefined && version === 0 && isName(address);
  // An address with a zone means nothing on another machine.
  if (proxy !== undefined && !isNamed && familyOf(address) === undefined) {
    throw argumentError('target.address', 'an IP address, or a name in ASCII');
  }
  if (version === 0 && !isNamed)
    throw argumentError('target.address', 'an IP address; resolveServer() finds it');
  if (!isPort(port) || port === 0) throw argumentError('target.port', 'a number of 1 to 65535');
  if (localAddress !== undefined && proxy !== undefined && isIP(localAddress) === 0) {
    throw argumentError('options.localAddress', 'an IP address');
  }
  if (localAddress !== undefined && proxy === undefined && isIP(localAddress) !== version) {
    throw argumentError('options.localAddress', `an IPv${version} address, as the server's is`);
  }
  if (localPort !== undefined && !isPort(localPort)) {
    throw argumentError('options.localPort', 'a number of 0 to 65535');
  }
  if (isNamed) return { address, port, family: family ?? 'IPv4' };
  return { address, port, family: version === 6 ? 'IPv6' : 'IPv4' };
}
