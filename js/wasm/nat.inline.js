// The core of NAT discovery, for Node.js only: its bytes are inside the JavaScript.
import { base64 } from '../../dist/wasm/nat.base64.js';
import factory from '../../dist/wasm/nat.mjs';
import { decodeBase64 } from './base64.js';
import { instantiateWith } from './instantiate.js';

/** A new instance: each discovery has a core of its own. */
export const instantiateNat = () =>
  instantiateWith(factory, /** @type {Uint8Array} */ (decodeBase64(base64)));
