// Which peers may send to the relay (RFC 8656 section 9), as far as the relay knows. The engine keeps them alive.
import { MAX_REMEMBERED_PEERS, REFUSAL_HOLD_MS } from './limits.js';

/** @typedef {import('./turn-session.js').TurnSession} TurnSession */

/**
 * The permission of one IP address.
 *
 * @typedef {object} Permission
 * @property {string} address
 * @property {boolean} isGranted
 * @property {Promise<void> | undefined} underWay the request for it, which all who want it share
 * @property {number} refusedUntil when send() may ask again
 */

export class Permissions {
  /** Some are forgotten, which must not be used any more. @type {(() => void) | undefined} */ onforget =
    undefined;

  #session;
  /** @type {Map<string, Permission>} */ #byAddress = new Map();

  /** @param {TurnSession} session */
  constructor(session) {
    this.#session = session;
  }

  /** @param {string} address canonical @returns {Permission} the one object for this address */
  of(address) {
    let permission = this.#byAddress.get(address);
    if (permission === undefined) {
      if (this.#byAddress.size >= MAX_REMEMBERED_PEERS) this.#forgetUnused();
      permission = { address, isGranted: false, underWay: undefined, refusedUntil: 0 };
      this.#byAddress.set(address, permission);
    }
    return permission;
  }

  /** @param {Permission} permission @returns {Promise<void>} ERR_STUN_RESPONSE and others of TurnSession.permit() */
  request(permission) {
    if (permission.isGranted) return Promise.resolve();
    permission.underWay ??= this.#ask(permission);
    return permission.underWay;
  }

  /** @param {Permission} permission */
  async #ask(permission) {
    try {
      await this.#session.permit(permission.address);
      permission.isGranted = true;
      permission.underWay = undefined;
    } catch (error) {
      // Who revokes it has made room for another request already.
      if (/** @type {{ code?: string }} */ (error).code !== 'ERR_CANCELLED') {
        permission.refusedUntil = this.#session.clock.now() + REFUSAL_HOLD_MS;
        permission.underWay = undefined;
      }
      throw error;
    }
  }

  /** The peer may send: a channel says so too (RFC 8656 section 12). @param {string} address */
  granted(address) {
    this.of(address).isGranted = true;
  }

  /** @param {string} address */
  lost(address) {
    const permission = this.#byAddress.get(address);
    if (permission !== undefined) permission.isGranted = false;
  }

  /** @param {string} address */
  revoke(address) {
    this.lost(address);
    const permission = this.#byAddress.get(address);
    if (permission !== undefined) permission.underWay = undefined;
    this.#session.releasePermission(address);
  }

  #forgetUnused() {
    for (const [address, { isGranted, underWay }] of this.#byAddress) {
      if (!isGranted && underWay === undefined) this.#byAddress.delete(address);
    }
    this.onforget?.();
  }
}
