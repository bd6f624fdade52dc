// Datagrams as Web Streams, in the form of UDPMessage (W3C Direct Sockets).
import { requireObject, toBytes } from '../codec/arguments.js';

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */

/**
 * @typedef {object} UdpMessage
 * @property {Uint8Array} data
 * @property {string} remoteAddress
 * @property {number} remotePort
 */

/** @typedef {{ data: Uint8Array, peer: TransportAddress, channel: number }} RelayMessage */

/**
 * Nothing is read ahead: what nobody has asked for stays in the relay's queue, which is bounded.
 *
 * @param {() => AsyncIterableIterator<RelayMessage, undefined>} read
 * @returns {ReadableStream<UdpMessage>}
 */
export function readableOf(read) {
  const messages = read();
  return new ReadableStream(
    {
      async pull(controller) {
        const { value, done } = await messages.next();
        if (done) {
          // Cancelled, it is closed already.
          try {
            controller.close();
          } catch {}
          return;
        }
        const { data, peer } = value;
        controller.enqueue({ data, remoteAddress: peer.address, remotePort: peer.port });
      },
      async cancel() {
        await messages.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

/**
 * @param {object} relay
 * @param {(bytes: Uint8Array, to: { address: string, port: number }) => boolean} relay.send
 * @param {() => Promise<void>} relay.ready
 * @param {(fail: (error: unknown) => void) => void} relay.onend
 * @returns {WritableStream<UdpMessage>}
 */
export function writableOf({ send, ready, onend }) {
  return new WritableStream({
    start(controller) {
      onend((error) => controller.error(error));
    },
    write(message) {
      const { data, remoteAddress, remotePort } = requireObject(message, 'message');
      const bytes = toBytes(data, 'message.data');
      if (send(bytes, { address: remoteAddress, port: remotePort })) return undefined;
      return ready();
    },
  });
}
