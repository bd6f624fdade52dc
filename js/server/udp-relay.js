// The socket of a relayed transport address (RFC 8656).

/** @typedef {import('./engine.js').Destination} Destination */

export class UdpRelay {
  #socket;
  #isOpen = true;
  /** What went to peers and came from them. */
  sentMessages = 0;
  sentBytes = 0;
  receivedMessages = 0;
  receivedBytes = 0;
  /** @type {((bytes: Uint8Array, peer: { address: string, port: number }) => void) | undefined} */
  ondata;

  /** @param {import('./platform.js').BoundSocket} socket @param {number} port */
  constructor(socket, port) {
    this.#socket = socket;
    this.port = port;
    socket.on('message', (bytes, peer) => {
      this.receivedMessages += 1;
      this.receivedBytes += bytes.length;
      this.ondata?.(bytes, peer);
    });
    // What the system says of one datagram is nothing against the others; of most it says nothing unless asked for each.
    socket.on('error', () => {});
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
 * @param {import('./platform.js').ServerPlatform['bindUdp']} bind
 * @returns {Promise<UdpRelay>} rejects with the system's error
 */
export async function openUdpRelay(address, port, family, bind) {
  return new UdpRelay(await bind({ address, port, family }), port);
}
