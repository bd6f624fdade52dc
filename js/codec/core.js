// One instance of the codec's WebAssembly core, made at first use, and the only views on its memory.
// Its memory never grows, so the views stay good.
import { embeddedWasm, fetchWasm, instantiate } from '#codec-wasm';
import { argumentError, PosternError } from '../errors.js';
import { isBytes, requireObject } from './arguments.js';
import { PLACES } from './layout.js';

/** @typedef {import('../../dist/wasm/codec.mjs').MainModule} CodecModule the functions of bindings/embind_codec.cpp */

/** Longer than any STUN message, and less than the input arena has room for. */
const MAX_BYTES = 0x10000 + 20;

/** The core with its memory; addresses count bytes, `…Word` addresses count 32-bit words. */
export class Core {
  /**
   * @param {CodecModule} module
   * @param {number} generation
   */
  constructor(module, generation) {
    const { buffer } = module.wasmMemory;
    this.call = module;
    this.bytes = new Uint8Array(buffer);
    this.words = new Uint32Array(buffer);
    this.input = module.place(PLACES.input);
    this.inputBytes = module.place(PLACES.inputBytes);
    this.output = module.place(PLACES.output);
    this.wordsWord = module.place(PLACES.words) >> 2;
    this.text = module.place(PLACES.text);
    this.batchWord = module.place(PLACES.batch) >> 2;
    this.maxBatch = module.place(PLACES.maxBatch);
    this.key = module.place(PLACES.key);
    this.keyBytes = module.place(PLACES.keyBytes);
    /**
     * Counts up before anything is written into the input arena, and on from one instance to the next:
     * tells a message whether its slot is still its own.
     */
    this.generation = generation;
    /** The key whose words lie in the core now. @type {object | undefined} */
    this.residentKey = undefined;
  }

  /**
   * Copies what may be a message into the input arena. The core looks at the length in the header
   * first, so the rest of a longer input cannot matter.
   *
   * @param {Uint8Array} bytes
   * @param {number} [at]
   * @returns {number} how many bytes
   */
  copyIn(bytes, at = this.input) {
    const { length } = bytes;
    // Also the view of a buffer that was transferred away, which set() does not take.
    if (length === 0) return 0;
    if (length <= MAX_BYTES) {
      this.bytes.set(bytes, at);
      return length;
    }
    this.bytes.set(bytes.subarray(0, MAX_BYTES), at);
    return MAX_BYTES;
  }
}

/** @type {Core | undefined} */
let core;
/** What the next instance begins to count at: no message of an instance before it counts as its own. */
let firstGeneration = 0;

/** @param {Uint8Array} wasm */
function start(wasm) {
  core = new Core(instantiate(wasm), firstGeneration);
  return core;
}

/** The core; made now where the platform lets it be made synchronously. */
export function getCore() {
  if (core !== undefined) return core;
  const wasm = embeddedWasm();
  if (wasm === undefined) throw new PosternError('ERR_NOT_READY');
  return start(wasm);
}

/** Forgets an instance that trapped: its memory cannot be trusted. The next call makes a new one. */
export function discardCore() {
  if (core !== undefined) firstGeneration = core.generation + 1;
  core = undefined;
}

/**
 * Loads the core. In Node and with the inline entry this is never needed; in a browser the default
 * entry fetches its WebAssembly file, so await this once before decode() or encode().
 *
 * @param {object} [options]
 * @param {string | URL} [options.wasmUrl] where the file is, if not beside this module
 * @param {Uint8Array | ArrayBuffer} [options.wasmBinary] the file's bytes
 * @param {AbortSignal} [options.signal]
 * @returns {Promise<void>}
 * @throws {TypeError} ERR_INVALID_ARGUMENT
 * @throws {PosternError} ERR_WASM_LOAD
 */
export async function init(options = {}) {
  const { wasmBinary, wasmUrl, signal } = requireObject(options, 'options');
  const binary = wasmBinary instanceof ArrayBuffer ? new Uint8Array(wasmBinary) : wasmBinary;
  if (binary !== undefined && !isBytes(binary)) {
    throw argumentError('options.wasmBinary', 'a Uint8Array or an ArrayBuffer');
  }
  if (wasmUrl !== undefined && typeof wasmUrl !== 'string' && !(wasmUrl instanceof URL)) {
    throw argumentError('options.wasmUrl', 'a string or a URL');
  }
  if (signal !== undefined && typeof signal?.throwIfAborted !== 'function') {
    throw argumentError('options.signal', 'an AbortSignal');
  }
  signal?.throwIfAborted();
  if (core !== undefined) return;
  if (binary !== undefined) {
    start(binary);
    return;
  }
  const wasm = await fetchWasm({ wasmUrl, signal });
  signal?.throwIfAborted();
  if (core === undefined) start(wasm);
}
