// TCP for Node.

import { connect } from 'node:net';
import { connectError } from './open-errors.js';
import { OPEN_TIMEOUT_MS, StreamTransport } from './stream-transport.js';
import { checkTarget } from './target.js';
import { whenReady } from './when-ready.js';

/** @typedef {import('./transport.js').OpenOptions} OpenOptions */
/** @typedef {import('./transport.js').TransportTarget} TransportTarget */

/**
 * Connects to a server over TCP.
 *
 * @param {TransportTarget} target
 * @param {OpenOptions & { timeoutMs?: number }} [options] `timeoutMs`: until connected; 39,500 when
 *   left out
 * @returns {Promise<StreamTransport>}
 * @throws {import('../errors.js').PosternError} ERR_TRANSPORT_CONNECT
 */
export async function openTcp(target, options = {}) {
  const { signal, localAddress, localPort, timeoutMs = OPEN_TIMEOUT_MS } = options;
  const remote = checkTarget(target, options);
  signal?.throwIfAborted();
  const socket = connect({ host: remote.address, port: remote.port, localAddress, localPort });
  return whenReady(socket, {
    event: 'connect',
    signal,
    timeoutMs,
    open: () => new StreamTransport('tcp', socket),
    destroy: () => socket.destroy(),
    toError: (cause) => connectError(target, 'tcp', cause),
  });
}
