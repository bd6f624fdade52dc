// npm start: a server with gateway, mirror, reflector and page on loopback; one test of them from Node.js; and then the page,
// until a signal ends it.
//
//   node js/dev/start.js [--once] [stun:host:port ...]
import { randomBytes, randomInt } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { planCheck, secretsOf } from '../cli/check-plan.js';
import { createProgress } from '../cli/check-progress.js';
import { describeReport } from '../cli/describe-report.js';
import { EXIT, exitCodeOf, exitCodeOfReport } from '../cli/exit-codes.js';
import { LOOPBACK_PEERS, loopbackListen } from '../cli/loopback.js';
import { CREDENTIALS, parseOptions } from '../cli/options.js';
import { openPage } from '../cli/page-site.js';
import { printable } from '../cli/printable.js';
import { styleFor } from '../cli/terminal.js';
import { PosternError } from '../errors.js';
import { runNetworkTest } from '../network-test/index.js';
import { redact } from '../report/index.js';
import { createServer } from '../server/index.js';

/** @typedef {import('../cli/command.js').Io} Io */
/** @typedef {import('../network-test/plan.js').NetworkPlan} NetworkPlan */

const HELP = `npm start [-- [--once] [stun:host:port | turn:host:port ...]]

Starts a STUN and TURN server, a WebSocket gateway, a mirror, a reflector and the page of the network test on
this machine, tests them from Node.js, and serves the page until Ctrl-C.

  --once              end after the test, with the exit code of its grade (docs/cli.md)
  -u, --username USER, -p, --password PASS, --password-file FILE
                      of the servers that are named; or POSTERN_USERNAME, POSTERN_PASSWORD, POSTERN_SECRET

Servers that are named are tested too, by themselves.
`;

/** @type {import('../cli/options.js').OptionRows} */
const OPTIONS = {
  once: { type: 'boolean', help: '' },
  help: { type: 'boolean', short: 'h', help: '' },
  ...CREDENTIALS,
};

const SERVER_PORT = 3478;
const PAGE_PORT = 8080;
/** Below what systems hand out for port 0. */
const OTHER_PORTS = [20_000, 30_000];
const PORT_TRIES = 50;
/** Enough to see that it works: loopback has no quality to measure. */
const QUALITY = { seconds: 2, throughputSeconds: 1 };

/** @param {unknown} error */
const isTaken = (error) => error instanceof PosternError && error.code === 'ERR_SERVER_LISTEN';

/** At the usual ports, or where somebody else has them at others. @param {string} secret */
async function openServer(secret) {
  for (let i = 0; ; i += 1) {
    // The other one of a pair is the next.
    const port = i === 0 ? SERVER_PORT : 2 * randomInt(OTHER_PORTS[0] / 2, OTHER_PORTS[1] / 2);
    const options = {
      listen: loopbackListen(port, true),
      secret,
      relay: { addresses: ['127.0.0.1'] },
      policy: { allow: LOOPBACK_PEERS },
    };
    try {
      return { server: await createServer(options), options };
    } catch (error) {
      if (!isTaken(error) || i === PORT_TRIES) throw error;
    }
  }
}

/** @param {import('../cli/page-site.js').PageWorld} world */
async function openSite(world) {
  try {
    return await openPage({ port: PAGE_PORT, isLocal: true }, world);
  } catch (error) {
    if (!isTaken(error)) throw error;
    return openPage({ port: 0, isLocal: true }, world);
  }
}

/**
 * @param {string} title
 * @param {NetworkPlan} plan
 * @param {Io} io
 * @returns {Promise<number>} the exit code of the report, which was printed
 */
async function test(title, plan, io) {
  const style = styleFor(io.isTerminal && !io.env.NO_COLOR);
  io.out(`${style.bold(title)}\n`);
  const progress = createProgress({
    out: io.out,
    inPlace: io.isTerminal && io.env.TERM !== 'dumb',
    columns: () => io.columns,
    now: () => performance.now(),
    style,
  });
  try {
    const report = await runNetworkTest(plan, { signal: io.signal, onEvent: progress.onEvent });
    progress.end();
    const shown = redact(report, { secrets: secretsOf(plan) });
    io.out(`\n${describeReport(shown, style)}\n\n`);
    return exitCodeOfReport(report);
  } finally {
    progress.end();
  }
}

/**
 * @param {string[]} args
 * @param {Io} io whose signal ends it
 * @returns {Promise<number>} the exit code; never rejects
 */
export async function start(args, io) {
  try {
    const { values, positionals } = parseOptions(args, OPTIONS);
    if (values.help === true) {
      io.out(HELP);
      return EXIT.ok;
    }
    const named = positionals.length === 0 ? undefined : await planCheck(positionals, values, io);
    return await serve(named, values.once === true, io);
  } catch (error) {
    if (io.signal.aborted) return EXIT.interrupted;
    const { message, stack } = /** @type {Error} */ (error);
    const code = exitCodeOf(error);
    io.err(`npm start: ${code === EXIT.internal ? stack : printable(message)}\n`);
    return code;
  }
}

/**
 * @param {NetworkPlan | undefined} named
 * @param {boolean} isOnce
 * @param {Io} io
 */
async function serve(named, isOnce, io) {
  const { server, options } = await openServer(randomBytes(16).toString('base64url'));
  try {
    const site = await openSite({ server, options: () => options });
    try {
      const { plan } = await site.plan();
      const own = await test('On this machine', { ...plan, quality: QUALITY }, io);
      const others = named === undefined ? EXIT.ok : await test('The servers named', named, io);
      if (isOnce) return own === EXIT.ok ? others : own;
      const end = io.isTerminal ? 'Ctrl-C' : 'a signal (SIGINT or SIGTERM)';
      io.out(`The page is at ${site.url} until ${end} ends it.\n`);
      await ended(io.signal);
      return EXIT.ok;
    } finally {
      await site.close();
    }
  } finally {
    await server.close();
  }
}

/** @param {AbortSignal} signal @returns {Promise<void>} */
const ended = (signal) =>
  new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
    if (signal.aborted) resolve();
  });

/** In this process. @param {string[]} args @returns {Promise<number>} the exit code */
export function main(args) {
  const controller = new AbortController();
  // Once: whoever cannot wait for relays to be closed presses it again.
  for (const name of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
    process.once(name, () => controller.abort(new Error(name)));
  }
  return start(args, {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    stdin: process.stdin,
    isTerminal: process.stdout.isTTY === true,
    get columns() {
      return process.stdout.columns;
    },
    env: process.env,
    signal: controller.signal,
    onSignal: () => () => {},
    now: () => Date.now(),
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.exitCode = await main(process.argv.slice(2));
}
