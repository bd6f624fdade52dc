// Runs the command inside the test's process, with a world of its own.
import { run } from '../../../js/cli/run.js';

/**
 * @typedef {object} World
 * @property {Record<string, string>} [env]
 * @property {Uint8Array | string} [stdin]
 * @property {boolean} [isTerminal]
 * @property {AbortSignal} [signal]
 * @property {number} [now] milliseconds since 1970
 * @property {import('../../../js/cli/command.js').Io['onSignal']} [onSignal]
 * @property {(text: string) => void} [onOutput] each piece of stdout, when it comes
 * @property {(text: string) => void} [onDiagnostics] the same of stderr
 */

/**
 * @param {string[]} args
 * @param {World} [world]
 */
export async function runCommand(args, world = {}) {
  const { env = {}, stdin = '', isTerminal = false, now = Date.now() } = world;
  let stdout = '';
  let stderr = '';
  const exitCode = await run(args, {
    out: (text) => {
      stdout += text;
      world.onOutput?.(text);
    },
    err: (text) => {
      stderr += text;
      world.onDiagnostics?.(text);
    },
    stdin: (async function* () {
      if (stdin.length > 0) yield Buffer.from(stdin);
    })(),
    isTerminal,
    env,
    signal: world.signal ?? new AbortController().signal,
    onSignal: world.onSignal ?? (() => () => {}),
    now: () => now,
  });
  return { exitCode, stdout, stderr };
}

/** The same, for --json. @param {string[]} args @param {World} [world] */
export async function runJson(args, world) {
  const { exitCode, stdout, stderr } = await runCommand([...args, '--json'], world);
  return { exitCode, stderr, json: JSON.parse(stdout) };
}
