// postern serve, while it runs: the server, the gateway, the page, the listener for metrics, and the signals that end them.
// Bundled as a file of its own (scripts/lib/build-steps.js).
import { randomBytes } from 'node:crypto';
import { checkAdmin, listenForAdmin, shut } from '../metrics/admin-listener.js';
import { createServer } from '../server/index.js';
import { EXIT, exitCodeOf, UsageError } from './exit-codes.js';
import { integerOf } from './options.js';
import { printable } from './printable.js';
import { announce } from './serve-announce.js';
import { DRAIN_SECONDS } from './serve-defaults.js';
import { createServeLog } from './serve-log.js';
import { planServe } from './serve-plan.js';
import { reload } from './serve-reload.js';

/** @typedef {import('../gateway/index.js').Gateway} Gateway */
/** @typedef {import('../server/index.js').Server} Server */
/** @typedef {import('./page-site.js').PageSite} PageSite */
/** @typedef {import('./command.js').Invocation} Invocation */
/** @typedef {import('./command.js').Io} Io */
/** @typedef {import('./serve-log.js').ServeLog} ServeLog */
/** @typedef {import('./serve-plan.js').Plan} Plan */

/**
 * @typedef {object} Running
 * @property {Server | undefined} server
 * @property {Gateway | undefined} gateway
 * @property {PageSite | undefined} page
 * @property {import('node:http').Server | undefined} admin
 * @property {() => Promise<void>} close
 */

const MOST_DRAIN_SECONDS = 86_400;
const PASSWORD_BYTES = 16;

/** @param {Server} server @param {ServeLog} log */
const follow = (server, log) =>
  server
    .on('allocation', (info) => log.allocation('allocation', info))
    .on('move', (info) => log.allocation('move', info))
    .on('end', (info) => log.end(info));

/**
 * @param {() => Plan} plan as it is now
 * @param {ServeLog} log
 * @param {() => boolean} isEnding
 * @returns {Promise<Running>} whatever was opened is closed where not all can be
 */
async function start(plan, log, isEnding) {
  const { server: options, gateway: gatewayOptions, page, metrics, explain } = plan();
  /** @type {Running} */
  const running = {
    server: undefined,
    gateway: undefined,
    page: undefined,
    admin: undefined,
    close: async () => {
      const { server, gateway, page, admin } = running;
      await Promise.all([server?.close(), gateway?.close(), page?.close(), admin && shut(admin)]);
    },
  };
  /** @type {Parameters<Plan['explain']>[1]} */
  let section;
  try {
    if (options !== undefined) running.server = follow(await createServer(options), log);
    if (gatewayOptions !== undefined) {
      section = 'gateway';
      const { createGateway } = await import('../gateway/index.js');
      running.gateway = await createGateway({ ...gatewayOptions, log: log.gateway });
    }
    if (page !== undefined) {
      section = 'page';
      const { openPage } = await import('./page-site.js');
      running.page = await openPage(page, {
        server: /** @type {Server} */ (running.server),
        options: () => plan().server ?? {},
        log: log.gateway,
      });
    }
    if (metrics !== undefined) {
      section = 'metrics';
      checkAdmin(metrics, 'options.metrics');
      running.admin = await listenForAdmin(metrics, {
        isReady: () => !isEnding(),
        metrics: () =>
          (running.server?.metrics() ?? '') +
          // One of them: each name may be there once.
          ((running.gateway ?? running.page?.gateway)?.metrics() ?? ''),
      });
    }
  } catch (error) {
    await running.close();
    throw explain(error, section);
  }
  return running;
}

/**
 * The wishes that it should end.
 *
 * @param {Io} io
 */
