// Configures and builds one of the presets of CMakePresets.json.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withCloneLock } from './lock.js';
import { projectDirectory } from './paths.js';
import { mustRun } from './process.js';
import { step } from './steps.js';

/**
 * @param {string} preset
 * @param {object} [options]
 * @param {Record<string, string>} [options.definitions]
 * @param {string[]} [options.targets] all of the preset's if not given
 * @param {NodeJS.ProcessEnv} [options.env]
 * @param {string} [options.note]
 * @returns {Promise<string>} the build's directory
 */
export async function buildPreset(preset, { definitions = {}, targets = [], env, note = '' } = {}) {
  const directory = join(projectDirectory, 'build', preset);
  await withCloneLock(async () => {
    await step(`${preset} build${note}`, async () => {
      await configure(preset, directory, definitions, env);
      const only = targets.length > 0 ? ['--target', ...targets] : [];
      await mustRun('cmake', ['--build', directory, ...only], { cwd: projectDirectory, env });
    });
  });
  return directory;
}

/**
 * CMake notices changes of its own files; this notices those of what it was called with. A compiler
 * can't be exchanged in a build tree, so such a tree is begun anew.
 * @param {string} preset
 * @param {string} directory
 * @param {Record<string, string>} definitions
 * @param {NodeJS.ProcessEnv} [env]
 */
async function configure(preset, directory, definitions, env) {
  const stamp = join(directory, '.configured');
  const presets = readFileSync(join(projectDirectory, 'CMakePresets.json'));
  const wanted = createHash('sha256')
    .update(presets)
    .update(JSON.stringify(definitions))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  rmSync(directory, { recursive: true, force: true });
  const defined = Object.entries(definitions).map(([name, value]) => `-D${name}=${value}`);
  await mustRun('cmake', ['--preset', preset, ...defined], { cwd: projectDirectory, env });
  mkdirSync(directory, { recursive: true });
  writeFileSync(stamp, wanted);
}
