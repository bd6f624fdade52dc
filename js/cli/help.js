// The texts of --help.
import { EXIT_WORDS } from './exit-codes.js';
import { COMMON } from './options.js';

/** @typedef {import('./command.js').Command} Command */
/** @typedef {import('./options.js').OptionRows} OptionRows */

const WIDTH = 26;

/** @param {OptionRows} rows */
const describeOptions = (rows) =>
  Object.entries(rows)
    .map(([name, { short, value, help }]) => {
      const flag = `${short ? `-${short}, ` : '    '}--${name}${value ? ` ${value}` : ''}`;
      const separator = flag.length > WIDTH ? `\n${' '.repeat(WIDTH + 4)}` : '  ';
      return `  ${flag.padEnd(WIDTH)}${separator}${help}`;
    })
    .join('\n');

const exits = () =>
  EXIT_WORDS.map(([code, words]) => `  ${String(code).padStart(3)}  ${words}`).join('\n');

/** @param {ReadonlyMap<string, Command>} commands */
export function mainHelp(commands) {
  const width = Math.max(...[...commands.keys()].map((name) => name.length));
  const lines = [...commands].map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return [
    'postern: STUN and TURN servers, asked, checked and run; their messages, decoded.',
    '',
    'Usage: postern COMMAND [options]',
    '',
    'Commands:',
    ...lines,
    '',
    'postern COMMAND --help tells more. Options of all commands:',
    describeOptions(COMMON),
    '',
    'Exit codes:',
    exits(),
    '',
  ].join('\n');
}

/** @param {string} name @param {Command} command */
export function commandHelp(name, { summary, usage, notes, options }) {
  return [
    `postern ${name}: ${summary}`,
    '',
    `Usage: postern ${name} ${usage}`,
    '',
    ...(notes === undefined ? [] : [notes, '']),
    'Options:',
    describeOptions({ ...options, ...COMMON, ...options }),
    '',
    'Exit codes:',
    exits(),
    '',
  ].join('\n');
}
