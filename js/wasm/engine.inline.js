// The core of the clients with its bytes inside the JavaScript: no file to find, nothing to await.
import { base64 } from '../../dist/wasm/engine.base64.js';
import factory from '../../dist/wasm/engine.mjs';
import { decodeBase64 } from './base64.js';
import { instantiateWith } from './instantiate.js';

/** @param {Uint8Array} wasm */
export const instantiate = (wasm) => instantiateWith(factory, wasm);

/** @returns {Uint8Array | undefined} */
export const embeddedWasm = () => decodeBase64(base64);

/** @param {import('./fetch-wasm.js').FetchOptions} [_options] */
export const fetchWasm = async (_options) => decodeBase64(base64);
