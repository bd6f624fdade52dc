// What numbered packets are sent on: something that gives them back. Knows neither Node.js nor relays. Types only.

/**
 * A way that ends where it begins.
 *
 * @typedef {object} Lane
 * @property {boolean} isStream nothing is lost on it, and all keeps its order: it can only halt
 * @property {boolean} isBlocked it takes no more for now
 * @property {(bytes: Uint8Array) => void} send the bytes may be used again at once
 * @property {((data: Uint8Array) => void) | undefined} onbytes is given what came, more than what was sent perhaps
 * @property {AbortSignal} ended aborts, with why, when nothing more will come
 */

export {};
