// The package as its users get it: packed, and installed into an empty folder, without a network.

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const projectDirectory = fileURLToPath(new URL('../../', import.meta.url));
const run = promisify(execFile);

/**
 * @typedef {object} Consumer
 * @property {string} directory of the project that has postern as its only dependency
 * @property {string} packageDirectory where postern lies in it
 * @property {string[]} files of the tarball, relative to the package
 * @property {(name: string, content: string) => Promise<string>} write a file of the project; returns its path
 * @property {(args: string[], options?: { env?: NodeJS.ProcessEnv }) => Promise<{ stdout: string, stderr: string }>} node
 *   runs Node.js in the project
 * @property {() => Promise<void>} remove
 */

/** @param {string} command @param {string[]} args @param {string} cwd */
async function npm(command, args, cwd) {
  // On Windows npm is no program of its own.
  const isWindows = process.platform === 'win32';
  return run(isWindows ? 'npm.cmd' : 'npm', [command, ...args], { cwd, shell: isWindows });
}

/** The registry that this machine's npm asks. */
export const npmRegistry = async () =>
  (await npm('config', ['get', 'registry'], projectDirectory)).stdout.trim();

/**
 * Packs what was built and installs the tarball.
 *
 * @returns {Promise<Consumer>}
 */
export async function installPackage() {
  const directory = await mkdtemp(join(tmpdir(), 'postern-consumer-'));
  const quiet = [
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--no-update-notifier',
    '--cache',
    join(directory, '.npm'),
  ];
  /** Without scripts: prepack would build again, and tests run on what is there. @param {string} from */
  const pack = async (from) => {
    const packed = await npm('pack', [...quiet, '--json', '--pack-destination', directory], from);
    const [{ filename, files }] = JSON.parse(packed.stdout);
    return { filename, files };
  };
  const { filename, files } = await pack(projectDirectory);
  // The one dependency comes from here as well, as there is no network.
  const ws = await pack(join(projectDirectory, 'node_modules', 'ws'));
  await writeFile(
    join(directory, 'package.json'),
    `${JSON.stringify({
      name: 'consumer',
      private: true,
      type: 'module',
      overrides: { ws: `file:${ws.filename}` },
    })}\n`,
  );
  await npm('install', [...quiet, '--offline', '--silent', join(directory, filename)], directory);
  return {
    directory,
    packageDirectory: join(directory, 'node_modules', 'postern'),
    files: files.map((/** @type {{ path: string }} */ { path }) => path),
    write: async (name, content) => {
      await writeFile(join(directory, name), content);
      return join(directory, name);
    },
    node: (args, { env = process.env } = {}) =>
      run(process.execPath, args, { cwd: directory, env }),
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

/**
 * The JavaScript of a document that follows a line `<!-- run -->`; see README.md in this folder.
 *
 * @param {string} path
 * @returns {Promise<{ line: number, source: string }[]>}
 */
export async function runnableSamples(path) {
  const text = await readFile(path, 'utf8');
  return Array.from(text.matchAll(/^<!-- run -->\n+```js\n(.*?)^```$/gms), (match) => ({
    line: text.slice(0, match.index).split('\n').length,
    source: match[1] ?? '',
  }));
}

/**
 * Makes a sample a program that says whether it is true: a statement with a literal behind it, as in
 * `message.method;  // 'Allocate'`, must have that value.
 *
 * @param {string} source
 */
export function withChecks(source) {
  let checks = 0;
  const lines = source.split('\n').map((line) => {
    const [, expression, literal] =
      /^(\w[\w.()'", ]*);\s+\/\/ ('[^']*'|-?\d+|true|false|null)(?![\w.])/.exec(line) ?? [];
    if (expression === undefined) return line;
    checks += 1;
    return `assert.deepStrictEqual(${expression}, ${literal});`;
  });
  return { program: ["import assert from 'node:assert/strict';", ...lines].join('\n'), checks };
}
