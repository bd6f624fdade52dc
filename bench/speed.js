// Times one bench over all participants: proof, warm-up, rounds.

import { LineChild } from './line-child.js';
import { prove } from './proof.js';

/**
 * @typedef {object} Timing one implementation in one bench
 * @property {string} name
 * @property {number[]} nsPerOp one value a round; empty when it was left out
 * @property {string} note
 * @property {boolean} [failed] one of ours, and it did not do its work
 *
 * @typedef {{ rounds: number, roundMs: number, warmUpMs: number }} Effort
 */

/**
 * @param {import('./implementations.js').Participant} participant
 * @param {string} bench
 * @returns {Promise<LineChild | Timing | undefined>} undefined: nothing to say about this bench
 */
async function enter(participant, bench) {
  const { name, ours, command, args = [], reason } = participant;
  /** @param {string} note @param {boolean} [failed] @returns {Timing} */
  const leftOut = (note, failed) => ({ name, nsPerOp: [], note, failed });
  if (!command) return leftOut(`skipped: ${reason}`);

  /** @type {LineChild | undefined} */
  let child;
  try {
    child = await LineChild.start(command, args);
    if (!Object.hasOwn(child.hello.benches, bench)) {
      child.kill();
      const why = child.hello.skipped?.[bench];
      return why ? leftOut(`skipped: ${why}`) : undefined;
    }
    const started = child;
    await prove(bench, (hex) => started.once(bench, hex));
    return child;
  } catch (error) {
    child?.kill();
    const why = error instanceof Error ? error.message : String(error);
    const note = child?.hello.benches[bench];
    return leftOut(`excluded: ${why}${note ? `; ${note}` : ''}`, ours);
  }
}

/**
 * @param {string} bench
 * @param {import('./implementations.js').Participant[]} participants
 * @param {Effort} effort
 * @returns {Promise<Timing[]>} in the order of the participants
 */
export async function timeBench(bench, participants, { rounds, roundMs, warmUpMs }) {
  /** @type {Timing[]} */
  const timings = [];
  /** @type {{ child: LineChild, timing: Timing }[]} */
  const running = [];
  try {
    for (const participant of participants) {
      const entered = await enter(participant, bench);
      if (entered instanceof LineChild) {
        const { version, benches } = entered.hello;
        const note = [version, benches[bench]].filter(Boolean).join('; ');
        const timing = { name: participant.name, nsPerOp: [], note };
        timings.push(timing);
        running.push({ child: entered, timing });
      } else if (entered) {
        timings.push(entered);
      }
    }
    for (const { child } of running) await child.run(bench, warmUpMs);
    for (let round = 0; round < rounds; round++) {
      for (let i = 0; i < running.length; i++) {
        // Each round starts with another one, so that none always follows the same neighbour.
        const { child, timing } = running[(round + i) % running.length];
        timing.nsPerOp.push(await child.run(bench, roundMs));
      }
    }
  } finally {
    for (const { child } of running) child.kill();
  }
  return timings;
}
