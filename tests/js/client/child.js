// Programs that run in a Node.js of their own.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The project's folder: 'postern' names the package there. */
export const project = fileURLToPath(new URL('../../..', import.meta.url));

/** A child that hangs must not hang the tests: far longer than any takes. */
const PATIENCE_MS = 60_000;

/**
 * Runs Node.js until it ends by itself.
 *
 * @param {string[]} args
 * @returns {Promise<{ status: unknown, stdout: string, stderr: string }>} status 0 when all went well
 */
export const runNode = (args) =>
  new Promise((resolve) => {
    const options = {
      cwd: project,
      timeout: PATIENCE_MS,
      killSignal: /** @type {const} */ ('SIGKILL'),
    };
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : (error.signal ?? error.code), stdout, stderr });
    });
  });

/** @param {string} source of an ES module @param {string[]} [flags] of Node.js */
export const runModule = (source, flags = []) =>
  runNode([...flags, '--unhandled-rejections=strict', '--input-type=module', '--eval', source]);
