// The core of a gateway: what it asks of each message, and the only views on its memory.

import { isTrue } from '../codec/arguments.js';
import { argumentError, PosternError } from '../errors.js';
import { instantiateServer } from '../wasm/server.inline.js';
import { PLACES, REPLIES, REPLY_WORDS, RULES } from './layout.js';

/** @typedef {import('../../dist/wasm/server.mjs').MainModule} ServerModule the functions of bindings/embind_gateway.cpp */

/**
 * To which peers a gateway lets its clients relay. Without any of these: to all addresses of the public Internet, and to no
 * others, whatever the form in which they are written.
 *
 * @typedef {object} PeerPolicy
 * @property {readonly string[]} [allow] prefixes such as '10.1.0.0/16': opens what is not public
 * @property {readonly string[]} [deny] prefixes that are closed, also when they are open otherwise
 * @property {readonly string[]} [nat64] prefixes of translators in the network of the server (RFC 6052), at most 4
 * @property {boolean} [only] true: no peer but those of `allow`, as where all are servers of one conference
 */

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class GatewayCore {
  /** @type {ServerModule} */ #call = instantiateServer();
  #bytes = new Uint8Array();
  #words = new Uint32Array();
  #inbox = 0;
  #inboxBytes = 0;
  #reply = 0;
  /** In the order of their handles. @type {PeerPolicy[]} */ #policies = [];

  constructor() {
    this.#look();
  }

  /** Where things lie. The rules of a policy may make the memory grow, which detaches the views; messages never do. */
  #look() {
    const { buffer } = this.#call.wasmMemory;
    this.#bytes = new Uint8Array(buffer);
    this.#words = new Uint32Array(buffer);
    this.#inbox = this.#call.gatewayPlace(PLACES.inbox);
    this.#inboxBytes = this.#call.gatewayPlace(PLACES.inboxBytes);
    this.#reply = this.#call.gatewayPlace(PLACES.reply) >> 2;
  }

  /**
   * @param {PeerPolicy} policy
   * @param {string} name of it in errors
   * @returns {number} its handle
   * @throws {TypeError} ERR_INVALID_ARGUMENT for what is no prefix
   */
  open(policy, name) {
    const only = isTrue(policy.only, `${name}.only`);
    if (only && !policy.allow?.length) {
      throw argumentError(
        `${name}.allow`,
        'given with `only`: otherwise there is no peer to relay to',
      );
    }
    for (const list of /** @type {const} */ (['allow', 'deny', 'nat64'])) {
      const prefixes = policy[list] ?? [];
      prefixes.forEach((prefix, i) => {
        if (this.#call.gatewayAddRule(RULES[list], this.#putText(prefix)) !== 0) return;
        // What was added is not to be part of the next one.
        this.#call.gatewayClose(this.#call.gatewayOpen(0, 0));
        this.#look();
        throw argumentError(
          `${name}.${list}[${i}]`,
          list === 'nat64'
            ? "a prefix of RFC 6052 such as '2001:db8:64::/96', of which there are at most 4"
            : "a prefix such as '10.0.0.0/8' or '2001:db8::/32', without bits after its length",
        );
      });
    }
    const handle = this.#call.gatewayOpen(0, Number(only));
    this.#look();
    this.#policies[handle] = policy;
    return handle;
  }

  /**
   * One message of a client.
   *
   * @param {number} policy
   * @param {Uint8Array} message
   * @returns {number} its length without padding, shifted by FLAG_BITS, with flags; or one of RULINGS
   */
  screen(policy, message) {
    try {
      return this.#call.gatewayScreen(policy, this.#put(message));
    } catch (cause) {
      throw this.#revive(cause);
    }
  }

  /**
   * ChannelData, of which the head is all that there is to look at.
   *
   * @param {Uint8Array} message
   * @returns {number} its length without padding; 0: it is none
   */
  channelData(message) {
    const head = (message[0] << 24) | (message[1] << 16) | (message[2] << 8) | message[3];
    return this.#call.gatewayChannelData(head >>> 0, message.length);
  }

  /**
   * One message of a server.
   *
   * @param {Uint8Array} message
   * @returns {(typeof REPLIES)[keyof typeof REPLIES]}
   */
  reply(message) {
    try {
      return /** @type {any} */ (this.#call.gatewayReply(this.#put(message)));
    } catch (cause) {
      throw this.#revive(cause);
    }
  }

  /** Of the last reply(): bytes without padding. */
  get replyBytes() {
    return this.#words[this.#reply + REPLY_WORDS.contentBytes];
  }

  /** Of the last reply(), when it was 'allocated': seconds. */
  get replyLifetime() {
    return this.#words[this.#reply + REPLY_WORDS.lifetime];
  }

  /** Of the last reply(), when it was 'error': 0 where it cannot be read. */
  get replyError() {
    return this.#words[this.#reply + REPLY_WORDS.errorCode];
  }

  /**
   * @param {number} policy
   * @param {string} address
   * @returns {string | undefined} why not, such as 'loopback'; undefined when the policy allows it
   */
  reasonAgainst(policy, address) {
    const verdict = this.#call.gatewayJudge(policy, this.#putText(address));
    if (verdict === 1) return undefined;
    return verdict < 0 ? 'no-address' : this.reason();
  }

  /** Why the last peer was refused: the name of a range, 'denied' or 'port-zero'. */
  reason() {
    const length = this.#call.gatewayReason();
    return decoder.decode(this.#bytes.subarray(this.#inbox, this.#inbox + length));
  }

  /** @param {Uint8Array} message @returns {number} its length */
  #put(message) {
    // What is longer than any message is refused for its length alone.
    if (message.length <= this.#inboxBytes) this.#bytes.set(message, this.#inbox);
    return message.length;
  }

  /** @param {unknown} text */
  #putText(text) {
    if (this.#bytes.length === 0) this.#look();
    return typeof text === 'string' ? this.#put(encoder.encode(text)) : 0;
  }

  /** After a trap, of which there is none known: a new instance, with the same policies. @param {unknown} cause */
  #revive(cause) {
    this.#call = instantiateServer();
    this.#look();
    const policies = this.#policies;
    this.#policies = [];
    for (const policy of policies) this.open(policy, 'policy');
    return new PosternError('ERR_INTERNAL', undefined, { cause });
  }
}
