// The channels of a relay (RFC 8656 section 12).
import { abortable } from '../resolve/abortable.js';
import { RelayChannel } from './relay-channel.js';

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('./sender.js').Sender} Sender */
/** @typedef {import('./turn-session.js').TurnSession} TurnSession */

/** @param {TransportAddress} peer */
const keyOf = ({ address, port }) => `${address}|${port}`;

export class Channels {
  #session;
  #sender;
  /** @type {Map<number, RelayChannel>} */ #byNumber = new Map();
  /** @type {Map<string, RelayChannel>} */ #byPeer = new Map();
  /** Those being bound, and how many wait for them. @type {Map<string, { promise: Promise<RelayChannel>, wanted: number }>} */
  #binding = new Map();

  /** @param {TurnSession} session @param {Sender} sender */
  constructor(session, sender) {
    this.#session = session;
    this.#sender = sender;
  }

  /**
   * @param {TransportAddress} peer
   * @param {AbortSignal | undefined} signal
   * @returns {Promise<RelayChannel>} the one that the peer has, or a new one
   */
  async bind(peer, signal) {
    const key = keyOf(peer);
    const known = this.#byPeer.get(key);
    if (known !== undefined) return known;
    let binding = this.#binding.get(key);
    if (binding === undefined) {
      binding = { promise: this.#bind(peer, key), wanted: 0 };
      this.#binding.set(key, binding);
    }
    binding.wanted += 1;
    try {
      return await abortable(binding.promise, signal);
    } catch (error) {
      binding.wanted -= 1;
      throw error;
    }
  }

  /** @param {TransportAddress} peer @param {string} key */
  async #bind(peer, key) {
    /** @type {RelayChannel | undefined} */
    let channel;
    try {
      const { number } = await this.#session.bindChannel(peer);
      channel = new RelayChannel(number, peer, {
        send: (bytes, { isOpen }) =>
          isOpen ? this.#sender.sendChannel(bytes, number, peer.family) : this.#sender.drop(),
        release: () => {
          this.#forget(number);
          this.#session.releaseChannel(number);
        },
      });
      this.#byNumber.set(number, channel);
      this.#byPeer.set(key, channel);
      this.#sender.setChannel(peer, number);
      this.#sender.permissions.granted(peer.address);
      return channel;
    } finally {
      const wanted = this.#binding.get(key)?.wanted;
      this.#binding.delete(key);
      // All who asked for it have given up meanwhile.
      if (wanted === 0) channel?.close();
    }
  }

  /** @param {number} number @param {Uint8Array} data @returns {boolean} whether the channel has somebody who wants it */
  deliver(number, data) {
    const channel = this.#byNumber.get(number);
    return channel?.deliver(data) ?? false;
  }

  /** The server would not renew it. @param {number} number */
  lost(number) {
    this.#byNumber.get(number)?.ended();
    this.#forget(number);
  }

  end() {
    for (const channel of this.#byNumber.values()) channel.ended();
    this.#byNumber.clear();
    this.#byPeer.clear();
  }

  /** @param {number} number */
  #forget(number) {
    const channel = this.#byNumber.get(number);
    if (channel === undefined) return;
    this.#byNumber.delete(number);
    this.#byPeer.delete(keyOf(channel.peer));
    this.#sender.setChannel(channel.peer, 0);
  }
}
