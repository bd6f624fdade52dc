// From send() to the engine: the peer's permission or channel, what waits for it, and when to pause.
import { isBytes, toBytes } from '../codec/arguments.js';
import { PosternError } from '../errors.js';
import {
  MAX_REMEMBERED_PEERS,
  MAX_WAITING_BYTES,
  MAX_WAITING_MESSAGES,
  maxChannelBytes,
  maxIndicationBytes,
} from './limits.js';
import { checkPeer } from './peer.js';
import { Permissions } from './permissions.js';

/** @typedef {import('../address.js').AddressFamily} AddressFamily */
/** @typedef {import('./peer.js').PeerAddress} PeerAddress */
/** @typedef {import('./permissions.js').Permission} Permission */
/** @typedef {import('./turn-session.js').TurnSession} TurnSession */

/**
 * What is known of a peer.
 *
 * @typedef {object} Peer
 * @property {string} address
 * @property {number} port
 * @property {Permission} permission
 * @property {number} channel 0: none
 * @property {number} maxBytes in a Send indication
 */

/** @typedef {{ bytes: Uint8Array, peer: Peer }} Waiting */

const FAMILY_HINT = "Allocate with relayFamily 4, 6 or 'both'.";

/** Matches no peer: a port that is not a number equals none. */
const NO_ONE = /** @type {Peer} */ (/** @type {unknown} */ ({ address: '', port: Number.NaN }));

export class Sender {
  messagesSent = 0;
  bytesSent = 0;
  /** Datagrams that never left: too many for a permission to come, refused, or after the end. */
  dropped = 0;
  waitingMessages = 0;
  waitingBytes = 0;

  permissions;
  #session;
  #families;
  #dontFragment;
  #serverFamily;
  #report;
  #hasEnded = false;
  /** By address and port as the caller writes them. @type {Map<string, Peer>} */ #peers =
    new Map();
  /** Channels by canonical address and port. @type {Map<string, number>} */ #channels = new Map();
  /** Most datagrams go where the one before went. */
  #last = NO_ONE;
  /** @type {Map<Permission, Waiting[]>} */ #waiting = new Map();
  /** @type {Promise<void> | undefined} */ #ready;
  /** @type {() => void} */ #resolveReady = () => {};

  /**
   * @param {TurnSession} session
   * @param {object} options
   * @param {readonly AddressFamily[]} options.families of the relayed addresses
   * @param {boolean} options.dontFragment
   * @param {(address: string, error: unknown) => void} options.report a peer to whom something was sent got no
   *   permission
   */
  constructor(session, { families, dontFragment, report }) {
    this.#session = session;
    this.#families = families;
    this.#dontFragment = dontFragment;
    this.#report = report;
    const { transport } = session;
    this.#serverFamily = transport.reliable ? undefined : transport.remoteAddress.family;
    this.permissions = new Permissions(session);
    this.permissions.onforget = () => {
      this.#peers.clear();
      this.#last = NO_ONE;
    };
  }

