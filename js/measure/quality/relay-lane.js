// A relay as a lane: to itself, or to a second one of the same server. Either way a packet goes up to the server and down
// again, once.
import { PosternError } from '../../errors.js';

/** @typedef {import('../../turn/relay.js').Relay} Relay */
/** @typedef {import('../../turn/relay-channel.js').RelayChannel} RelayChannel */
/** @typedef {import('./lane.js').Lane} Lane */

/** @implements {Lane} */
export class RelayLane {
  isBlocked = false;
  /** @type {Lane['onbytes']} */ onbytes = undefined;
  #relay;
  #to;
  #ended = new AbortController();
  /** @type {RelayChannel | undefined} */ #channel;

  /**
   * @param {Relay} relay
   * @param {Relay} peer may be the same; each has permission to send to the other
   * @param {boolean} isStream
   */
  constructor(relay, peer, isStream) {
    this.#relay = relay;
    this.#to = peer.relayedAddress;
    this.isStream = isStream;
    peer.onmessage = (data) => this.onbytes?.(data);
    for (const one of new Set([relay, peer])) {
      one.closed.then(({ error }) =>
        this.#ended.abort(
          error ?? new PosternError('ERR_TRANSPORT_CLOSED', 'The relay was closed.'),
        ),
      );
    }
  }

  get ended() {
    return this.#ended.signal;
  }

  /**
   * Channels are what calls use (RFC 8656 section 12): 4 bytes a packet. Where the server has none, it goes on without.
   *
   * @param {Relay} peer that of the constructor
   * @param {AbortSignal} signal
   */
  async bindChannels(peer, signal) {
    try {
      this.#channel = await this.#relay.bindChannel(peer.relayedAddress, { signal });
      if (peer !== this.#relay) await peer.bindChannel(this.#relay.relayedAddress, { signal });
    } catch (error) {
      if (!(error instanceof PosternError)) throw error;
    }
  }

  /** @param {Uint8Array} bytes */
  send(bytes) {
    const isFree = this.#channel?.isOpen
      ? this.#channel.send(bytes)
      : this.#relay.send(bytes, this.#to);
    if (isFree || this.isBlocked) return;
    this.isBlocked = true;
    this.#relay.ready.then(() => {
      this.isBlocked = false;
    });
  }
}
