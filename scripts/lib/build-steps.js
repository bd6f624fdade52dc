// What the commands build, each from what set-up has installed.

import { existsSync, rmSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { buildPage } from './build-page.js';
import { buildPreset } from './cmake.js';
import { listFiles, projectDirectory } from './paths.js';
import { mustRun } from './process.js';
import { step } from './steps.js';

/**
 * dist/wasm, by Emscripten.
 * @param {import('../setup/emscripten.js').Emscripten} emscripten
 */
export async function buildWasm({ toolchainFile, env, isFresh }) {
  await buildPreset('wasm', {
    definitions: { CMAKE_TOOLCHAIN_FILE: toolchainFile, NODE: process.execPath },
    env,
    note: isFresh ? " (the first one compiles Emscripten's libraries too: 1 to 2 minutes)" : '',
  });
}

/**
 * All that the package ships besides its sources.
 * @param {import('../setup/emscripten.js').Emscripten} emscripten
 */
export async function buildPackage(emscripten) {
  await buildWasm(emscripten);
  await step('package', () =>
    Promise.all([
      bundle('js/codec/index.js', 'dist/codec.inline.js', 'neutral'),
      bundle('js/index.js', 'dist/node.js', 'node', [separate]),
      bundle('js/nat/discover-nat.js', 'dist/nat.js', 'node'),
      bundle('js/server/index.js', 'dist/server.js', 'node'),
      bundle('js/gateway/index.js', 'dist/gateway.js', 'node'),
      bundle('js/network-test/index.js', 'dist/network-test.js', 'node', [separate]),
      bundle('js/testing/index.js', 'dist/testing.js', 'node', [separate]),
      bundle('js/testing/server/node.js', 'dist/testing-server.js', 'node'),
      bundleCommand(),
      buildPage(),
      emitTypes(),
    ]),
  );
}

/** Modules that the files in dist/ take from others there, when they need them. @type {Readonly<Record<string, string>>} */
const SEPARATE = {
  'js/cli/check.js': './check.js',
  'js/cli/serve.js': './serve.js',
  'js/server/index.js': './server.js',
  'js/gateway/index.js': './gateway.js',
  'js/nat/discover-nat.js': './nat.js',
  'js/network-test/index.js': './network-test.js',
  'js/testing/server/node.js': './testing-server.js',
};

/** @type {import('esbuild').Plugin} */
const separate = {
  name: 'separate',
  setup: ({ onResolve }) =>
    onResolve({ filter: /^\./ }, ({ path, resolveDir, kind }) => {
      const module = relative(projectDirectory, resolve(resolveDir, path)).replaceAll('\\', '/');
      const isOwn = kind === 'entry-point' || !Object.hasOwn(SEPARATE, module);
      return isOwn ? undefined : { path: SEPARATE[module], external: true };
    }),
};

/**
 * An entry in one file, with its wasm inside. Node.js gets these because it takes longer to find forty files
 * than to run them; browsers whose bundler copies no files get that of the codec.
 *
 * @param {string} entry
 * @param {string} outfile
 * @param {import('esbuild').Platform} platform
 * @param {import('esbuild').Plugin[]} [plugins]
 */
async function bundle(entry, outfile, platform, plugins = []) {
  const { build } = await import('esbuild');
  await build({
    absWorkingDir: projectDirectory,
    entryPoints: [entry],
    outfile,
    bundle: true,
    format: 'esm',
    platform,
    target: 'es2022',
    // The one dependency, of what serves WebSockets.
    external: ['ws'],
    plugins,
    conditions: ['node'], // what #codec-wasm means in Node.js: the file with the bytes inside
    banner: { js: `// Made by scripts/lib/build-steps.js from ${entry}; do not edit.` },
  });
}

/**
 * The command: a file that starts as a program, and others that have what `check` and `serve` need besides, so that they are
 * loaded for these only.
 */
async function bundleCommand() {
  await bundle('js/cli/check.js', 'dist/check.js', 'node', [separate]);
  await bundle('js/cli/serve.js', 'dist/serve.js', 'node', [separate]);
  await bundle('js/cli/cli.js', 'dist/cli.js', 'node', [separate]);
  await chmod(join(projectDirectory, 'dist/cli.js'), 0o755);
}

/** types/, from the JSDoc of js/. Needs dist/wasm, whose declarations those of js/ refer to. */
async function emitTypes() {
  await runTool('tsc', '-p', 'tsconfig.types.json');
  for (const path of listFiles('types')) {
    const source = path.replace(/^types/, 'js').replace(/\.d\.ts$/, '.js');
    if (!existsSync(join(projectDirectory, source))) rmSync(join(projectDirectory, path));
  }
}

/**
 * Runs a program of the project's npm packages.
 * @param {string} name
 * @param {...string} args
 */
export function runTool(name, ...args) {
  return mustRun(join(projectDirectory, 'node_modules/.bin', name), args, {
    cwd: projectDirectory,
  });
}
