// The core of the server and of the gateway, for Node.js only: its bytes are inside the JavaScript.
import { base64 } from '../../dist/wasm/server.base64.js';
import factory from '../../dist/wasm/server.mjs';
import { decodeBase64 } from './base64.js';
import { instantiateWith } from './instantiate.js';

/** A new instance: each server has a core of its own. */
export const instantiateServer = () =>
  instantiateWith(factory, /** @type {Uint8Array} */ (decodeBase64(base64)));
