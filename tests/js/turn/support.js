// What the tests of relays share.
import { expect } from '@jest/globals';
import { allocate } from '../../../js/index.js';
import { turn } from '../client/support.js';
import { CREDENTIALS } from './scripted-server.js';

/** @typedef {import('../../../js/index.js').Relay} Relay */
/** @typedef {import('../../../js/turn/allocate-options.js').AllocateOptions} AllocateOptions */
/** @typedef {import('./scripted-server.js').ScriptedServer} ScriptedServer */

export const SERVER = 'turn:198.51.100.1';

export const text = (/** @type {Uint8Array} */ bytes) => Buffer.from(bytes).toString();
export const bytes = (/** @type {string} */ words) => Buffer.from(words);

/** @type {Relay[]} */
const relays = [];

/** @param {ScriptedServer} server @param {AllocateOptions & { url?: string }} [options] */
export async function relayAt(server, { url = SERVER, ...options } = {}) {
  const { transport } = server;
  const relay = await allocate(url, { transport, credentials: CREDENTIALS, ...options });
  relays.push(relay);
  return relay;
}

/** Ends what tests have left open; for afterEach(). */
export async function closeRelays() {
  await Promise.all(relays.splice(0).map((relay) => relay.close()));
}

/** Until it holds: in memory everything happens within some turns of the event loop. @param {() => boolean} holds */
export async function until(holds) {
  for (let i = 0; i < 1000 && !holds(); i += 1) await turn();
  expect(holds()).toBe(true);
}
