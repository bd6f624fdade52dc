/**
 * What a callback of the caller's throws is his: it is reported as the platform reports what event listeners throw,
 * which in Node ends the process unless 'uncaughtException' is listened to, and ends nothing of ours.
 *
 * @param {unknown} error
 */
export function reportException(error) {
  // Browsers have it; Node does not.
  if (typeof globalThis.reportError === 'function') globalThis.reportError(error);
  else
    queueMicrotask(() => {
      throw error;
    });
}
