// Builds the Go programs in bench/pion against Debian's libraries of Pion.

import { join } from 'node:path';
import { buildGo, goLibraryVersion, pionStun, pionTurn } from '../scripts/lib/go.js';

const BENCH = import.meta.dirname;
const BUILT = join(BENCH, '..', 'build', 'bench');

/**
 * @param {(sentence: string) => void} say
 * @param {string} name of the program
 * @param {string} source in bench/pion
 * @param {import('../scripts/lib/go.js').GoLibrary} library
 * @returns {{ command: string, args: string[] } | { reason: string }}
 */
function build(say, name, source, library) {
  say(`building bench/pion/${source}`);
  const program = join(BUILT, name);
  const reason = buildGo({ source: join(BENCH, 'pion', source), program, library });
  return reason ? { reason } : { command: program, args: [goLibraryVersion(library)] };
}

/** The STUN library, driven over the line protocol. @param {(sentence: string) => void} say */
export const buildPion = (say) => build(say, 'pion', 'main.go', pionStun);

/** The TURN client. Its other arguments follow the version. @param {(sentence: string) => void} say */
export function buildPionTurnEcho(/** @type {(sentence: string) => void} */ say) {
  const built = build(say, 'pion-turn-echo', 'turn-echo/main.go', pionTurn);
  return 'reason' in built ? built : { ...built, args: ['--version', ...built.args] };
}
