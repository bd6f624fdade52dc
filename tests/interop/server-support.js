// What the tests of our server against the clients of others share.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from '../../js/server/index.js';
import { findProgram } from '../../scripts/lib/process.js';
import { fixtureCertificate } from './support.js';

/** @typedef {import('../../js/server/index.js').Server} Server */
/** @typedef {import('../../js/server/index.js').ServerOptions} ServerOptions */

export const HOST = '127.0.0.1';
export const realm = 'example.org';
export const credentials = { username: 'user', password: 'pass:wörd' };
export const tls = {
  cert: readFileSync(fixtureCertificate.files.certificate),
  key: readFileSync(fixtureCertificate.files.key),
};

/**
 * A server on loopback, which relays to loopback.
 *
 * @param {ServerOptions} [options] what is to be otherwise
 * @returns {Promise<Server>}
 */
export const startServer = (options = {}) =>
  createServer({
    listen: [`udp://${HOST}:0`, `tcp://${HOST}:0`],
    relay: { addresses: [HOST] },
    credentials: { [credentials.username]: credentials.password },
    realm,
    policy: { allow: ['127.0.0.0/8'] },
    ...options,
  });

/** How long a program of others may take at the most. */
const PATIENCE_MS = 50_000;

/**
 * Runs a program to its end.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @returns {Promise<{ status: number | null, output: string }>} stdout and stderr as they came; status null: it was
 *   ended, as it took too long
 */
export function runProgram(command, args) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: PATIENCE_MS });
  const endNow = () => void child.kill('SIGKILL');
  process.once('exit', endNow);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => {
      process.off('exit', endNow);
      resolve({ status, output });
    });
  });
}

/** Why a program cannot be run, as a clause, or undefined when it can. @param {string} name @param {string} hint */
export const programMissing = (name, hint) =>
  findProgram(name) === undefined ? `${name} is not installed (${hint})` : undefined;
