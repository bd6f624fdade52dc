// What the tests of our server against the clients of others share.
import { spawn } from 'node:child_process';
import { createServer } from '../../js/server/index.js';
import { findProgram } from '../../scripts/lib/process.js';
import { DEFAULTS } from '../js/server/support.js';

export {
  HOST,
  REALM as realm,
  TLS as tls,
  TrustingWebSocket,
  USER as credentials,
} from '../js/server/support.js';

/** @typedef {import('../../js/server/index.js').Server} Server */
/** @typedef {import('../../js/server/index.js').ServerOptions} ServerOptions */

/**
 * A server on loopback over UDP and TCP, which relays to loopback.
 *
 * @param {ServerOptions} [options] what is to be otherwise
 * @returns {Promise<Server>} not yet closed when the test ends
 */
export const startServer = (options = {}) =>
  createServer({
    .../** @type {ServerOptions} */ (DEFAULTS),
    listen: ['udp://127.0.0.1:0', 'tcp://127.0.0.1:0'],
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
