// What the engine takes and tells of STUN clients: types only. turn-types.js has those of relays.

/** @typedef {import('../errors.js').PosternError} PosternError */
/** @typedef {import('./read-event.js').ClientEvent} ClientEvent */

/**
 * Who a client's output is for.
 *
 * @typedef {object} ClientOwner
 * @property {(bytes: Uint8Array) => void} transmit sends the message; the bytes are the owner's
 * @property {(event: ClientEvent) => void} settle a transaction has ended
 * @property {(error: PosternError) => void} lost the engine died; nothing more will come
 */

/**
 * @typedef {object} ClientSettings
 * @property {boolean} isReliable
 * @property {{ address: string, port: number }} server
 * @property {string} software
 * @property {keyof typeof import('./layout.js').MECHANISM} mechanism
 * @property {Uint8Array} username
 * @property {Uint8Array} password
 * @property {Uint8Array} realm
 * @property {number} rtoMs 0 for the default of RFC 8489, as those below
 * @property {number} rc
 * @property {number} rm
 * @property {number} tiMs
 * @property {boolean} featureBitsFromLeft
 */

/**
 * @typedef {object} BindingOptions
 * @property {boolean} [fingerprint]
 * @property {boolean} [changeIp] asks the server to answer from its other address (RFC 5780 section 7.2): for a transport
 *   of the caller's that hears other addresses than the server's, which a connected UDP socket does not
 * @property {boolean} [changePort]
 * @property {number} [responsePort] RFC 5780 section 7.5
 * @property {number} [paddingBytes] RFC 5780 section 7.6
 */

export {};
