// Finds an Emscripten that is new enough, or installs one for postern alone.

import { existsSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { projectDirectory } from '../lib/paths.js';
import { findProgram, run } from '../lib/process.js';
import { say } from '../lib/steps.js';
import { installFromDebian, whereFromDebian } from './emscripten-debian.js';
import { atLeast } from './npm.js';

/**
 * @typedef {object} Emscripten
 * @property {string} directory where emcc is
 * @property {string} toolchainFile for CMake
 * @property {NodeJS.ProcessEnv} env to build with
 * @property {boolean} isFresh whether its own libraries are still to be compiled
 */

/** @returns {Promise<Emscripten>} */
export async function findOrInstallEmscripten() {
  const own = whereFromDebian();
  const active = activeEmcc();
  if (active) {
    const { output } = await run(active, ['--version']);
    const version = /\)\s(\d+\.\d+\.\d+)/.exec(output)?.[1];
    if (version && atLeast(version, floor())) {
      const root = (
        await run(join(dirname(active), 'em-config'), ['EMSCRIPTEN_ROOT'])
      ).output.trim();
      return describe(root);
    }
    if (!isNewEnough(own)) {
      say(
        `  ${active} is ${version ?? 'of an unknown version'}; ${floor()} or newer is needed: leaving it alone`,
      );
    }
  }
  if (!isNewEnough(own)) await installFromDebian(() => isNewEnough(own));
  return describe(own);
}

/** @param {string} directory */
function isNewEnough(directory) {
  const file = join(directory, 'emscripten-version.txt');
  return existsSync(file) && atLeast(readFileSync(file, 'utf8').replace(/[^\d.]/g, ''), floor());
}

/** An activated emsdk has emcc on PATH, or at least names its folder. */
function activeEmcc() {
  const inSdk = process.env.EMSDK && join(process.env.EMSDK, 'upstream/emscripten/emcc');
  return findProgram('emcc') ?? (inSdk && existsSync(inSdk) ? inSdk : undefined);
}

/** The oldest Emscripten whose output is what js/wasm expects; bindings/CMakeLists.txt says why. */
function floor() {
  const text = readFileSync(join(projectDirectory, 'bindings/CMakeLists.txt'), 'utf8');
  return /** @type {RegExpExecArray} */ (/POSTERN_EMSCRIPTEN_FLOOR ([\d.]+)/.exec(text))[1];
}

/**
 * @param {string} directory
 * @returns {Emscripten}
 */
function describe(directory) {
  const path = [
    dirname(process.execPath), // Emscripten runs parts of itself in Node.js
    process.env.PATH,
    join(projectDirectory, 'node_modules/.bin'), // --emit-tsd runs tsc
  ];
  return {
    directory,
    toolchainFile: join(directory, 'cmake/Modules/Platform/Emscripten.cmake'),
    env: { PATH: path.join(delimiter) },
    isFresh:
      directory === whereFromDebian() && !existsSync(join(directory, '../../../cache/sysroot/lib')),
  };
}
