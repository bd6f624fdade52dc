// clang-tidy over the C++ sources. It is slow, so what passed once is remembered by its content.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { listFiles, projectDirectory } from './paths.js';
import { mustRun, run } from './process.js';
import { SetupError } from './steps.js';

// Those of the library in CMakeLists.txt that change what a source means.
const COMPILER_ARGUMENTS = ['-std=c++20', '-Isrc', '-I.', '-fno-exceptions', '-fno-rtti'];

/** @param {string[]} files from the project's directory */
export async function lintCpp(files) {
  const passed = join(projectDirectory, 'build/clang-tidy');
  mkdirSync(passed, { recursive: true });
  const common = createHash('sha256').update((await run('clang-tidy', ['--version'])).output);
  const headers = [...listFiles('src'), ...listFiles('bindings')].filter((path) =>
    /\.(h|def)$/.test(path),
  );
  for (const path of ['.clang-tidy', ...headers]) common.update(path).update(read(path));

  /** @type {string[]} */
  const findings = [];
  const waiting = [...files];
  const worker = async () => {
    for (let file = waiting.shift(); file; file = waiting.shift()) {
      const stamp = join(passed, common.copy().update(file).update(read(file)).digest('hex'));
      if (existsSync(stamp)) continue;
      try {
        await mustRun('clang-tidy', ['--quiet', file, '--', ...COMPILER_ARGUMENTS], {
          cwd: projectDirectory,
        });
        writeFileSync(stamp, '');
      } catch (error) {
        if (!(error instanceof SetupError)) throw error;
        findings.push(error.message.replace(/^\d+ warnings? generated\.\n/gm, ''));
      }
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  if (findings.length > 0) throw new SetupError(findings.join('\n'));
}

/** @param {string} path */
const read = (path) => readFileSync(join(projectDirectory, path));
