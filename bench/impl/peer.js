// Finds the peers that peers.js installed in bench/node_modules.

import { createRequire } from 'node:module';

/** Loads a peer that is CommonJS. (Named `require`, the type checker would look for the peer.) */
export const requirePeer = createRequire(import.meta.url);

/**
 * Imports a peer by name. The name is a parameter so that the type checker, which runs where the
 * peers are not installed, does not look for them.
 *
 * @param {string} name
 * @returns {Promise<any>}
 */
export function importPeer(name) {
  return import(name);
}

/** @type {Record<string, string>} */
const versions = requirePeer('../package.json').dependencies;

/**
 * The version that is installed: bench/package.json names exact ones.
 *
 * @param {string} name
 */
export const peerVersion = (name) => versions[name];
