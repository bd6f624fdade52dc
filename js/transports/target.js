import { isIP } from 'node:net';
import { argumentError } from '../errors.js';

/** @typedef {import('./transport.js').TransportTarget} TransportTarget */
/** @typedef {import('./transport.js').OpenOptions} OpenOptions */
/** @typedef {import('../address.js').TransportAddress} TransportAddress */

/** @param {unknown} port */
function isPort(port) {
  return Number.isInteger(port) && Number(port) >= 0 && Number(port) <= 65535;
}

/**
 * Sockets would look names up, and take a wrong port for any: refuse both.
 *
 * @param {TransportTarget} target
 * @param {OpenOptions} options
 * @returns {TransportAddress} of the target
 */
export function checkTarget({ address, port }, { localAddress, localPort }) {
  const version = isIP(address);
  if (version === 0)
    throw argumentError('target.address', 'an IP address; resolveServer() finds it');
  if (!isPort(port) || port === 0) throw argumentError('target.port', 'a number of 1 to 65535');
  if (localAddress !== undefined && isIP(localAddress) !== version) {
    throw argumentError('options.localAddress', `an IPv${version} address, as the server's is`);
  }
  if (localPort !== undefined && !isPort(localPort)) {
    throw argumentError('options.localPort', 'a number of 0 to 65535');
  }
  return { address, port, family: version === 6 ? 'IPv6' : 'IPv4' };
}
