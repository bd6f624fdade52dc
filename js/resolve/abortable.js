/**
 * Gives up waiting when the signal aborts.
 *
 * @template T
 * @param {Promise<T>} promise is left to settle on its own
 * @param {AbortSignal} [signal]
 * @returns {Promise<T>} rejects with `signal.reason`
 */
export function abortable(promise, signal) {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
