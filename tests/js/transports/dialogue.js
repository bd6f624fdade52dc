// A dialogue with a proxy over a socket that is none.

import { EventEmitter } from 'node:events';
import { ProxyExchange } from '../../../js/transports/proxy/exchange.js';

/**
 * @param {import('../../../js/transports/proxy/exchange.js').Dialogue} dialogue
 * @param {...Buffer} pieces that the proxy sends
 */
export function converse(dialogue, ...pieces) {
  /** @type {Uint8Array[]} */
  const sent = [];
  /** @type {Buffer[]} */
  const pushedBack = [];
  let isPaused = false;
  const socket = Object.assign(new EventEmitter(), {
    write: (/** @type {Uint8Array} */ bytes) => sent.push(bytes),
    pause: () => {
      isPaused = true;
    },
    unshift: (/** @type {Buffer} */ bytes) => pushedBack.push(bytes),
  });
  const exchange = new ProxyExchange(/** @type {any} */ (socket), dialogue);
  let isReady = false;
  /** @type {any} */
  let error;
  exchange.once('ready', () => {
    isReady = true;
  });
  exchange.once('error', (thrown) => {
    error = thrown;
  });
  const later = pieces.filter((piece) => {
    if (piece.length === 0) return false;
    // Once it has ended it hears nothing any more.
    if (socket.listenerCount('data') === 0) return true;
    socket.emit('data', piece);
    return false;
  });
  if (isReady && !isPaused) throw new Error('the socket goes on reading');
  return {
    sent: Buffer.concat(sent),
    error,
    /** What is left for the tunnel, when it is open. */
    rest: isReady ? Buffer.concat([...pushedBack, ...later]) : undefined,
  };
}
