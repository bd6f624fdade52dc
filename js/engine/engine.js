// One instance of the engine's WebAssembly core drives all STUN clients of the process: it gathers what the
// transports deliver within one turn of the event loop, makes one call, and hands out what comes back.

import { instantiate } from '#engine-wasm';
import { writeText } from '../codec/text.js';
import { PosternError } from '../errors.js';
import { engineError } from './engine-error.js';
import {
  INPUT,
  INPUT_WORDS,
  MECHANISM,
  NO_RESPONSE_PORT,
  OPEN_WORDS,
  OUT,
  OUTPUT,
  OUTPUT_WORDS,
  PLACES,
  START_WORDS,
  STATS,
} from './layout.js';
import { readEvent } from './read-event.js';

/** @typedef {import('./read-event.js').ClientEvent} ClientEvent */

/** @typedef {import('../../dist/wasm/engine.mjs').MainModule} EngineModule the functions of bindings/embind_engine.cpp */

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
 * @property {keyof typeof MECHANISM} mechanism
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

const ENTROPY_BYTES = 256;
/** Node's timers hold 31 bits of milliseconds. */
const MAX_TIMER_MS = 0x7fffffff;

const now = () => performance.now();

/** Drives one instance of the core. */
export class Engine {
  /** @type {EngineModule} */ #call;
  #memory;
  #bytes;
  #words;
  #inbox;
  #inboxEnd;
  #outboxWord;
  /** @type {Map<number, ClientOwner>} */
  #owners = new Map();
  /** Where the next input record goes. */
  #at;
  #isScheduled = false;
  #isTelling = false;
  /** What the core had to say and nobody has been told yet. @type {(() => void)[]} */
  #untold = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #timerAt = Infinity;
  /** What the core trapped with. @type {{ cause: unknown } | undefined} */
  #death;

  /** @param {Uint8Array} wasm */
  constructor(wasm) {
    this.#call = instantiate(wasm);
    this.#memory = this.#call.wasmMemory;
    this.#bytes = new Uint8Array(this.#memory.buffer);
    this.#words = new Uint32Array(this.#memory.buffer);
    this.#inbox = this.#call.place(PLACES.inbox);
    this.#inboxEnd = this.#inbox + this.#call.place(PLACES.inboxBytes);
    this.#outboxWord = this.#call.place(PLACES.outbox) >> 2;
    this.#at = this.#inbox;
  }

  get isDead() {
    return this.#death !== undefined;
  }

  /** @param {ClientSettings} settings @param {ClientOwner} owner @returns {number} handle */
  open(settings, owner) {
    this.#beginRequest();
    const texts = [settings.server.address.replace(/%.*$/, ''), settings.software];
    let at = this.#inbox + OPEN_WORDS * 4;
    const lengths = texts.map((text) => {
      const length = writeText(this.#bytes, at, this.#inboxEnd, text);
      if (length < 0) throw new PosternError('ERR_STUN_MESSAGE_TOO_LONG');
      at += length;
      return length;
    });
    for (const part of [settings.username, settings.password, settings.realm]) {
      if (part.length > this.#inboxEnd - at) throw new PosternError('ERR_STUN_CREDENTIALS');
      this.#bytes.set(part, at);
      lengths.push(part.length);
      at += part.length;
    }
    this.#words.set(
      [
        settings.isReliable ? 1 : 0,
        settings.server.port,
        Math.round(settings.rtoMs * 1000),
        settings.rc,
        settings.rm,
        Math.round(settings.tiMs * 1000),
        MECHANISM[settings.mechanism],
        settings.featureBitsFromLeft ? 1 : 0,
        ...lengths,
      ],
      this.#inbox >> 2,
    );
    const handle = this.#checked(this.#guard(() => this.#call.open(at - this.#inbox)));
    this.#owners.set(handle, owner);
    return handle;
  }

  /** @param {number} handle */
  close(handle) {
    if (!this.#owners.has(handle)) return;
    this.#turn();
    this.#owners.delete(handle);
    this.#guard(() => this.#call.close(handle));
    this.#schedule();
  }

  /** @param {number} handle @param {BindingOptions} [options] @returns {number} transaction */
  startBinding(handle, options = {}) {
    this.#beginRequest();
    this.#words.set(
      [
        options.fingerprint === true ? 1 : 0,
        options.changeIp === true ? 1 : 0,
        options.changePort === true ? 1 : 0,
        options.responsePort ?? NO_RESPONSE_PORT,
        options.paddingBytes ?? 0,
        ENTROPY_BYTES,
      ],
      this.#inbox >> 2,
    );
    const bytes = START_WORDS * 4 + this.#writeEntropy(this.#inbox + START_WORDS * 4);
    const transaction = this.#checked(
      this.#guard(() => this.#call.startBinding(handle, now(), bytes)),
    );
    this.#schedule();
    return transaction;
  }