function endRequests(io) {
  const again = new AbortController();
  /** @type {(() => void)[]} */
  const undo = [];
  /** @type {Promise<'SIGINT' | 'SIGTERM'>} */
  const first = new Promise((resolve) => {
    let isFirst = true;
    /** @param {'SIGINT' | 'SIGTERM'} name */
    const wish = (name) => {
      if (isFirst) resolve(name);
      else again.abort();
      isFirst = false;
    };
    const interrupted = () => {
      wish('SIGINT');
      // The first one is told by the signal of all commands.
      undo.push(io.onSignal('SIGINT', () => wish('SIGINT')));
    };
    io.signal.addEventListener('abort', interrupted, { once: true });
    undo.push(() => io.signal.removeEventListener('abort', interrupted));
    undo.push(io.onSignal('SIGTERM', () => wish('SIGTERM')));
    if (io.signal.aborted) interrupted();
  });
  return {
    first,
    again: again.signal,
    forget: () => {
      for (const one of undo) one();
    },
  };
}

/**
 * @param {Running} running
 * @param {number} timeoutMs 0: at once
 * @param {AbortSignal} again ends it at once
 */
async function drain({ server, gateway, page }, timeoutMs, again) {
  if (timeoutMs === 0) return;
  const close = () => void Promise.all([gateway?.close(), page?.gateway?.close()]);
  again.addEventListener('abort', close, { once: true });
  await Promise.all([
    // It rejects where it is hurried, and is closed then.
    server?.drain({ timeoutMs, signal: again }).catch(() => {}),
    gateway?.drain({ timeoutMs }),
    page?.drain({ timeoutMs }),
  ]);
  again.removeEventListener('abort', close);
}

/** Resolves when one of them has ended by itself. @param {Running} running */
async function broken({ server, gateway }) {
  const ends = [server?.closed, gateway?.closed].filter((one) => one !== undefined);
  const { error } = /** @type {{ error?: unknown }} */ (await Promise.race(ends));
  return error;
}

/** @param {Invocation} invocation @returns {Promise<import('./command.js').Outcome>} when it has ended */
export async function serve(invocation) {
  const { values, positionals, io } = invocation;
  if (positionals.length > 0) throw new UsageError('postern serve takes options only.');
  const seconds = integerOf(values, 'drain', { least: 0, most: MOST_DRAIN_SECONDS });
  const [password, secret] = [0, 1].map(() => randomBytes(PASSWORD_BYTES).toString('base64url'));
  const load = () => planServe(values, io.env, { password, secret });
  let plan = await load();
  const log = createServeLog(invocation);
  let isEnding = false;
  const running = await start(
    () => plan,
    log,
    () => isEnding,
  );
  const wishes = endRequests(io);
  /** One at a time, in the order of the signals. */
  let reloading = Promise.resolve();
  const onhangup = () => {
    reloading = reloading.then(async () => {
      if (isEnding) return;
      plan = await reload(running.server, plan, load, log, io);
      if (plan.server?.tls !== undefined) running.page?.setSecureContext(plan.server.tls);
    });
  };
  // In a terminal it says that the terminal is gone, and ends what runs there.
  const forgetReload = io.isTerminal ? undefined : io.onSignal('SIGHUP', onhangup);
  announce(running, plan, log, invocation.style);
  try {
    const wish = await Promise.race([wishes.first, broken(running).then((error) => ({ error }))]);
    isEnding = true;
    if (typeof wish !== 'string') {
      const { message = 'nobody says why', code } = /** @type {NodeJS.ErrnoException} */ (
        wish.error ?? {}
      );
      const why = printable(message) + (code ? ` (${code})` : '');
      io.err(`postern: the server has ended: ${why}\n`);
      return { exitCode: wish.error === undefined ? EXIT.failed : exitCodeOf(wish.error) };
    }
    const drainSeconds = seconds ?? (wish === 'SIGTERM' ? DRAIN_SECONDS : 0);
    const left = running.server?.allocations().length ?? 0;
    log.line(
      'drain',
      { signal: wish, seconds: drainSeconds, allocations: left },
      `${wish}, ${left} allocations`,
    );
    await drain(running, drainSeconds * 1000, wishes.again);
    return { exitCode: wish === 'SIGINT' ? EXIT.interrupted : EXIT.ok };
  } finally {
    forgetReload?.();
    await running.close();
    wishes.forget();
    log.line('closed', {}, '');
  }
}
