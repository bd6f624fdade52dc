// clang-tidy over the C++ sources. It is slow, so what passed once is remembered by its content.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { listFiles, projectDirectory } from './paths.js';
import { run } from './process.js';
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

  /** @type {Set<string>} what is found in a header, every source that includes it finds */
  const findings = new Set();
  const waiting = [...files];
  const worker = async () => {
    for (let file = waiting.shift(); file; file = waiting.shift()) {
      const stamp = join(passed, common.copy().update(file).update(read(file)).digest('hex'));
      if (existsSync(stamp)) continue;
      const args = ['--quiet', file, '--', ...COMPILER_ARGUMENTS];
      const { status, output } = await run('clang-tidy', args, { cwd: projectDirectory });
      if (status === 0) {
        writeFileSync(stamp, '');
        continue;
      }
      const diagnostics = output.split(/^(?=\S+:\d+:\d+: (?:error|warning): )/m);
      if (diagnostics.length > 1) diagnostics.shift(); // how many warnings it has left out
      for (const diagnostic of diagnostics) findings.add(diagnostic.trimEnd());
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  if (findings.size > 0) throw new SetupError([...findings].join('\n'));
}

/** @param {string} path */
const read = (path) => readFileSync(join(projectDirectory, path));
