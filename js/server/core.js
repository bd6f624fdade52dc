// The server's core: an instance of its own for each server.

import { BaseCore } from '../engine/base-core.js';
import { engineError } from '../engine/engine-error.js';
import { instantiateServer } from '../wasm/server.inline.js';
import { SERVER_STATUS } from './layout.js';

/** @typedef {import('../../dist/wasm/server.mjs').MainModule} ServerModule the functions of bindings/embind_server.cpp */

/** @extends {BaseCore<ServerModule>} */
export class ServerCore extends BaseCore {
  /** @param {() => void} onDeath called once, when the core has trapped */
  constructor(onDeath) {
    super(instantiateServer(), onDeath);
  }

  /** What PeerAccepted has made; 0 where it has not. */
  get accepted() {
    return this.words[this.status + SERVER_STATUS.accepted];
  }

  /**
   * What a call has returned, when it is no failure.
   *
   * @param {number | undefined} result
   * @returns {number}
   * @throws {import('../errors.js').PosternError}
   */
  checked(result) {
    if (result === undefined) throw this.lossError();
    if (result < 0) throw engineError(-result);
    return result;
  }
}
