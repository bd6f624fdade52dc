// The engine of this process, and one for each other clock: made at first use, and again after it died.
import { fetchWasm } from '#engine-wasm';
import { PLATFORM_CLOCK } from '../clock.js';
import { requireObject } from '../codec/arguments.js';
import { abortable } from '../resolve/abortable.js';
import { Engine } from './engine.js';

/** @type {Promise<Uint8Array> | undefined} */
let wasm;
/** @type {WeakMap<import('../clock.js').Clock, Engine>} */
const engines = new WeakMap();

/**
 * @param {import('../wasm/fetch-wasm.js').FetchOptions & { clock?: import('../clock.js').Clock }} [options]
 * @returns {Promise<Engine>}
 * @throws {import('../errors.js').PosternError} ERR_WASM_LOAD
 */
export async function sharedEngine({ signal, clock = PLATFORM_CLOCK, ...options } = {}) {
  signal?.throwIfAborted();
  const known = engines.get(clock);
  if (known !== undefined && !known.isDead) return known;
  // All who wait share one fetch: who gives up does not end it for the others.
  wasm ??= fetchWasm(options);
  try {
    const bytes = await abortable(wasm, signal);
    let engine = engines.get(clock);
    if (engine === undefined || engine.isDead) {
      engine = new Engine(bytes, clock);
      engines.set(clock, engine);
    }
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
