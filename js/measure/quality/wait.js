// Time passes, unless something ends it.
import { abortable } from '../../resolve/abortable.js';

/**
 * @param {number} ms
 * @param {AbortSignal} signal
 * @param {Promise<void>} [enough] ends it early
 * @returns {Promise<void>} rejects with `signal.reason`
 */
export async function wait(ms, signal, enough) {
  signal.throwIfAborted();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const time = new Promise((/** @type {(value?: undefined) => void} */ resolve) => {
    timer = setTimeout(resolve, Math.max(0, ms));
  });
  try {
    await abortable(enough === undefined ? time : Promise.race([time, enough]), signal);
  } finally {
    clearTimeout(timer);
  }
}
