// Makes an instance from the glue that Emscripten wrote and the bytes of the wasm file.
import { PosternError } from '../errors.js';

/**
 * The factory is declared async, but it fills the object that it is given before its first await (it was
 * linked to compile synchronously), so the instance is ready when it returns.
 *
 * @template {{ wasmMemory: WebAssembly.Memory }} Module
 * @param {(module: { wasmBinary: Uint8Array }) => Promise<Module>} factory
 * @param {Uint8Array} wasm
 * @returns {Module}
 * @throws {PosternError} ERR_WASM_LOAD
 */
export function instantiateWith(factory, wasm) {
  const module = /** @type {{ wasmBinary: Uint8Array } & Partial<Module>} */ ({ wasmBinary: wasm });
  let cause;
  try {
    // What goes wrong shows below, where it can be thrown.
    factory(module).catch(() => {});
  } catch (error) {
    cause = error;
  }
  if (module.wasmMemory === undefined)
    throw new PosternError('ERR_WASM_LOAD', undefined, { cause });
  return /** @type {Module} */ (/** @type {unknown} */ (module));
}
