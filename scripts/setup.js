// Everything that postern's commands need: installed when it is missing, left alone when it is there.
//
//   node scripts/setup.js          for all commands
//   node scripts/setup.js --env    for building by hand: eval "$(node scripts/setup.js --env)"

import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runMain } from './lib/steps.js';
import { installDebianPackages, installOptionalDebianPackages } from './setup/debian.js';
import { findOrInstallEmscripten } from './setup/emscripten.js';
import { checkNodeVersion, installNpmPackages } from './setup/npm.js';

/**
 * @typedef {object} Parts what to set up besides the npm packages
 * @property {import('./setup/debian.js').Group[]} [packages]
 * @property {Partial<Record<import('./setup/debian.js').Group, string>>} [optional] with what is left
 *   out where they can't be installed
 */

/**
 * @param {Parts} [parts]
 */
export async function setUp({ packages = [], optional = {} } = {}) {
  checkNodeVersion();
  const debian = async () => {
    await installDebianPackages(packages);
    for (const [group, consequence] of Object.entries(optional)) {
      await installOptionalDebianPackages(
        /** @type {keyof typeof optional} */ (group),
        consequence,
      );
    }
  };
  await all([installNpmPackages(), debian()]);
}

/**
 * The same, and what compiles the core to WebAssembly.
 * @param {Parts} [parts]
 */
export async function setUpWasm({ packages = [], optional } = {}) {
  const [emscripten] = await all([
    findOrInstallEmscripten(),
    setUp({ packages: ['wasm', ...packages], optional }),
  ]);
  return emscripten;
}

/** What the tests talk to. In CI nothing is left out; elsewhere, what can't be installed is. */
export const testPeers = process.env.CI
  ? {
      packages: /** @type {const} */ ([
        'servers',
        'pion',
        'p1Stun',
        'browsers',
        'natLab',
        'unicode',
      ]),
      optional: {},
    }
  : {
      packages: /** @type {const} */ ([]),
      optional: {
        servers: 'the tests against coturn are skipped.',
        pion: 'the tests against Pion are skipped.',
        p1Stun: 'the tests against p1_stun are skipped.',
        browsers: 'the tests in a browser are skipped.',
        natLab: 'the tests behind NATs are skipped.',
        unicode: 'the tests against the Unicode Character Database are skipped.',
      },
    };

/**
 * Like Promise.all, but waits for the others after a failure, so that nothing goes on in the background.
 * @template {readonly unknown[]} T
 * @param {[...T]} promises
 * @returns {Promise<{ [K in keyof T]: Awaited<T[K]> }>}
 */
async function all(promises) {
  const results = await Promise.allSettled(promises);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  return /** @type {any} */ (results.map((result) => /** @type {any} */ (result).value));
}

async function main() {
  const emscripten = await setUpWasm({
    packages: ['native', 'check', 'fuzz', ...testPeers.packages],
    optional: testPeers.optional,
  });
  if (process.argv.includes('--env')) console.log(`export PATH="${emscripten.directory}:$PATH"`);
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url))
  await runMain(main);
