// The socket of a relayed transport address (RFC 8656).

import { createSocket } from 'node:dgram';
import { literalLookup } from './literal-lookup.js';

/** @typedef {import('./engine.js').Destination} Destination */

export class UdpRelay {
  #socket;
  #isOpen = true;
  /** What went to peers and came from them. */
  sentMessages = 0;
  sentBytes = 0;
  receivedMessages = 0;
  receivedBytes = 0;
  /** Datagrams that the system did not take, as there is no route to the peer, or no room. */
  failed = 0;
  /** @type {((bytes: Uint8Array, peer: { address: string, port: number }) => void) | undefined} */
  ondata;

  /** @param {import('node:dgram').Socket} socket bound @param {number} port */
  constructor(socket, port) {
    this.#socket = socket;
    this.port = port;
    socket.on('message', (bytes, peer) => {
      this.receivedMessages += 1;
      this.receivedBytes += bytes.length;
      this.ondata?.(bytes, peer);
    });
    socket.on('error', () => {
      this.failed += 1;
    });
  }

  /** @param {Uint8Array} buffer @param {number} offset @param {number} length @param {Destination} peer */
  send(buffer, offset, length, peer) {
    if (!this.#isOpen) return;
    this.sentMessages += 1;
    this.sentBytes += length;
    this.#socket.send(buffer, offset, length, peer.port, peer.address);
  }

  close() {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#socket.close();
  }
}

/**
 * @param {string} address
 * @param {number} port
 * @param {import('../address.js').AddressFamily} family
 * @returns {Promise<UdpRelay>} rejects with the system's error
 */
export function openUdpRelay(address, port, family) {
  const isIPv6 = family === 'IPv6';
  const socket = createSocket({
    type: isIPv6 ? 'udp6' : 'udp4',
    ipv6Only: isIPv6,
    lookup: literalLookup,
  });
  return new Promise((resolve, reject) => {
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    // Exclusive: in a cluster, the primary would share one socket between the workers.
    socket.bind({ address, port, exclusive: true }, () => {
      socket.removeAllListeners('error');
      resolve(new UdpRelay(socket, port));
    });
  });
}
