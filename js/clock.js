// Whose time it is: the platform's, or that of a network that is only simulated.

/**
 * @typedef {object} Clock
 * @property {() => number} now milliseconds, which only go forward
 * @property {(callback: () => void, ms: number) => any} setTimeout
 * @property {(timer: any) => void} clearTimeout takes undefined too
 */

// Looked up at each call: who tests may have put others in their place.
/** @type {Clock} */
export const PLATFORM_CLOCK = {
  now: () => performance.now(),
  setTimeout: (callback, ms) => setTimeout(callback, ms),
  clearTimeout: (timer) => clearTimeout(timer),
};

/**
 * The clock by which a transport of options.transport lives.
 *
 * @param {unknown} transport a function that opens transports, or a name
 * @returns {Clock}
 */
export const clockOf = (transport) =>
  (typeof transport === 'function'
    ? /** @type {{ clock?: Clock }} */ (/** @type {unknown} */ (transport)).clock
    : undefined) ?? PLATFORM_CLOCK;
