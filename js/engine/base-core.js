// A WebAssembly instance with a mailbox: its functions, the only views on its memory, and what happens when it traps.

import { PosternError } from '../errors.js';
import { PLACES, STATUS } from './layout.js';

/**
 * What the functions of every such instance have in common.
 *
 * @typedef {object} MailboxModule
 * @property {{ readonly buffer: ArrayBuffer }} wasmMemory
 * @property {(which: number) => number} place
 * @property {(bytes: number, now: number) => number} process
 * @property {(textBytes: number) => number} parseAddress
 * @property {(addressBytes: number) => number} formatAddress
 */

/** @typedef {BaseCore<MailboxModule>} AnyCore */

/** @template {MailboxModule} Module */
export class BaseCore {
  /** What the core trapped with. @type {{ cause: unknown } | undefined} */
  death = undefined;
  #onDeath;
  /** The word at which the status begins. */
  status;

  /** @param {Module} module @param {() => void} onDeath called once, when the core has trapped */
  constructor(module, onDeath) {
    this.call = module;
    this.#onDeath = onDeath;
    this.memory = module.wasmMemory;
    this.bytes = new Uint8Array(this.memory.buffer);
    this.words = new Uint32Array(this.memory.buffer);
    this.floats = new Float64Array(this.memory.buffer);
    this.inbox = module.place(PLACES.inbox);
    this.inboxEnd = this.inbox + module.place(PLACES.inboxBytes);
    this.outbox = module.place(PLACES.outbox);
    this.address = module.place(PLACES.address);
    this.status = module.place(PLACES.status) >> 2;
  }

  /** Whether process() has to be called again. */
  get hasMore() {
    return this.words[this.status + STATUS.hasMore] !== 0;
  }

  /** When process() is to be called at the latest; Infinity for never. */
  get nextTimeout() {
    const next = this.floats[(this.status + STATUS.nextTimeout) >> 1];
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
      this.settle();
      return count;
    } catch (cause) {
      this.#die(cause);
      return 0;
    }
  }

  /**
   * Calls the core. It only throws when it traps: then its memory cannot be trusted, and all that it held is lost. Who
   * owns it is told, so that nobody else needs to hear of it from here.
   *
   * @template T
   * @param {(call: Module) => T} use
   * @returns {T | undefined} undefined when the core is dead
   */
  guard(use) {
    if (this.death !== undefined) return undefined;
    try {
      const result = use(this.call);
      this.settle();
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

  /** After a call: the memory may have grown, which detaches the old views. */
  settle() {
    if (this.bytes.length === 0) {
      this.bytes = new Uint8Array(this.memory.buffer);
      this.words = new Uint32Array(this.memory.buffer);
      this.floats = new Float64Array(this.memory.buffer);
    }
  }
}
