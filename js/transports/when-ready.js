/**
 * Waits for a socket that is being opened, and turns it into a transport in the very event that
 * says it is ready, so that no event is missed.
 *
 * @template T
 * @param {import('node:events').EventEmitter} socket is destroyed unless the promise fulfils
 * @param {object} steps
 * @param {string} steps.event that says it is ready
 * @param {AbortSignal | undefined} steps.signal
 * @param {number} [steps.timeoutMs]
 * @param {() => T} steps.open
 * @param {() => void} steps.destroy
 * @param {(cause: unknown) => Error} steps.toError
 * @returns {Promise<T>}
 */
export function whenReady(socket, { event, signal, timeoutMs, open, destroy, toError }) {
  return new Promise((resolve, reject) => {
    const stopWaiting = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.off(event, onReady);
      socket.off('error', onError);
    };
    /** @param {unknown} reason */
    const fail = (reason) => {
      stopWaiting();
      // Destroying may make it report the loss of what it was waiting for.
      socket.on('error', () => {});
      destroy();
      reject(reason);
    };
    const onReady = () => {
      stopWaiting();
      resolve(open());
    };
    const onAbort = () => fail(signal?.reason);
    /** @param {unknown} cause */
    const onError = (cause) => fail(toError(cause));
    const onTimeout = () => fail(toError(new Error(`Nothing happened within ${timeoutMs} ms.`)));

    const timer = timeoutMs === undefined ? undefined : setTimeout(onTimeout, timeoutMs);
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.once(event, onReady);
    socket.once('error', onError);
  });
}
