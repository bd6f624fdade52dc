// Who takes part, and how to start each one.

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { installPeers, PEERS } from './peers.js';
import { buildPion } from './pion.js';

const BENCH = import.meta.dirname;
const ROOT = dirname(BENCH);
const CODEC = join(ROOT, 'js', 'codec', 'index.js');
const NATIVE = join(ROOT, 'build', 'release', 'postern_bench');

/**
 * @typedef {object} Participant
 * @property {string} name
 * @property {boolean} ours a failure is an error, not a skipped peer
 * @property {string} [command] missing when it can't be started
 * @property {string[]} [args]
 * @property {string} [reason] why it can't be started
 */

/**
 * @param {string} name
 * @param {boolean} ours
 * @param {string | undefined} reason
 * @returns {Participant}
 */
function node(name, ours, reason) {
  if (reason) return { name, ours, reason };
  return { name, ours, command: process.execPath, args: [join(BENCH, 'child.js'), name] };
}

/**
 * @param {(sentence: string) => void} say
 * @returns {Participant[]}
 */
export function participants(say) {
  const peersMissing = installPeers(say);
  return [
    node('postern', true, existsSync(CODEC) ? undefined : 'js/codec is not there'),
    existsSync(NATIVE)
      ? { name: 'postern-native', ours: true, command: NATIVE, args: [] }
      : { name: 'postern-native', ours: true, reason: 'CMake target postern_bench is not built' },
    ...PEERS.map((name) => node(name, false, peersMissing)),
    { name: 'pion', ours: false, ...buildPion(say) },
  ];
}
