// npm run fuzz [-- SECONDS [TARGET]]: runs the fuzzers, or one of them, for so many seconds each.
//
// Each starts from tests/fuzz/corpus/TARGET and keeps what it learns in build/fuzz-corpus/TARGET, and
// what breaks it in build/fuzz-findings. To add a finding to the corpus, copy it there. Few inputs that
// cover as much as all that was learnt, as those of turn_client, engine and connection_binder:
// fuzz_TARGET -set_cover_merge=1 -use_counters=0 -max_len=250 tests/fuzz/corpus/TARGET build/fuzz-corpus/TARGET

import { existsSync, mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { buildPreset } from './lib/cmake.js';
import { isMain, listFiles, projectDirectory } from './lib/paths.js';
import { run } from './lib/process.js';
import { runMain, SetupError, say } from './lib/steps.js';
import { setUp } from './setup.js';

const MAX_INPUT_BYTES = 0x10000 + 100; // a little more than the longest STUN message
const GRACE_SECONDS = 60; // for one input: beyond it, the code under test hangs

/** @returns {string[]} */
const targets = () =>
  listFiles('tests/fuzz').flatMap((path) => /^tests\/fuzz\/fuzz_(\w+)\.cpp$/.exec(path)?.[1] ?? []);

/**
 * Needs set-up.
 * @param {number} seconds for each target
 * @param {string} [only]
 */
export async function fuzz(seconds, only) {
  const chosen = targets().filter((name) => only === undefined || name === only);
  if (chosen.length === 0) {
    throw new SetupError(`There is no fuzzer '${only ?? ''}'; there are: ${targets().join(', ')}.`);
  }
  const directory = await buildPreset('fuzz');
  /** @type {string[]} */
  const failures = [];
  const waiting = [...chosen];
  const worker = async () => {
    for (let name = waiting.shift(); name; name = waiting.shift()) {
      const failure = await fuzzOne(join(directory, 'tests', `fuzz_${name}`), name, seconds);
      if (failure) failures.push(failure);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  if (failures.length > 0) throw new SetupError(failures.join('\n\n'));
}

/**
 * @param {string} program
 * @param {string} name
 * @param {number} seconds
 * @returns {Promise<string | undefined>} what went wrong
 */
async function fuzzOne(program, name, seconds) {
  const seeds = join(projectDirectory, 'tests/fuzz/corpus', name);
  const learnt = join(projectDirectory, 'build/fuzz-corpus', name);
  const findings = join(projectDirectory, 'build/fuzz-findings');
  for (const directory of [learnt, findings]) mkdirSync(directory, { recursive: true });
  const { status, output } = await run(program, [
    `-max_total_time=${seconds}`,
    `-max_len=${MAX_INPUT_BYTES}`,
    `-timeout=${GRACE_SECONDS}`,
    `-dict=${join(projectDirectory, 'tests/fuzz/stun.dict')}`,
    `-artifact_prefix=${findings}/${name}-`,
    '-print_final_stats=1',
    learnt, // libFuzzer writes into the first one only
    ...(existsSync(seeds) ? [seeds] : []),
  ]);
  if (status !== 0) return `${output.trimEnd()}\n${name}: FAILED; the input is in ${findings}`;
  const executions = Number(/number_of_executed_units:\s*(\d+)/.exec(output)?.[1]);
  const perSecond = Number(/average_exec_per_sec:\s*(\d+)/.exec(output)?.[1]);
  const coverage = /cov: (\d+)(?!.*cov: )/s.exec(output)?.[1];
  say(
    `  ${name}: ${executions} executions, ${perSecond} a second, ${coverage} edges covered, nothing found`,
  );
  return undefined;
}

if (isMain(import.meta.url)) {
  await runMain(async () => {
    const [seconds = '60', only] = process.argv.slice(2);
    if (!/^[1-9]\d*$/.test(seconds)) {
      throw new SetupError(
        `npm run fuzz -- SECONDS [TARGET]: SECONDS is a whole number, not '${seconds}'.`,
      );
    }
    await setUp({ packages: ['fuzz'] });
    await fuzz(Number(seconds), only);
  });
}
