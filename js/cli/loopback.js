// What this machine's loopback has: addresses, and ports that are nobody's.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** All of 127.0.0.0/8 is this machine, where the system is Linux. */
export const loopbackAddresses = () =>
  process.platform === 'linux' ? ['127.0.0.1', '127.0.0.2'] : ['127.0.0.1'];

/** @param {number} port @param {string} address */
async function isFree(port, address) {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  try {
    socket.bind({ port, address, exclusive: true });
    await once(socket, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    socket.close();
  }
}

/**
 * @param {readonly number[]} ports
 * @param {string} address of this machine
 * @returns {Promise<number[]>} those that could be had just now
 */
export async function freeUdpPorts(ports, address) {
  const free = await Promise.all(ports.map((port) => isFree(port, address)));
  return ports.filter((_, i) => free[i]);
}
