import { setTimeout } from 'node:timers/promises';

/**
 * @param {number} ms
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 * @throws `signal.reason`
 */
export const pause = (ms, signal) =>
  setTimeout(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
