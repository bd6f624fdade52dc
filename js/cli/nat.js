// postern nat: how the NATs and firewalls between this machine and a server behave.
import { discoverNat } from '../nat/index.js';
import { describeNat, describeTest } from './describe-nat.js';
import { EXIT, UsageError } from './exit-codes.js';
import { choiceOf, integerOf, NETWORK } from './options.js';

/** Ours: as for postern stun. */
const TIMEOUT_MS = 10_000;
const MAX_TIMEOUT_MS = 4_000_000;
const MAX_LONGEST_SECONDS = 3600;

/** @typedef {import('../nat/result.js').NatResult} NatResult */

/** @param {NatResult} result */
function exitCodeOfResult({ transport, mapping, filtering }) {
  const wanted = transport === 'tcp' ? [mapping] : [mapping, filtering];
  const known = wanted.filter(({ behaviour }) => behaviour !== 'unknown').length;
  if (known === wanted.length) return EXIT.ok;
  return known > 0 ? EXIT.degraded : EXIT.failed;
}

/** Each test once: findings name theirs by number. @param {NatResult} result @param {number} exitCode */
function jsonOfResult(result, exitCode) {
  const numbers = new Map(result.tests.map((test, i) => [/** @type {unknown} */ (test), i]));
  return {
    ok: exitCode === EXIT.ok,
    ...JSON.parse(
      JSON.stringify(result, (key, value) =>
        key === 'evidence'
          ? /** @type {unknown[]} */ (value).map((test) => numbers.get(test))
          : value,
      ),
    ),
  };
}

/** @type {import('./command.js').Command} */
export const nat = {
  summary: 'finds out how NATs and firewalls on the way to a server behave',
  usage: 'URI [--lifetime]',
  notes:
    'URI: stun:host[:port], or turn:, of a server with two addresses (RFC 5780). It takes 3 to 30\n' +
    'seconds. Exit code 1 when only mapping or filtering is known, 2 when neither is.',
  options: {
    lifetime: { type: 'boolean', help: 'measure how long a mapping lives; takes minutes' },
    longest: { type: 'string', value: 'SECONDS', help: 'longest wait of --lifetime; default 300' },
    once: { type: 'boolean', help: 'do not confirm by a second run' },
    verbose: { type: 'boolean', short: 'v', help: 'print each test to stderr as it ends' },
    family: NETWORK.family,
    transport: { type: 'string', value: 'udp|tcp', help: 'over TCP only the mapping is tested' },
    timeout: { type: 'string', value: 'MS', help: 'how long reaching the server may take' },
  },

  async run({ values, positionals, io, style, print }) {
    if (positionals.length !== 1) {
      throw new UsageError('Which server? Such as: postern nat stun:stun.example.org');
    }
    const family = choiceOf(values, 'family', ['4', '6']);
    const longest = integerOf(values, 'longest', { least: 1, most: MAX_LONGEST_SECONDS });
    if (longest !== undefined && values.lifetime !== true) {
      throw new UsageError('--longest goes with --lifetime.');
    }
    if (io.isTerminal && values.json !== true && values.quiet !== true) {
      const time = values.lifetime === true ? 'many minutes' : 'up to half a minute';
      io.err(`Testing, which takes ${time}.\n`);
    }
    const longestMs = longest === undefined ? undefined : longest * 1000;
    const result = await discoverNat(positionals[0], {
      transport: choiceOf(values, 'transport', /** @type {const} */ (['udp', 'tcp'])),
      family: family === undefined ? undefined : /** @type {4 | 6} */ (Number(family)),
      timeoutMs: integerOf(values, 'timeout', { least: 1, most: MAX_TIMEOUT_MS }) ?? TIMEOUT_MS,
      confirm: values.once !== true,
      lifetime: values.lifetime === true && { longestMs },
      signal: io.signal,
      onProgress: (test) => {
        if (values.verbose === true && test.outcome !== 'waiting') {
          io.err(`${describeTest(test)}\n`);
        }
      },
    });
    const exitCode = exitCodeOfResult(result);
    print(describeNat(result, style), exitCode);
    return { exitCode, json: jsonOfResult(result, exitCode) };
  },
};
