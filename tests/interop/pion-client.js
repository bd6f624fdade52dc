// Pion's TURN client, as a program.
import { fileURLToPath } from 'node:url';
import { buildGo, goLibraryVersion, goMissing, pionTurn } from '../../scripts/lib/go.js';
import { describeWith } from './describe-with.js';
import { runProgram } from './server-support.js';

const SOURCE = fileURLToPath(new URL('pion-client/main.go', import.meta.url));
const PROGRAM = fileURLToPath(new URL('../../build/interop/pion-client', import.meta.url));

const missing = goMissing(pionTurn);

/** describe() where Go and Pion's library are installed; elsewhere the tests are skipped, and it is said why. */
export const describeWithPionClient = describeWith(
  missing ? "Pion's client" : `Pion's client ${goLibraryVersion(pionTurn)}`,
  missing,
);

/** Builds the program where that is needed. */
export function buildPionClient() {
  const problem = buildGo({ source: SOURCE, program: PROGRAM, library: pionTurn });
  if (problem) throw new Error(problem);
}

/**
 * Sends datagrams from one relay to another and back.
 *
 * @param {Record<string, string | number>} flags of main.go
 * @returns {Promise<{ mapped: string, relayed: string[], there: number, back: number }>} rejects with what it says
 */
export async function runPionClient(flags) {
  const args = Object.entries(flags).map(([name, value]) => `-${name}=${value}`);
  const { status, output } = await runProgram(PROGRAM, args);
  if (status !== 0) throw new Error(output);
  return JSON.parse(output);
}
