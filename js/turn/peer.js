// Peers as callers name them.
import { canonicalAddress, familyOf } from '../address.js';
import { argumentError } from '../errors.js';

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */

/** @typedef {{ address: string, port: number }} PeerAddress a peer's IP address, without a zone, and port */
/** @typedef {string | { address: string, port?: number }} PeerHost a peer's IP address; its port does not count */

/** @param {unknown} address @param {string} name */
function checkAddress(address, name) {
  const canonical = typeof address === 'string' ? canonicalAddress(address) : undefined;
  if (canonical !== undefined) return canonical;
  throw argumentError(name, 'an IP address, without a zone');
}

/**
 * @param {unknown} peer
 * @param {string} [name]
 * @returns {TransportAddress}
 * @throws {TypeError} ERR_INVALID_ARGUMENT
 */
export function checkPeer(peer, name = 'peer') {
  if (typeof peer !== 'object' || peer === null) throw argumentError(name, '{ address, port }');
  const { address, port } = /** @type {Record<string, unknown>} */ (peer);
  const canonical = checkAddress(address, `${name}.address`);
  if (typeof port === 'number' && Number.isInteger(port) && port > 0 && port <= 0xffff) {
    return { address: canonical, port, family: familyOf(canonical) ?? 'IPv4' };
  }
  throw argumentError(`${name}.port`, 'an integer from 1 to 65535');
}

/**
 * @param {unknown} peer
 * @param {string} [name]
 * @returns {string} its address, in the one form of RFC 5952
 * @throws {TypeError} ERR_INVALID_ARGUMENT
 */
export function checkPeerHost(peer, name = 'peer') {
  if (typeof peer === 'string') return checkAddress(peer, name);
  if (typeof peer === 'object' && peer !== null) {
    const { address } = /** @type {Record<string, unknown>} */ (peer);
    return checkAddress(address, `${name}.address`);
  }
  throw argumentError(name, 'an IP address or { address, port }');
}
