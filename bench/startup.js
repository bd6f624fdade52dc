// Times new Node processes: from nothing to the first decoded message.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { RFC5769_REQUEST_HEX } from './inputs.js';

const SCRIPTS = join(import.meta.dirname, 'startup');
const USERNAME = 'evtj:h6vY'; // what the message holds
const EMPTY = 'empty';

/**
 * @param {string} name of a file in startup/
 * @returns {{ wallMs: number, insideMs: number }}
 */
function launch(name) {
  const start = performance.now();
  const child = spawnSync(
    process.execPath,
    [join(SCRIPTS, `${name}.js`), RFC5769_REQUEST_HEX, USERNAME],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const wallMs = performance.now() - start;
  if (child.status !== 0) throw new Error(child.stderr.trim().split('\n').at(-1));
  return { wallMs, insideMs: Number(child.stdout) };
}

/**
 * @typedef {object} Startup
 * @property {string} name
 * @property {number[]} wallMs whole process, one value a round; of `empty` itself for that
 * @property {number[]} aboveEmptyMs the same less the empty process of that round
 * @property {number[]} insideMs from import to decoded message
 * @property {string} note
 */

/**
 * @param {string[]} names of implementations
 * @param {number} rounds
 * @returns {Startup[]} the empty process first
 */
export function timeStartup(names, rounds) {
  /** @type {Startup[]} */
  const startups = [];
  for (const name of [EMPTY, ...names]) {
    /** @type {Startup} */
    const startup = { name, wallMs: [], aboveEmptyMs: [], insideMs: [], note: '' };
    startups.push(startup);
    try {
      launch(name); // warm-up: files in the page cache
    } catch (error) {
      startup.note = `excluded: ${error instanceof Error ? error.message : error}`;
    }
  }
  const running = startups.filter(({ note }) => note === '');
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < running.length; i++) {
      const startup = running[(round + i) % running.length];
      const { wallMs, insideMs } = launch(startup.name);
      startup.wallMs.push(wallMs);
      startup.insideMs.push(insideMs);
    }
  }
  const [empty] = startups;
  for (const startup of running) {
    startup.aboveEmptyMs = startup.wallMs.map((ms, round) => ms - empty.wallMs[round]);
  }
  return startups;
}