  /** @param {number} handle */
  sendIndication(handle) {
    this.#beginRequest();
    const bytes = this.#writeEntropy(this.#inbox);
    this.#checked(this.#guard(() => this.#call.sendIndication(handle, now(), bytes)));
    this.#schedule();
  }

  /** Ends a transaction; its event follows. @param {number} handle @param {number} transaction */
  cancel(handle, transaction) {
    this.#guard(() => this.#call.cancel(handle, now(), transaction));
    this.#schedule();
  }

  /** @param {number} handle @param {Uint8Array} bytes one datagram of the server */
  datagram(handle, bytes) {
    this.#push(INPUT.datagram, handle, bytes, 0, '');
  }

  /** @param {number} handle @param {Uint8Array} bytes @param {{ address: string, port: number }} source */
  datagramFrom(handle, bytes, source) {
    this.#push(INPUT.datagramFrom, handle, bytes, source.port, source.address.replace(/%.*$/, ''));
  }

  /** @param {number} handle @param {Uint8Array} bytes any piece of a stream */
  stream(handle, bytes) {
    for (let rest = bytes; rest.length > 0; ) {
      const room = this.#inboxEnd - this.#at - INPUT_WORDS * 4;
      const piece = rest.subarray(0, Math.max(0, room & ~3));
      if (piece.length === 0) this.#turn();
      else this.#push(INPUT.stream, handle, piece, 0, '');
      rest = rest.subarray(piece.length);
    }
  }

  /** @param {number} handle @param {boolean} isHard see client::TransportError */
  transportError(handle, isHard) {
    this.#push(isHard ? INPUT.hardError : INPUT.softError, handle, new Uint8Array(), 0, '');
  }

  /** @param {number} handle */
  transportClosed(handle) {
    this.#push(INPUT.closed, handle, new Uint8Array(), 0, '');
  }

