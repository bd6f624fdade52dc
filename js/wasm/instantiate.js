// Makes an instance from the glue that Emscripten wrote and the bytes of the wasm file.
import { PosternError } from '../errors.js';

/**
 * The factory is declared async, but it fills the object that it is given before its first await
 * (it was linked to compile synchronously), so the instance is ready when it returns.
 *
 * @param {(module: Record<string, unknown>) => Promise<unknown>} factory
 * @param {Uint8Array} wasm
 * @returns {{ exports: Record<string, unknown>, memory: WebAssembly.Memory }}
 */
export function instantiateWith(factory, wasm) {
  /** @type {Record<string, unknown> & { wasmMemory?: WebAssembly.Memory }} */
  const module = { wasmBinary: wasm };
  /** @type {unknown} */
  let cause;
  factory(module).catch((error) => {
    cause = error;
  });
  const memory = module.wasmMemory;
  if (memory === undefined) throw new PosternError('ERR_WASM_LOAD', undefined, { cause });
  return { exports: module, memory };
}
