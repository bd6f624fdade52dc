// The engine's WebAssembly instance: its functions, the only views on its memory, and what happens when it traps.

import { instantiate } from '#engine-wasm';
import { PosternError } from '../errors.js';
import { ENTROPY_BYTES, PLACES, STATUS } from './layout.js';

/** @typedef {import('../../dist/wasm/engine.mjs').MainModule} EngineModule the functions of bindings/embind_engine.cpp */

/** Below this the pool of random bytes is filled up. */
const LOW_ENTROPY_BYTES = ENTROPY_BYTES / 2;

export class Core {
  /** @type {EngineModule} */ call;
  /** What the core trapped with. @type {{ cause: unknown } | undefined} */
  death = undefined;
  #onDeath;
  #status;
  #entropy;

  /** @param {Uint8Array} wasm @param {() => void} onDeath called once, when the core has trapped */
  constructor(wasm, onDeath) {
    this.call = instantiate(wasm);
    this.#onDeath = onDeath;
    this.memory = this.call.wasmMemory;
    this.bytes = new Uint8Array(this.memory.buffer);
    this.words = new Uint32Array(this.memory.buffer);
    this.floats = new Float64Array(this.memory.buffer);
    this.inbox = this.call.place(PLACES.inbox);
    this.inboxEnd = this.inbox + this.call.place(PLACES.inboxBytes);
    this.outbox = this.call.place(PLACES.outbox);
    this.address = this.call.place(PLACES.address);
    this.#entropy = this.call.place(PLACES.entropy);
    this.#status = this.call.place(PLACES.status) >> 2;
    this.#refill();
  }

  /** Whether process() has to be called again. */
  get hasMore() {
    return this.words[this.#status + STATUS.hasMore] !== 0;
  }

  /** When process() is to be called at the latest; Infinity for never. */
  get nextTimeout() {
    const next = this.floats[(this.#status + STATUS.nextTimeout) >> 1];
    return next < 0 ? Infinity : next;
  }

  /**
   * Works off the inbox and what is due. Returns how many records there are in the outbox.
   *
   * @param {number} bytes in the inbox
   * @param {number} now
   */
  process(bytes, now) {
    if (this.death !== undefined) return 0;
    try {
      const count = this.call.process(bytes, now);
      this.#settle();
      return count;
    } catch (cause) {
      this.#die(cause);
      return 0;
    }
  }

  /**
   * Calls the core. It only throws when it traps: then its memory cannot be trusted, and all clients are lost. They
   * are told, so that nobody else needs to hear of it from here.
   *
   * @template T
   * @param {(call: EngineModule) => T} use
   * @returns {T | undefined} undefined when the core is dead
   */
  guard(use) {
    if (this.death !== undefined) return undefined;
    try {
      const result = use(this.call);
      this.#settle();
      return result;
    } catch (cause) {
      this.#die(cause);
      return undefined;
    }
  }

  /** One for each who is told: callers add to it what they know. */
  lossError() {
    return new PosternError('ERR_INTERNAL', undefined, this.death);
  }

  /** @param {unknown} cause */
  #die(cause) {
    this.death = { cause };
    this.#onDeath();
  }

  /** After a call: the memory may have grown, which detaches the old views, and random bytes been used up. */
  #settle() {
    if (this.bytes.length === 0) {
      this.bytes = new Uint8Array(this.memory.buffer);
      this.words = new Uint32Array(this.memory.buffer);
      this.floats = new Float64Array(this.memory.buffer);
    }
    if (this.words[this.#status + STATUS.entropyBytes] < LOW_ENTROPY_BYTES) this.#refill();
  }

  #refill() {
    const word = this.#status + STATUS.entropyBytes;
    const start = this.#entropy + this.words[word];
    crypto.getRandomValues(this.bytes.subarray(start, this.#entropy + ENTROPY_BYTES));
    this.words[word] = ENTROPY_BYTES;
  }
}
