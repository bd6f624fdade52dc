import { PosternError } from '../errors.js';

/**
 * @typedef {object} FetchOptions
 * @property {string | URL} [wasmUrl] where the file is, if not at its usual place
 * @property {AbortSignal} [signal]
 */

/**
 * @param {URL} usualPlace
 * @param {FetchOptions} [options]
 * @returns {Promise<Uint8Array>}
 * @throws {PosternError} ERR_WASM_LOAD
 */
export async function fetchBytes(usualPlace, { wasmUrl = usualPlace, signal } = {}) {
  /** @type {unknown} */
  let cause;
  try {
    const response = await fetch(wasmUrl, { signal: signal ?? null });
    if (response.ok) return new Uint8Array(await response.arrayBuffer());
    cause = new Error(`HTTP status ${response.status}`);
  } catch (error) {
    signal?.throwIfAborted();
    cause = error;
  }
  throw new PosternError(
    'ERR_WASM_LOAD',
    `The WebAssembly file at ${wasmUrl} could not be fetched.`,
    {
      cause,
      hint: 'Serve the .wasm file there, give its place as wasmUrl, or import the inline entry.',
    },
  );
}
