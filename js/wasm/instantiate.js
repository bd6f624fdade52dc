// Makes an instance from the glue that Emscripten wrote and the bytes of the wasm file.
import { PosternError } from '../errors.js';

/**
 * The factory is declared async, but it fills the object that it is given before its first await (it was
 * linked to compile synchronously), so the instance is ready when it returns.
 *
 * @template {{ wasmMemory: { readonly buffer: ArrayBuffer } }} Module
 * @param {(module: { wasmBinary: Uint8Array }) => Promise<Module>} factory
 * @param {Uint8Array} wasm
 * @returns {Module}
 * @throws {PosternError} ERR_WASM_LOAD
 */
export function instantiateWith(factory, wasm) {
  const module = /** @type {{ wasmBinary: Uint8Array } & Partial<Module>} */ ({ wasmBinary: wasm });
  // What goes wrong shows below, where it can be thrown.
  factory(module).catch(() => {});
  if (module.wasmMemory === undefined) throw loadError(wasm);
  return /** @type {Module} */ (/** @type {unknown} */ (module));
}

/** @param {Uint8Array} wasm */
function loadError(wasm) {
  let cause;
  try {
    new WebAssembly.Module(/** @type {Uint8Array<ArrayBuffer>} */ (wasm));
  } catch (error) {
    cause = error;
  }
  return new PosternError('ERR_WASM_LOAD', undefined, { cause });
}
