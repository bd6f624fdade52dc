// Child processes and the programs that they need.

import { spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { SetupError } from './steps.js';

const KEPT_OUTPUT = 20_000; // characters, for the report of a failure

/**
 * @typedef {object} RunOptions
 * @property {string} [cwd]
 * @property {NodeJS.ProcessEnv} [env] added to this process's own
 * @property {boolean} [show] let it write to the terminal; otherwise its output shows only if it fails
 */

/**
 * Runs a program to its end.
 * @param {string} program
 * @param {string[]} args
 * @param {RunOptions} [options]
 * @returns {Promise<{ status: number, output: string }>}
 */
export function run(program, args, { cwd, env, show = false } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: show ? 'inherit' : ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const keep = (/** @type {Buffer} */ chunk) => {
      output = (output + chunk).slice(-KEPT_OUTPUT);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (signal) output += `\nended by ${signal}`;
      resolve({ status: code ?? 1, output });
    });
  });
}

/**
 * Runs a program that must succeed.
 * @param {string} program
 * @param {string[]} args
 * @param {RunOptions & { advice?: string }} [options] advice: what to do when it fails
 * @returns {Promise<string>} its output
 */
export async function mustRun(program, args, { advice, ...options } = {}) {
  const { status, output } = await run(program, args, options);
  if (status === 0) return output;
  const command = [program, ...args].join(' ');
  throw new SetupError(
    [output.trimEnd(), `Failed with status ${status}: ${command}`, advice]
      .filter(Boolean)
      .join('\n'),
  );
}

/**
 * @param {string} name
 * @returns {string | undefined} the path of a program on PATH
 */
export function findProgram(name) {
  for (const directory of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(directory, name);
    try {
      accessSync(path, constants.X_OK);
      if (statSync(path).isFile()) return path;
    } catch {
      // not in this directory
    }
  }
  return undefined;
}
