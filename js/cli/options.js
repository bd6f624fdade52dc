// The command line: which options there are, and their values.
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { UsageError } from './exit-codes.js';

/**
 * @typedef {object} OptionRow
 * @property {'string' | 'boolean'} type
 * @property {string} [short]
 * @property {string} [value] how help names it
 * @property {string} help
 * @property {true} [multiple] may be given more than once
 * @property {string} [alone] what it means without a value
 */

/** @typedef {Readonly<Record<string, OptionRow>>} OptionRows */
/** @typedef {Record<string, string | boolean | string[] | undefined>} Values those that may be given more than once: arrays */

/** Of every command. @type {OptionRows} */
export const COMMON = {
  json: { type: 'boolean', help: 'print one JSON document' },
  quiet: { type: 'boolean', short: 'q', help: 'print results only when something failed' },
  'no-color': { type: 'boolean', help: 'no colours; the default where stdout is no terminal' },
  help: { type: 'boolean', short: 'h', help: 'print this' },
  version: { type: 'boolean', help: 'print the version' },
};

/** Of commands that reach servers. @type {OptionRows} */
export const NETWORK = {
  family: { type: 'string', value: '4|6', help: "use the server's addresses of this family only" },
  transport: { type: 'string', value: 'udp|tcp|tls|ws', help: 'use this transport only' },
  timeout: { type: 'string', value: 'MS', help: 'how long each server may take in all' },
  proxy: { type: 'string', value: 'URL|env', help: 'reach TCP and TLS servers through this proxy' },
  ca: { type: 'string', value: 'FILE', help: 'trust these authorities (PEM) in TLS' },
  servername: { type: 'string', value: 'NAME', help: 'name to expect in the certificate' },
};

/** Of commands that show who they are. @type {OptionRows} */
export const CREDENTIALS = {
  username: { type: 'string', short: 'u', value: 'USER', help: 'or POSTERN_USERNAME' },
  password: {
    type: 'string',
    short: 'p',
    value: 'PASS',
    help: 'or POSTERN_PASSWORD; other users of this machine may see arguments',
  },
  'password-file': { type: 'string', value: 'FILE', help: 'the password is the first line' },
};

/**
 * Gives options that may stand alone their values: the next argument is theirs where it is no option.
 *
 * @param {string[]} args
 * @param {OptionRows} rows
 */
const completed = (args, rows) =>
  args.map((arg, i) => {
    const { alone } = Object.hasOwn(rows, arg.slice(2)) ? rows[arg.slice(2)] : {};
    const isAlone = args[i + 1]?.startsWith('-') !== false;
    return alone !== undefined && arg.startsWith('--') && isAlone ? `${arg}=${alone}` : arg;
  });

/**
 * @param {string[]} args
 * @param {OptionRows} rows
 * @returns {{ values: Values, positionals: string[] }}
 * @throws {UsageError} that quotes no value
 */
export function parseOptions(args, rows) {
  const options = Object.fromEntries(
    Object.entries(rows).map(([name, { type, short, multiple }]) => [
      name,
      { type, ...(short && { short }), ...(multiple && { multiple }) },
    ]),
  );
  try {
    const { values, positionals } = parseArgs({
      args: completed(args, rows),
      options,
      allowPositionals: true,
    });
    return { values: /** @type {Values} */ (values), positionals };
  } catch (error) {
    const { message } = /** @type {Error} */ (error);
    throw new UsageError(message.split('. ')[0].replace(/\.?$/, '.'));
  }
}

/** @param {Values} values @param {string} name */
export const textOf = (values, name) => /** @type {string | undefined} */ (values[name]);

/** @param {Values} values @param {string} name of one that may be given more than once */
export const textsOf = (values, name) => /** @type {string[] | undefined} */ (values[name]);

/**
 * @param {Values} values
 * @param {string} name
 * @param {{ least: number, most: number }} bounds
 * @returns {number | undefined}
 */
export function integerOf(values, name, { least, most }) {
  const text = textOf(values, name);
  if (text === undefined) return undefined;
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw new UsageError(`--${name} takes an integer from ${least} to ${most}.`);
}

/**
 * @template {string} T
 * @param {Values} values
 * @param {string} name
 * @param {readonly T[]} allowed
 * @returns {T | undefined}
 */
export function choiceOf(values, name, allowed) {
  const text = textOf(values, name);
  if (text === undefined || allowed.includes(/** @type {T} */ (text))) {
    return /** @type {T | undefined} */ (text);
  }
  throw new UsageError(`--${name} takes ${allowed.join(' or ')}.`);
}

/** @param {string} path @param {string} what @returns {Promise<Buffer>} */
export async function readInputFile(path, what) {
  try {
    return await readFile(path);
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error);
    throw new UsageError(`${what} cannot be read (${code}).`);
  }
}

/** The engine counts microseconds in 32 bits. */
const MAX_TIMEOUT_MS = 4_000_000;

/**
 * The options of NETWORK as the library takes them.
 *
 * @param {Values} values
 */
export async function networkOptions(values) {
  const family = choiceOf(values, 'family', ['4', '6']);
  const ca = textOf(values, 'ca');
  const servername = textOf(values, 'servername');
  const tls = {
    ...(ca === undefined ? {} : { ca: await readInputFile(ca, 'The file of --ca') }),
    ...(servername === undefined ? {} : { servername }),
  };
  return {
    family: family === undefined ? undefined : /** @type {4 | 6} */ (Number(family)),
    transport: choiceOf(values, 'transport', /** @type {const} */ (['udp', 'tcp', 'tls', 'ws'])),
    timeoutMs: integerOf(values, 'timeout', { least: 1, most: MAX_TIMEOUT_MS }),
    proxy: textOf(values, 'proxy'),
    tls: Object.keys(tls).length > 0 ? tls : undefined,
  };
}
