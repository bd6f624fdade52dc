// Sockets of node:dgram and sockets over relays that run on one: what one does, the other has to do.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { turnSocket } from '../../../js/index.js';

/** @typedef {import('node:dgram').Socket} Socket */
/** @typedef {import('../../../js/turn/turn-socket.js').SocketRelay} SocketRelay */
/** @typedef {import('../../../js/turn/turn-socket.js').TurnSocketOptions} TurnSocketOptions */

/**
 * A relay that sends and receives by a socket of the system, as if a server did.
 *
 * @param {string} [host]
 */
export async function loopbackRelay(host = '127.0.0.1') {
  const family = /** @type {'IPv4' | 'IPv6'} */ (host.includes(':') ? 'IPv6' : 'IPv4');
  const inner = createSocket(family === 'IPv6' ? 'udp6' : 'udp4');
  inner.bind(0, host);
  await once(inner, 'listening');
  const relayedAddress = { address: host, port: inner.address().port, family };
  /** @type {(end: { reason: any, error?: any }) => void} */
  let end = () => {};
  let isOpen = true;
  const relay = {
    relayedAddress,
    relayedAddresses: [relayedAddress],
    /** @type {SocketRelay['onmessage']} */ onmessage: undefined,
    hasRoom: true,
    ready: Promise.resolve(),
    closed: new Promise((/** @type {(value: any) => void} */ resolve) => {
      end = resolve;
    }),
    isReferenced: true,
    /** @param {Uint8Array} bytes @param {{ address: string, port: number }} to */
    send(bytes, { address, port }) {
      if (address.includes(':') !== (family === 'IPv6')) {
        throw Object.assign(new Error('family'), { code: 'ERR_TURN_PEER_FAMILY' });
      }
      if (bytes.length > 65_507) {
        throw Object.assign(new Error('length'), { code: 'ERR_TURN_PAYLOAD_TOO_LONG' });
      }
      if (isOpen) inner.send(Uint8Array.from(bytes), port, address);
      return relay.hasRoom;
    },
    async close() {
      relay.breakOff({ reason: 'closed' });
      await relay.closed;
    },
    /** @param {{ reason: string, error?: Error }} how */
    breakOff(how) {
      if (!isOpen) return;
      isOpen = false;
      inner.close(() => end(how));
    },
    ref() {
      relay.isReferenced = true;
    },
    unref() {
      relay.isReferenced = false;
    },
  };
  inner.on('message', (bytes, { address, port }) => {
    relay.onmessage?.(bytes, { address, port, family }, 0);
  });
  return relay;
}

/** What makes a socket: the system's, or one over a relay. */
export const MAKERS = /** @type {const} */ ([
  [
    'node:dgram',
    /** @param {TurnSocketOptions} [options] @returns {Promise<Socket>} */
    async (options) => createSocket({ type: 'udp4', .../** @type {any} */ (options) }),
  ],
  [
    'turnSocket()',
    /** @param {TurnSocketOptions} [options] @returns {Promise<Socket>} */
    async (options) => turnSocket(/** @type {any} */ (await loopbackRelay()), options),
  ],
]);
