// npm run check: what can be said about the sources without running them.

import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { buildPackage, runTool } from './lib/build-steps.js';
import { lintCpp } from './lib/clang-tidy.js';
import { isMain, listFiles, projectDirectory } from './lib/paths.js';
import { mustRun } from './lib/process.js';
import { runMain, SetupError, step } from './lib/steps.js';
import { setUpWasm } from './setup.js';

/** Runs all checks, and fails with the findings of all. Needs set-up and a build. */
export async function check() {
  const cpp = [
    ...listFiles('src'),
    ...listFiles('bindings'),
    ...listFiles('tests'),
    ...listFiles('bench/native'),
  ].filter((path) => /\.(cpp|h)$/.test(path));
  const here = { cwd: projectDirectory };
  const generate = join(projectDirectory, 'scripts/generate.js');

  /** @type {[string, () => Promise<unknown>][]} */
  const checks = [
    // The slow one first, so that the others run beside it.
    [
      'clang-tidy',
      () => lintCpp(cpp.filter((path) => /^(src|bindings)\/(?!.*embind).*\.cpp$/.test(path))),
    ],
    ['generated files', () => mustRun(process.execPath, [generate, '--check'], here)],
    ['clang-format', () => mustRun('clang-format', ['--dry-run', '-Werror', ...cpp], here)],
    ['biome', () => runTool('biome', 'ci', '--error-on-warnings', '--colors=off')],
    ['tsc', () => runTool('tsc', '-p', 'tsconfig.json')],
    ['publint', () => runTool('publint', 'run', '--strict', '--pack', 'false')],
  ];
  /** @type {string[]} */
  const findings = [];
  const waiting = [...checks];
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      try {
        await step(...next);
      } catch (error) {
        if (!(error instanceof SetupError)) throw error;
        findings.push(error.message);
      }
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  if (findings.length > 0) throw new SetupError(findings.join('\n\n'));
}

if (isMain(import.meta.url)) {
  await runMain(async () => {
    const emscripten = await setUpWasm({ packages: ['check'] });
    await buildPackage(emscripten);
    await check();
  });
}
