// The core of the clients for browsers: its bytes are a file beside the JavaScript, which bundlers find by the
// `new URL(…, import.meta.url)` below and copy to where it will be served.
import factory from '../../dist/wasm/engine.mjs';
import { fetchBytes } from './fetch-wasm.js';
import { instantiateWith } from './instantiate.js';

/** @param {Uint8Array} wasm */
export const instantiate = (wasm) => instantiateWith(factory, wasm);

/** @returns {Uint8Array | undefined} */
export const embeddedWasm = () => undefined;

/** @param {import('./fetch-wasm.js').FetchOptions} [options] */
export const fetchWasm = (options) =>
  fetchBytes(new URL('../../dist/wasm/engine.wasm', import.meta.url), options);
