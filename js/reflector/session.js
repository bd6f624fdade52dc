// One client: its key, what has arrived from it, and what may still be sent to it.

import { prepareKey } from '../codec/index.js';
import { ArrivedFlow } from './arrived-flow.js';
import { MAX_FLOWS } from './packets/marks.js';

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('./options.js').ReflectorLimits} ReflectorLimits */
/** @typedef {import('./sent-flow.js').SentFlow} SentFlow */
/** @typedef {import('./talk.js').Arrival} Arrival */
/** @typedef {import('./talk.js').SipTexts} SipTexts */

/** Each of up to 4 KiB, twice. */
const MAX_SIP_TEXTS = 16;
/** Where flows to the client may go: one for each relay, say. */
const MAX_PROVEN = 16;

export class Session {
  /** In the order in which they came. @type {Arrival[]} */ arrivals = [];
  /** @type {Map<number, SipTexts>} */ sip = new Map();
  /** By the token that was sent there. @type {Map<string, TransportAddress>} */ proven = new Map();
  /** By their number. @type {(ArrivedFlow | SentFlow)[]} */ flows = [];
  /** The one that is going on. @type {SentFlow | undefined} */ sending;
  flowBytesSent = 0;
  #seen = new Set();
  #hosts = new Set();
  #limits;

  /**
   * @param {object} what
   * @param {string} what.id
   * @param {string} what.host of the client, as limits count
   * @param {'IPv4' | 'IPv6'} what.family
   * @param {Uint8Array} what.handle
   * @param {Uint8Array} what.key
   * @param {ReflectorLimits} limits
   * @param {number} now
   */
  constructor({ id, host, family, handle, key }, limits, now) {
    this.id = id;
    this.host = host;
    this.family = family;
    this.handle = handle;
    this.key = key;
    this.stunKey = prepareKey({ password: key });
    this.#limits = limits;
    this.#endsAt = now + limits.sessionMs;
    this.#idleAt = now + limits.idleMs;
  }

  #endsAt;
  #idleAt;

  get endsAt() {
    return Math.min(this.#endsAt, this.#idleAt);
  }

  get nextAt() {
    return Math.min(this.endsAt, this.sending?.nextAt ?? Infinity);
  }

  /** The client has asked for something. @param {number} now */
  touch(now) {
    this.#idleAt = now + this.#limits.idleMs;
  }

  /**
   * Each number counts once: who has seen a packet gains nothing by sending it again.
   *
   * @param {number} number
   * @returns {'new' | 'replayed' | 'over-limit'}
   */
  take(number) {
    if (this.#seen.has(number)) return 'replayed';
    if (this.#seen.size >= this.#limits.probesPerSession) return 'over-limit';
    this.#seen.add(number);
    return 'new';
  }

  /** Whether packets may be answered there at all. @param {string} address */
  admits(address) {
    if (this.#hosts.has(address)) return true;
    if (this.#hosts.size >= this.#limits.hostsPerSession) return false;
    this.#hosts.add(address);
    return true;
  }

  /** @param {number} number @param {SipTexts} texts */
  keepSip(number, texts) {
    if (this.sip.size < MAX_SIP_TEXTS) this.sip.set(number, texts);
  }

  /** @param {string} token @param {TransportAddress} to @returns {boolean} false: there is no room */
  prove(token, to) {
    if (!this.proven.has(token) && this.proven.size >= MAX_PROVEN) return false;
    this.proven.set(token, to);
    return true;
  }

  get hasRoomForFlow() {
    return this.flows.length < MAX_FLOWS;
  }

  /** @returns {number} its number */
  countFlow() {
    return this.flows.push(new ArrivedFlow()) - 1;
  }

  /** @param {SentFlow} flow @returns {number} its number */
  sendFlow(flow) {
    this.sending = flow;
    return this.flows.push(flow) - 1;
  }
}
