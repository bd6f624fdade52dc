import { createSocket } from 'node:dgram';
import { literalLookup } from './literal-lookup.js';

/**
 * A UDP socket of this server alone: in a cluster, the primary would share one between the workers.
 *
 * @param {{ address: string, port: number, family: import('../address.js').AddressFamily }} place
 * @param {Partial<import('node:dgram').SocketOptions>} [options]
 * @returns {Promise<import('node:dgram').Socket>} bound; rejects with the system's error
 */
export function bindUdp({ address, port, family }, options = {}) {
  const isIPv6 = family === 'IPv6';
  const socket = createSocket({
    ...options,
    type: isIPv6 ? 'udp6' : 'udp4',
    ipv6Only: isIPv6,
    lookup: literalLookup,
  });
  return new Promise((resolve, reject) => {
    const fail = (/** @type {Error} */ error) => {
      socket.close();
      reject(error);
    };
    socket.once('error', fail);
    socket.bind({ address, port, exclusive: true }, () => {
      socket.off('error', fail);
      resolve(socket);
    });
  });
}
