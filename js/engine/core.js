// The core of the clients: an instance with a mailbox that uses up random bytes.

import { instantiate } from '#engine-wasm';
import { BaseCore } from './base-core.js';
import { ENTROPY_BYTES, PLACES, STATUS } from './layout.js';

/** @typedef {import('../../dist/wasm/engine.mjs').MainModule} EngineModule the functions of bindings/embind_engine.cpp */

/** Below this the pool of random bytes is filled up. */
const LOW_ENTROPY_BYTES = ENTROPY_BYTES / 2;

/** @extends {BaseCore<EngineModule>} */
export class Core extends BaseCore {
  #entropy;

  /** @param {Uint8Array} wasm @param {() => void} onDeath called once, when the core has trapped: all clients are lost */
  constructor(wasm, onDeath) {
    super(instantiate(wasm), onDeath);
    this.#entropy = this.call.place(PLACES.entropy);
    this.#refill();
  }

  /** Random bytes may have been used up. */
  settle() {
    super.settle();
    if (this.words[this.status + STATUS.entropyBytes] < LOW_ENTROPY_BYTES) this.#refill();
  }

  #refill() {
    const word = this.status + STATUS.entropyBytes;
    const start = this.#entropy + this.words[word];
    crypto.getRandomValues(this.bytes.subarray(start, this.#entropy + ENTROPY_BYTES));
    this.words[word] = ENTROPY_BYTES;
  }
}
