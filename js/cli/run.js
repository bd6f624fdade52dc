// The command: finds out what is wanted, has it done, and tells what came of it.
import { PosternError } from '../errors.js';
import { forCommandLine } from './advice.js';
import { checkCommand } from './check-command.js';
import { decodeCommand } from './decode.js';
import { EXIT, exitCodeOf, UsageError } from './exit-codes.js';
import { commandHelp, mainHelp } from './help.js';
import { nat } from './nat.js';
import { COMMON, parseOptions } from './options.js';
import { printable } from './printable.js';
import { serveCommand } from './serve-command.js';
import { stun } from './stun.js';
import { styleFor } from './terminal.js';
import { turn } from './turn.js';
import { packageVersion } from './version.js';

/** @typedef {import('./command.js').Command} Command */
/** @typedef {import('./command.js').Io} Io */

/** @type {ReadonlyMap<string, Command>} */
export const COMMANDS = new Map([
  ['stun', stun],
  ['turn', turn],
  ['check', checkCommand],
  ['nat', nat],
  ['decode', decodeCommand],
  ['serve', serveCommand],
]);

/** @param {unknown} error */
function describeError(error) {
  if (error instanceof UsageError) return error.message;
  const { code, message, hint } = /** @type {Partial<PosternError>} */ (error ?? {});
  const isOurs = error instanceof PosternError || code === 'ERR_INVALID_ARGUMENT';
  if (!isOurs) {
    const { stack } = /** @type {Partial<Error>} */ (error ?? {});
    return `A fault of this program; please report it.\n${stack ?? String(error)}`;
  }
  const sentence = forCommandLine([message, hint].filter(Boolean).join(' '));
  return printable(sentence) + (code ? ` (${code})` : '');
}

/**
 * @param {string} name
 * @param {Command} command
 * @param {string[]} args
 * @param {Io} io
 */
async function runCommand(name, command, args, io) {
  const { values, positionals } = parseOptions(args, { ...command.options, ...COMMON });
  if (values.help) {
    io.out(commandHelp(name, command));
    return EXIT.ok;
  }
  if (values.version) {
    io.out(`${packageVersion()}\n`);
    return EXIT.ok;
  }
  const isJson = values.json === true;
  const hasColour = io.isTerminal && !io.env.NO_COLOR && values['no-color'] !== true;
  const { exitCode, json } = await command.run({
    values,
    positionals,
    io,
    style: styleFor(hasColour),
    print: (text, code) => {
      if (!isJson && (values.quiet !== true || code !== EXIT.ok)) io.out(`${text}\n`);
    },
  });
  if (isJson && json !== undefined) io.out(`${JSON.stringify(json, undefined, 2)}\n`);
  return exitCode;
}

/**
 * @param {string[]} args what follows the program's name
 * @param {Io} io
 * @returns {Promise<number>} the exit code; never rejects
 */
export async function run(args, io) {
  const [first, ...rest] = args;
  try {
    if (first === '--version') {
      io.out(`${packageVersion()}\n`);
      return EXIT.ok;
    }
    if (first === '--help' || first === '-h' || first === 'help') {
      io.out(mainHelp(COMMANDS));
      return EXIT.ok;
    }
    if (first === undefined) throw new UsageError('Which command? See postern --help.');
    const command = COMMANDS.get(first);
    if (command === undefined) {
      throw new UsageError(`There is no command '${printable(first)}'. See postern --help.`);
    }
    return await runCommand(first, command, rest, io);
  } catch (error) {
    if (io.signal.aborted) return EXIT.interrupted;
    io.err(`postern: ${describeError(error)}\n`);
    return exitCodeOf(error);
  }
}
