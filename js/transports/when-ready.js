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
 * @param {number} [steps.elapsedMs] how much of `timeoutMs` earlier steps have taken; default 0
 * @param {() => T | Promise<T>} steps.open may go on to the next step; what it throws, the promise rejects with
 * @param {() => void} steps.destroy
 * @param {(cause: unknown) => Error} steps.toError
 * @returns {Promise<T>}
 */
export function whenReady(socket, steps) {
  const { event, signal, timeoutMs, elapsedMs = 0, open, destroy, toError } = steps;
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
      try {
        resolve(open());
      } catch (error) {
        fail(error);
      }
    };
    const onAbort = () => fail(signal?.reason);
    /** @param {unknown} cause */
    const onError = (cause) => fail(toError(cause));
    const onTimeout = () => fail(toError(new Error(`Nothing happened within ${timeoutMs} ms.`)));

    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(onTimeout, Math.max(0, timeoutMs - elapsedMs));
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.once(event, onReady);
    socket.once('error', onError);
  });
}
