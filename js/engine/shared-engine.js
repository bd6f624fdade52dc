// The engine of this process: made at first use, and again after it died.
import { fetchWasm } from '#engine-wasm';
import { requireObject } from '../codec/arguments.js';
import { abortable } from '../resolve/abortable.js';
import { Engine } from './engine.js';

/** @type {Promise<Uint8Array> | undefined} */
let wasm;
/** @type {Engine | undefined} */
let engine;

/**
 * @param {import('../wasm/fetch-wasm.js').FetchOptions} [options]
 * @returns {Promise<Engine>}
 * @throws {import('../errors.js').PosternError} ERR_WASM_LOAD
 */
export async function sharedEngine({ signal, ...options } = {}) {
  signal?.throwIfAborted();
  if (engine !== undefined && !engine.isDead) return engine;
  // All who wait share one fetch: who gives up does not end it for the others.
  wasm ??= fetchWasm(options);
  try {
    const bytes = await abortable(wasm, signal);
    if (engine === undefined || engine.isDead) engine = new Engine(bytes);
    return engine;
  } catch (error) {
    // What was fetched, or not, is no good: the next call tries again.
    if (!signal?.aborted) wasm = undefined;
    throw error;
  }
}

/**
 * Loads the WebAssembly core now instead of at first use, or from another place.
 *
 * @param {import('../wasm/fetch-wasm.js').FetchOptions} [options]
 * @returns {Promise<void>}
 * @throws {TypeError} ERR_INVALID_ARGUMENT
 * @throws {import('../errors.js').PosternError} ERR_WASM_LOAD
 */
export async function init(options = {}) {
  await sharedEngine(requireObject(options, 'options'));
}
