// One instance of the codec's WebAssembly core, made at first use, and the only views on its memory.
// Its memory never grows, so the views stay good.
import { embeddedWasm, fetchWasm, instantiate } from '#codec-wasm';
import { PosternError } from '../errors.js';
import { PLACES } from './layout.js';

/**
 * @typedef {object} CodecExports the functions of bindings/embind_codec.cpp
 * @property {(which: number) => number} place
 * @property {(bytes: number, flags: number) => number} decode
 * @property {(count: number, flags: number) => void} decodeBatch
 * @property {(slot: number, type: number, nth: number) => number} read
 * @property {(slot: number, offset: number) => number} walk
 * @property {(slot: number) => number} unknownRequired
 * @property {(slot: number, integrity: number, leastBytes: number) => number} verify
 * @property {(count: number, integrity: number, leastBytes: number) => void} verifyBatch
 * @property {(bytes: number) => void} prepareShortTermKey
 * @property {(algorithm: number, username: number, realm: number, password: number) => void} prepareLongTermKey
 * @property {(username: number, realm: number) => void} userhash
 * @property {(bytes: number) => number} nonceFeatures
 * @property {(count: number) => number} encode
 * @property {(firstByte: number, shared: number) => number} classify
 * @property {(bytes: number, maxFrameBytes: number) => number} split
 */

/** The core with its memory; addresses count bytes, `…Word` addresses count 32-bit words. */
export class Core {
  /**
   * @param {CodecExports} exports
   * @param {ArrayBufferLike} buffer
   */
  constructor(exports, buffer) {
    this.call = exports;
    this.bytes = new Uint8Array(buffer);
    this.words = new Uint32Array(buffer);
    this.input = exports.place(PLACES.input);
    this.inputBytes = exports.place(PLACES.inputBytes);
    this.output = exports.place(PLACES.output);
    this.wordsWord = exports.place(PLACES.words) >> 2;
    this.text = exports.place(PLACES.text);
    this.batchWord = exports.place(PLACES.batch) >> 2;
    this.maxBatch = exports.place(PLACES.maxBatch);
    this.key = exports.place(PLACES.key);
    this.keyBytes = exports.place(PLACES.keyBytes);
    /** Counts up with every decode(): tells a message whether its slot is still its own. */
    this.generation = 0;
    /** The key whose words lie in the core now. @type {object | undefined} */
    this.residentKey = undefined;
  }
}

/** @type {Core | undefined} */
let core;

/** @param {Uint8Array} wasm */
function start(wasm) {
  const { exports, memory } = instantiate(wasm);
  core = new Core(/** @type {CodecExports} */ (exports), memory.buffer);
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
 * @throws {PosternError} ERR_WASM_LOAD
 */
export async function init(options = {}) {
  if (core !== undefined) return;
  const { wasmBinary, wasmUrl, signal } = options;
  if (wasmBinary !== undefined) {
    start(wasmBinary instanceof ArrayBuffer ? new Uint8Array(wasmBinary) : wasmBinary);
    return;
  }
  const wasm = await fetchWasm({ wasmUrl, signal });
  signal?.throwIfAborted();
  if (core === undefined) start(wasm);
}
