// npm test: everything that CI runs. Stages are independent where they can be: after a failure the
// others run still, and the end says which failed.

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

const FUZZ_SECONDS = 5; // of each target: enough to see that the harness runs and its corpus is clean

/** @type {{ name: string, passed: boolean, elapsedMs: number }[]} */
const results = [];

/**
 * @param {string} name
 * @param {() => Promise<unknown>} work
 */
async function stage(name, work) {
  say(`\n== ${name}`);
  const start = performance.now();
  let passed = false;
  try {
    await work();
    passed = true;
  } catch (error) {
    say(error instanceof SetupError || !(error instanceof Error) ? String(error) : String(error.stack));
  }
  results.push({ name, passed, elapsedMs: performance.now() - start });
  return passed;
}

const setUpAndBuild = async () => {
  const emscripten = await setUpWasm({
    packages: ['native', 'check', 'fuzz', ...testPeers.packages],
    optional: testPeers.optional,
  });
  await buildPackage(emscripten);
  await buildPreset('asan');
};

const native = () =>
  mustRun('ctest', ['--test-dir', 'build/asan', '--output-on-failure', '--no-tests=error', '-j', String(availableParallelism())], {
    cwd: projectDirectory,
    show: true,
  });

const jest = () =>
  mustRun(
    process.execPath,
    // Jest runs ES modules in contexts of its own, which Node.js offers under this flag only.
    ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', join('node_modules', 'jest', 'bin', 'jest.js')],
    { cwd: projectDirectory, show: true },
  );

await runMain(async () => {
  if (await stage('set-up and build', setUpAndBuild)) {
    await stage('native tests', native);
    await stage('checks', check);
    await stage('fuzzers', () => fuzz(FUZZ_SECONDS));
    await stage('JavaScript tests', jest);
  }
  say('');
  for (const { name, passed, elapsedMs } of results) {
    say(`${passed ? 'passed' : 'FAILED'}  ${name} (${seconds(elapsedMs)})`);
  }
  const failed = results.filter(({ passed }) => !passed).length;
  say(`${results.length - failed} stages passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
});
