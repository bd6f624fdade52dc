// npm test: everything that CI runs. A failed stage stops only those that need it, and the end says
// which failed.

import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { check } from './check.js';
import { fuzz } from './fuzz.js';
import { buildPackage } from './lib/build-steps.js';
import { buildPreset } from './lib/cmake.js';
import { projectDirectory } from './lib/paths.js';
import { mustRun } from './lib/process.js';
import { runMain, SetupError, say, seconds } from './lib/steps.js';
import { setUpWasm, testPeers } from './setup.js';

const FUZZ_SECONDS = 5; // for each target: shows that it runs, and that its corpus is clean

/** @type {{ name: string, outcome: 'passed' | 'failed' | 'not run', elapsedMs: number }[]} */
const results = [];

/**
 * @template T
 * @param {string} name
 * @param {() => Promise<T>} work
 * @returns {Promise<T | undefined>} undefined when it failed
 */
async function stage(name, work) {
  say(`\n== ${name}`);
  const start = performance.now();
  /** @type {T | undefined} */
  let result;
  let outcome = /** @type {'passed' | 'failed'} */ ('failed');
  try {
    result = await work();
    outcome = 'passed';
  } catch (error) {
    const text = error instanceof Error && error.stack ? error.stack : String(error);
    say(error instanceof SetupError ? error.message : text);
  }
  results.push({ name, outcome, elapsedMs: performance.now() - start });
  return result;
}

/** @param {string[]} names */
function skip(...names) {
  for (const name of names) results.push({ name, outcome: 'not run', elapsedMs: 0 });
}

async function nativeTests() {
  const directory = await buildPreset('asan');
  const jobs = String(availableParallelism());
  await mustRun('ctest', ['--output-on-failure', '--no-tests=error', '-j', jobs], {
    cwd: directory,
    show: true,
  });
}

async function javaScriptTests() {
  const jest = join(projectDirectory, 'node_modules/jest/bin/jest.js');
  // Jest runs ES modules in contexts of its own, which Node.js has under this flag only.
  const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  await mustRun(process.execPath, [...flags, jest], { cwd: projectDirectory, show: true });
}

await runMain(async () => {
  const emscripten = await stage('set-up', () =>
    setUpWasm({
      packages: ['native', 'check', 'fuzz', ...testPeers.packages],
      optional: testPeers.optional,
    }),
  );
  if (emscripten) {
    const isBuilt = await stage('build', async () => {
      await buildPackage(emscripten);
      return true;
    });
    await stage('native tests', nativeTests);
    await stage('fuzzers', () => fuzz(FUZZ_SECONDS));
    if (isBuilt) {
      await stage('checks', check);
      await stage('JavaScript tests', javaScriptTests);
    } else {
      skip('checks', 'JavaScript tests');
    }
  } else {
    skip('build', 'native tests', 'fuzzers', 'checks', 'JavaScript tests');
  }

  say('');
  for (const { name, outcome, elapsedMs } of results) {
    say(`${outcome.padEnd(7)}  ${name} (${seconds(elapsedMs)})`);
  }
  const passed = results.filter(({ outcome }) => outcome === 'passed').length;
  say(`stages: ${passed} passed, ${results.length - passed} failed`);
  return passed === results.length ? 0 : 1;
});
