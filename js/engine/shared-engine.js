// The engine of this process: made at first use, and again after it died.
import { fetchWasm } from '#engine-wasm';
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
export async function sharedEngine(options) {
  if (engine !== undefined && !engine.isDead) return engine;
  wasm ??= fetchWasm(options);
  try {
    const bytes = await wasm;
    if (engine === undefined || engine.isDead) engine = new Engine(bytes);
    return engine;
  } catch (error) {
    wasm = undefined;
    throw error;
  }
}

/**
 * Loads the WebAssembly core now instead of at first use, or from another place.
 *
 * @param {import('../wasm/fetch-wasm.js').FetchOptions} [options]
 * @returns {Promise<void>}
 * @throws {import('../errors.js').PosternError} ERR_WASM_LOAD
 */
export async function init(options) {
  await sharedEngine(options);
}
