// What is wrong with an option of `postern serve`, in the words of the file or of the command line that gave it.
import { UsageError } from './exit-codes.js';
import { printable } from './printable.js';

/** Options of createServer() by the options of the command line that say them. */
const FLAGS = /** @type {const} */ ([
  ['listen', '--listen'],
  ['credentials', '--user'],
  ['secret', '--secret-file'],
  ['realm', '--realm'],
  ['relay.addresses', '--relay-address'],
  ['relay.external', '--external'],
  ['relay.ports', '--ports'],
  ['policy.allow', '--allow'],
  ['policy.deny', '--deny'],
  ['tls', '--cert and --key'],
  ['metrics', '--metrics'],
  ['page.port', '--page'],
  ['page.address', '--page'],
]);

/** @typedef {Partial<Record<typeof FLAGS[number][0] | 'relay' | 'policy' | 'page', any>>} Flags as ServerOptions, and metrics */

/**
 * Makes a UsageError of an error about options; gives others as they are.
 *
 * @typedef {(error: unknown, section?: 'gateway' | 'metrics' | 'page') => unknown} Explain
 */

/** @param {object} tree @param {string} path */
const has = (tree, path) =>
  path.split('.').reduce((node, key) => node?.[key], /** @type {any} */ (tree)) !== undefined;

/** Options as the library names them in its sentences. */
const NAMED = /options((?:\.[\w-]+|\['[^']*'\]|\[\d+\])+)/g;

/**
 * @param {string | undefined} file
 * @param {Flags} flags
 * @returns {Explain}
 */
export function explainer(file, flags) {
  /** @param {string} path @returns {{ name: string, isInFile: boolean }} */
  const find = (path) => {
    const row = FLAGS.find(
      ([start]) => path.startsWith(start) && /^[.[]|^$/.test(path.slice(start.length)),
    );
    const isSaid = row !== undefined && has(flags, row[0]);
    if (row !== undefined && (isSaid || file === undefined))
      return { name: row[1], isInFile: false };
    return { name: path, isInFile: file !== undefined };
  };
  return (error, section) => {
    const { code, argument, message } =
      /** @type {Partial<TypeError & { code: string, argument: string }>} */ (error ?? {});
    if (code !== 'ERR_INVALID_ARGUMENT' || argument === undefined || message === undefined)
      return error;
    const prefix = section === 'gateway' ? 'gateway.' : '';
    /** @param {string} text */
    const pathOf = (text) => prefix + text.replace(/^options\.?/, '');
    const sentence = message.replace(NAMED, (text) => find(pathOf(text)).name);
    const { isInFile } = find(pathOf(argument));
    return new UsageError(`${isInFile ? `${printable(file ?? '')}: ` : ''}${printable(sentence)}.`);
  };
}