  /** What was dropped, by reason. @param {number} handle @returns {Record<typeof STATS[number], number>} */
  stats(handle) {
    this.#turn();
    const count = this.#guard(() => this.#call.stats(handle)) ?? 0;
    const counters = new Float64Array(this.#memory.buffer, this.#outboxWord * 4, count);
    return /** @type {Record<typeof STATS[number], number>} */ (
      Object.fromEntries(STATS.map((name, i) => [name, counters[i] ?? 0]))
    );
  }

  /** The inbox is about to be used for a request: what waits in it goes first. */
  #beginRequest() {
    if (this.#at > this.#inbox) this.#turn();
    if (this.#death !== undefined) throw this.#lossError();
  }

  /** @param {number} at @returns {number} */
  #writeEntropy(at) {
    crypto.getRandomValues(this.#bytes.subarray(at, at + ENTROPY_BYTES));
    return ENTROPY_BYTES;
  }

  /**
   * @param {number} input
   * @param {number} handle
   * @param {Uint8Array} bytes
   * @param {number} port
   * @param {string} source
   */
  #push(input, handle, bytes, port, source) {
    if (this.#death !== undefined) return;
    // Room for the record, three bytes a character at worst, and the padding.
    const wanted = INPUT_WORDS * 4 + ((3 * source.length + bytes.length + 3) & ~3);
    if (this.#at + wanted > this.#inboxEnd) this.#turn();
    if (this.#at + wanted > this.#inboxEnd) return;
    const word = this.#at >> 2;
    const start = this.#at + INPUT_WORDS * 4;
    const sourceBytes = source === '' ? 0 : writeText(this.#bytes, start, this.#inboxEnd, source);
    this.#bytes.set(bytes, start + sourceBytes);
    const length = sourceBytes + bytes.length;
    this.#words[word] = input;
    this.#words[word + 1] = handle;
    this.#words[word + 2] = length;
    this.#words[word + 3] = port;
    this.#words[word + 4] = sourceBytes;
    this.#at = start + ((length + 3) & ~3);
    this.#schedule();
  }

  #schedule() {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  /** Works off the inbox and what is due, and keeps what comes of it in #untold. */
  #turn() {
    const bytes = this.#at - this.#inbox;
    this.#at = this.#inbox;
    this.#readOutbox(this.#guard(() => this.#call.process(bytes, now())) ?? 0);
    if (this.#untold.length > 0 && !this.#isTelling) this.#schedule();
  }

  #flush() {
    // Who is told something may ask for more: that is told in its turn.
    if (this.#isTelling) return;
    this.#isTelling = true;
    try {
      do {
        this.#turn();
        for (let tell = this.#untold.shift(); tell !== undefined; tell = this.#untold.shift())
          tell();
      } while (this.#at > this.#inbox || this.#guard(() => this.#call.hasMore()));
    } finally {
      this.#isTelling = false;
    }
    this.#arm();
  }

  /**
   * Copies the outbox: whoever is told may use the core again.
   *
   * @param {number} count
   */
  #readOutbox(count) {
    let word = this.#outboxWord;
    for (let i = 0; i < count; i += 1) {
      const handle = this.#words[word + OUT.handle];
      const length = this.#words[word + OUT.payloadBytes];
      const payload = (word + OUTPUT_WORDS) * 4;
      const owner = this.#owners.get(handle);
      if (this.#words[word + OUT.kind] === OUTPUT.transmit) {
        const bytes = this.#bytes.slice(payload, payload + length);
        this.#untold.push(() => owner?.transmit(bytes));
      } else {
        const event = readEvent(this.#words, this.#bytes, word, payload);
        this.#untold.push(() => owner?.settle(event));
      }
      word += OUTPUT_WORDS + ((length + 3) >> 2);
    }
  }

  /** One timer for all clients. */
  #arm() {
    const next = this.#guard(() => this.#call.nextTimeout()) ?? -1;
    const at = next < 0 ? Infinity : next;
    if (at === this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = undefined;
    if (at === Infinity) return;
    this.#timer = setTimeout(
      () => {
        this.#timerAt = Infinity;
        this.#flush();
      },
      Math.min(Math.max(0, Math.ceil(at - now())), MAX_TIMER_MS),
    );
  }

  /** @param {number | undefined} result @returns {number} */
  #checked(result) {
    if (result === undefined) throw this.#lossError();
    if (result < 0) throw engineError(-result);
    return result;
  }

  /** One for each who is told: callers add to it what they know. */
  #lossError() {
    return new PosternError('ERR_INTERNAL', undefined, this.#death);
  }

  /**
   * Calls the core. It only throws when it traps: then its memory cannot be trusted, and all clients are
   * lost. They are told, so that nobody else needs to hear of it from here.
   *
   * @template T
   * @param {() => T} call
   * @returns {T | undefined} undefined when the core is dead
   */
  #guard(call) {
    if (this.#death !== undefined) return undefined;
    try {
      const result = call();
      if (this.#bytes.length === 0) {
        // The memory grew, which detaches the old views.
        this.#bytes = new Uint8Array(this.#memory.buffer);
        this.#words = new Uint32Array(this.#memory.buffer);
      }
      return result;
    } catch (cause) {
      this.#death = { cause };
      clearTimeout(this.#timer);
      for (const owner of this.#owners.values()) {
        queueMicrotask(() => owner.lost(this.#lossError()));
      }
      this.#owners.clear();
      return undefined;
    }
  }
}
