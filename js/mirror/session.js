// One test of one page: its keys, what it may still send, and to whom.

import { encode } from '../codec/index.js';

/** @typedef {import('../codec/index.js').Message} Message */
/** @typedef {import('../codec/index.js').PreparedKey} PreparedKey */
/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('./options.js').MirrorLimits} MirrorLimits */
/** @typedef {import('../far-end/refusals.js').Reply} Reply */

/**
 * A signed request of the browser's.
 *
 * @typedef {object} Check
 * @property {number} end by which of the session's names it was sent: 0, or 1
 * @property {string} place where it arrived
 * @property {number} priority
 * @property {TransportAddress} source
 * @property {Uint8Array} transactionId
 */

/**
 * What a session does.
 *
 * @typedef {object} Test
 * @property {(check: Check, now: number) => void} check
 * @property {(id: string, now: number) => void} answer one of its knocks was answered
 * @property {(name: string, body: Record<string, unknown>, now: number, reply: Reply) => boolean} step of the page; false: it
 *   makes no sense now
 * @property {(now: number) => void} tick
 * @property {number} nextAt when tick() has something to do
 */

/** Whose messages the session reads: a name, and the key of those who call it so. @typedef {{ username: string, key: PreparedKey }} End */

/** Type preference 110 (RFC 8445 section 5.1.2.2: peer reflexive), as if we had one interface. */
const PRIORITY = (110 << 24) | (65_535 << 8) | 255;

/** @param {TransportAddress} to */
const keyOf = ({ address, port }) => `${address} ${port}`;

export class Session {
  /** @type {Test} */ test;
  /** Replies that somebody waits for. @type {Set<Reply>} */ waiting = new Set();
  isOver = false;
  packetsSent = 0;
  bytesSent = 0;
  /** Addresses from which a check with the right password came. @type {Map<string, TransportAddress>} */ #proven =
    new Map();
  #hooks;
  #limits;

  /**
   * @param {object} what
   * @param {string} what.id
   * @param {string} what.host of the page, as limits count
   * @param {'IPv4' | 'IPv6'} what.family
   * @param {readonly End[]} what.ends
   * @param {End | undefined} what.far whom it may knock at
   * @param {number} what.endsAt
   * @param {MirrorLimits} what.limits
   * @param {object} hooks
   * @param {(session: Session, place: string, bytes: Uint8Array, to: TransportAddress, now: number) => boolean} hooks.transmit
   * @param {(session: Session, id: string) => void} hooks.expect
   * @param {() => Uint8Array} hooks.transactionId
   * @param {() => void} hooks.overLimit
   */
  constructor({ id, host, family, ends, far, endsAt, limits }, hooks) {
    this.id = id;
    this.host = host;
    this.family = family;
    this.ends = ends;
    this.far = far;
    this.endsAt = endsAt;
    this.#limits = limits;
    this.#hooks = hooks;
    // Set by whoever made the session, before anything arrives.
    this.test = /** @type {any} */ (undefined);
  }

  get nextAt() {
    return Math.min(this.endsAt, this.test.nextAt);
  }

  /** @param {Check} check signed with this session's password @param {number} now */
  check(check, now) {
    const key = keyOf(check.source);
    if (!this.#proven.has(key)) {
      if (this.#proven.size >= this.#limits.sourcesPerSession) {
        this.#hooks.overLimit();
        return;
      }
      this.#proven.set(key, check.source);
    }
    this.test.check(check, now);
  }

  /**
   * Sends a request of ours, as a peer would that the browser has not heard of.
   *
   * @param {string} place
   * @param {TransportAddress} to
   * @param {number} now
   * @returns {string | undefined} its transaction id; undefined where it may not be sent
   */
  knock(place, to, now) {
    if (this.far === undefined) return undefined;
    const transactionId = this.#hooks.transactionId();
    const bytes = encode({
      class: 'request',
      method: 'Binding',
      transactionId,
      attributes: {
        username: this.far.username,
        priority: PRIORITY,
        iceControlled: new DataView(transactionId.buffer, transactionId.byteOffset).getBigUint64(0),
      },
      key: this.far.key,
      fingerprint: true,
    });
    if (!this.#transmit(place, bytes, to, now)) return undefined;
    const id = Buffer.from(transactionId).toString('hex');
    this.#hooks.expect(this, id);
    return id;
  }

  /** Answers a check. @param {Check} check @param {number} now */
  confirm({ end, place, source, transactionId }, now) {
    // The scope of a link-local address is this machine's own business.
    const [address] = source.address.split('%');
    const bytes = encode({
      class: 'success',
      method: 'Binding',
      transactionId,
      attributes: { xorMappedAddress: { address, port: source.port } },
      key: this.ends[end].key,
      fingerprint: true,
    });
    this.#transmit(place, bytes, source, now);
  }

  /**
   * The one way out.
   *
   * @param {string} place
   * @param {Uint8Array} bytes
   * @param {TransportAddress} to
   * @param {number} now
   */
  #transmit(place, bytes, to, now) {
    const { packetsPerSession, bytesPerSession } = this.#limits;
    const isWithin =
      !this.isOver &&
      this.#proven.has(keyOf(to)) &&
      this.packetsSent < packetsPerSession &&
      this.bytesSent + bytes.length <= bytesPerSession;
    if (!isWithin) {
      this.#hooks.overLimit();
      return false;
    }
    this.packetsSent += 1;
    this.bytesSent += bytes.length;
    return this.#hooks.transmit(this, place, bytes, to, now);
  }
}
