// Servers for development, on loopback: which addresses there are, and which ports are nobody's.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** All of 127.0.0.0/8 is this machine, where the system is Linux. */
export const loopbackAddresses = () =>
  process.platform === 'linux' ? ['127.0.0.1', '127.0.0.2'] : ['127.0.0.1'];

/** To whom a server for development relays. */
export const LOOPBACK_PEERS = ['127.0.0.0/8', '::1'];

/**
 * Where a server for development listens. With a page there are two addresses with two ports each, by which programs find
 * out about NATs (RFC 5780).
 *
 * @param {number} port
 * @param {boolean} isForPage
 */
export function loopbackListen(port, isForPage) {
  const [address, ...others] = loopbackAddresses();
  const pairs =
    isForPage && others.length > 0
      ? [address, ...others].flatMap((one) => [0, 1].map((more) => `udp://${one}:${port + more}`))
      : [`udp://${address}:${port}`];
  return [...pairs, `tcp://${address}:${port}`];
}

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
