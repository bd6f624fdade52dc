// Whether the WebSocket of the application gets through.
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { measurementId } from '../report/measurements/ids.js';
import { abortable } from '../resolve/abortable.js';
import { webSocketConnectError } from '../transports/websocket-errors.js';
import { openConnection, placeOfUrl } from './connection.js';
import { measured } from './measured.js';
import { shownProxy, shownUrl } from './options.js';
import { withLimit } from './with-limit.js';

/** @typedef {import('../report/measurements/types.js').SignallingMeasurement} SignallingMeasurement */
/** @typedef {import('./options.js').MeasureOptions} MeasureOptions */

/** RFC 6455 section 7.4.1: there was no closing handshake. */
const ABNORMAL_CLOSURE = 1006;
/** Ours: a closing handshake is a courtesy. */
const CLOSE_WAIT_MS = 500;
/** A server may say much before it is asked. */
const MAX_MESSAGE_BYTES = 1024 * 1024;

/** Says good-bye, and does not wait for long. @param {WebSocket} socket */
async function close(socket) {
  // An error of ws that nobody listens to is thrown.
  socket.on('error', () => {});
  if (socket.readyState === WebSocket.OPEN) {
    const closed = once(socket, 'close');
    socket.close();
    await abortable(closed, AbortSignal.timeout(CLOSE_WAIT_MS)).catch(() => {});
  }
  socket.terminate();
}

/**
 * Waits until it is open, and asks for a pong, which each server has to send (RFC 6455 section 5.5.2). One that closes it
 * then in due form, as it does to those who have not logged in, has shown that the way is open.
 *
 * @param {WebSocket} socket
 * @param {AbortSignal} signal
 * @returns {Promise<{ protocol?: string, connectMs: number, roundTripMs?: number }>} `connectMs`: the handshake alone
 */
function ping(socket, signal) {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    /** @type {{ protocol?: string, connectMs: number } | undefined} */
    let open;
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    socket.once('error', reject);
    socket.once('close', (code) => {
      if (open !== undefined && code !== ABNORMAL_CLOSURE) resolve(open);
      else reject(new Error('The server ended the connection.'));
    });
    socket.once('open', () => {
      const now = performance.now();
      open = { protocol: socket.protocol || undefined, connectMs: now - start };
      socket.once('pong', () =>
        resolve({ .../** @type {any} */ (open), roundTripMs: performance.now() - now }),
      );
      socket.ping();
    });
  });
}

/**
 * Opens a WebSocket as the application does, and takes the time of a ping.
 *
 * @param {string} text ws: or wss: URL
 * @param {MeasureOptions} options
 * @param {string} [proxy] URL of a proxy to go through
 * @param {readonly string[]} [protocols] sub-protocols to offer; none if left out
 * @returns {Promise<SignallingMeasurement>}
 * @throws `signal.reason`
 */
export async function measureSignalling(text, options, proxy, protocols = []) {
  const url = new URL(text);
  const shown = shownUrl(text);
  const what = {
    id: measurementId('signalling', shown, proxy && 'proxy'),
    kind: /** @type {const} */ ('signalling'),
    url: shown,
    proxy: shownProxy(proxy),
  };
  return measured(what, options.signal, async () => {
    const start = performance.now();
    const { socket, candidate } = await openConnection(placeOfUrl(url, options, proxy), options);
    const openMs = performance.now() - start;
    const tooLate = () => new Error(`Nothing happened within ${options.timeoutMs} ms.`);
    const webSocket = new WebSocket(url, [...protocols], {
      createConnection: () => socket,
      origin: options.origin,
      maxPayload: MAX_MESSAGE_BYTES,
    });
    // A proxy's socket is paused; by then the request listens.
    setImmediate(() => socket.resume());
    try {
      const told = await withLimit(options, tooLate, (signal) => ping(webSocket, signal));
      return { ...told, connectMs: openMs + told.connectMs };
    } catch (cause) {
      options.signal.throwIfAborted();
      throw webSocketConnectError(candidate, cause);
    } finally {
      await close(webSocket);
      socket.destroy();
    }
  });
}