  /**
   * @param {Uint8Array} bytes
   * @param {PeerAddress} to
   * @returns {boolean} false: wait for `ready`
   */
  send(bytes, to) {
    const last = this.#last;
    const peer = to?.address === last.address && to.port === last.port ? last : this.#peerFor(to);
    const data = isBytes(bytes) ? bytes : toBytes(bytes, 'bytes');
    if (data.length > peer.maxBytes) throw tooLong(data.length, peer.maxBytes);
    if (this.#hasEnded) return this.drop();
    if (peer.channel === 0 && !peer.permission.isGranted) return this.#sendLater(data, peer);
    return this.#hand(data, peer);
  }

  /**
   * @param {Uint8Array} bytes
   * @param {number} channel
   * @param {AddressFamily} family of the peer
   * @returns {boolean} false: wait for `ready`
   */
  sendChannel(bytes, channel, family) {
    const data = isBytes(bytes) ? bytes : toBytes(bytes, 'bytes');
    const most = maxChannelBytes(family, this.#serverFamily);
    if (data.length > most) throw tooLong(data.length, most);
    if (this.#hasEnded) return this.drop();
    this.#count(data);
    return this.#session.sendChannel(data, channel);
  }

  /** Resolves when there is room for more, or after the end. @returns {Promise<void>} */
  get ready() {
    if (this.#hasEnded || this.#hasRoom) return Promise.resolve();
    this.#ready ??= new Promise((resolve) => {
      this.#resolveReady = resolve;
    });
    return this.#ready;
  }

  /** There may be room for more. */
  drain() {
    if (this.#ready === undefined || !(this.#hasEnded || this.#hasRoom)) return;
    this.#ready = undefined;
    this.#resolveReady();
  }

  /** @param {PeerAddress} peer canonical @param {number} channel 0: it has none any more */
  setChannel(peer, channel) {
    const key = `${peer.address}|${peer.port}`;
    if (channel === 0) this.#channels.delete(key);
    else this.#channels.set(key, channel);
    for (const known of this.#peers.values()) {
      if (known.address === peer.address && known.port === peer.port) known.channel = channel;
    }
  }

  end() {
    this.#hasEnded = true;
    this.#waiting.clear();
    this.dropped += this.waitingMessages;
    this.waitingMessages = 0;
    this.waitingBytes = 0;
    this.drain();
  }

  /** @param {AddressFamily} family @throws {PosternError} ERR_TURN_PEER_FAMILY */
  requireFamily(family) {
    if (this.#families.includes(family)) return;
    const sentence = `The relay has no ${family} address, and so it reaches no ${family} peer.`;
    throw new PosternError('ERR_TURN_PEER_FAMILY', sentence, { hint: FAMILY_HINT });
  }

  get #hasRoom() {
    return this.#session.isWritable && this.#hasWaitingRoom;
  }

  get #hasWaitingRoom() {
    return this.waitingMessages < MAX_WAITING_MESSAGES && this.waitingBytes < MAX_WAITING_BYTES;
  }

  /** One that cannot be sent. @returns {false} */
  drop() {
    this.dropped += 1;
    return false;
  }

  /** @param {Uint8Array} data */
  #count(data) {
    this.messagesSent += 1;
    this.bytesSent += data.length;
  }

  /** @param {Uint8Array} data @param {Peer} peer */
  #hand(data, peer) {
    this.#count(data);
    // ChannelData has no place for DONT-FRAGMENT.
    if (peer.channel !== 0 && !this.#dontFragment)
      return this.#session.sendChannel(data, peer.channel);
    return this.#session.send(data, peer, this.#dontFragment);
  }

  /** @param {PeerAddress} to @returns {Peer} */
  #peerFor(to) {
    const key = `${to?.address}|${to?.port}`;
    const known = this.#peers.get(key);
    if (known !== undefined) {
      this.#last = known;
      return known;
    }
    const { address, port, family } = checkPeer(to);
    this.requireFamily(family);
    // It is a memory of what can be found again.
    if (this.#peers.size >= MAX_REMEMBERED_PEERS) this.#peers.clear();
    const peer = {
      address,
      port,
      permission: this.permissions.of(address),
      channel: this.#channels.get(`${address}|${port}`) ?? 0,
      maxBytes: maxIndicationBytes(family, this.#serverFamily, this.#dontFragment),
    };
    this.#peers.set(key, peer);
    this.#last = peer;
    return peer;
  }

  /** @param {Uint8Array} data @param {Peer} peer */
  #sendLater(data, peer) {
    const { permission } = peer;
    if (!this.#hasWaitingRoom) return this.drop();
    let waiting = this.#waiting.get(permission);
    if (waiting === undefined) {
      if (
        permission.underWay === undefined &&
        this.#session.clock.now() < permission.refusedUntil
      ) {
        this.dropped += 1;
        return this.#hasRoom;
      }
      waiting = [];
      this.#waiting.set(permission, waiting);
      this.#sendWhenPermitted(permission, waiting);
    }
    // Not slice(), which of a Buffer is a view.
    waiting.push({ bytes: new Uint8Array(data), peer });
    this.waitingMessages += 1;
    this.waitingBytes += data.length;
    return this.#hasRoom;
  }

  /** @param {Permission} permission @param {Waiting[]} waiting */
  async #sendWhenPermitted(permission, waiting) {
    try {
      await this.permissions.request(permission);
    } catch (error) {
      if (this.#release(permission, waiting)) {
        this.dropped += waiting.length;
        this.#report(permission.address, error);
      }
      return;
    }
    if (this.#release(permission, waiting)) {
      for (const { bytes, peer } of waiting) this.#hand(bytes, peer);
    }
  }

  /** @param {Permission} permission @param {Waiting[]} waiting @returns {boolean} false after the end */
  #release(permission, waiting) {
    if (!this.#waiting.delete(permission)) return false;
    this.waitingMessages -= waiting.length;
    for (const { bytes } of waiting) this.waitingBytes -= bytes.length;
    this.drain();
    return true;
  }
}

/** @param {number} length @param {number} most */
function tooLong(length, most) {
  const sentence = `A datagram of ${length} bytes does not fit: the most to this peer is ${most}.`;
  return new PosternError('ERR_TURN_PAYLOAD_TOO_LONG', sentence);
}
