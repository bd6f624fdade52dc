/**
 * Runs a task with a signal that ends with the caller's, or when the time is up.
 *
 * @template T
 * @param {{ signal: AbortSignal, timeoutMs: number }} options
 * @param {() => Error} toError what it rejects with when the time is up
 * @param {(signal: AbortSignal) => Promise<T>} task
 * @returns {Promise<T>}
 * @throws `signal.reason`
 */
export async function withLimit({ signal, timeoutMs }, toError, task) {
  signal.throwIfAborted();
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(toError()), timeoutMs);
  try {
    return await task(AbortSignal.any([signal, deadline.signal]));
  } finally {
    clearTimeout(timer);
  }
}
