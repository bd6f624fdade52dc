// The core of one NAT discovery.

import { BaseCore } from '../engine/base-core.js';
import { PLACES } from '../engine/layout.js';
import { instantiateNat } from '../wasm/nat.inline.js';
import { NAT_ENTROPY_BYTES } from './layout.js';

/** @typedef {import('../../dist/wasm/nat.mjs').MainModule} NatModule the functions of bindings/embind_nat.cpp */

/** @extends {BaseCore<NatModule>} */
export class NatCore extends BaseCore {
  #entropy;

  /** @param {() => void} onDeath called once, when the core has trapped */
  constructor(onDeath) {
    super(instantiateNat(), onDeath);
    this.#entropy = this.call.place(PLACES.entropy);
  }

  /** @param {number} bytes in the inbox @param {number} now */
  process(bytes, now) {
    crypto.getRandomValues(this.bytes.subarray(this.#entropy, this.#entropy + NAT_ENTROPY_BYTES));
    return super.process(bytes, now);
  }
}
