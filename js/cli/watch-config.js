// The file of `postern check --watch`: where to listen, and the plans of the targets by their names.
import { planRows } from '../check/plan-rows.js';
import { createCredentials } from '../credentials/create.js';
import { checkAdmin } from '../metrics/admin-listener.js';
import { checkPlan, PLAN_FIELDS } from '../network-test/plan.js';
import { UsageError } from './exit-codes.js';
import { printable } from './printable.js';
import { readConfig } from './serve-config.js';
import { admin, items, keys, names, plain, secret } from './serve-schema.js';

/** @typedef {import('../ice-server.js').IceServer} IceServer */
/** @typedef {import('../metrics/admin-listener.js').AdminOptions} AdminOptions */
/** @typedef {import('../network-test/plan.js').NetworkPlan} NetworkPlan */

/**
 * @typedef {object} WatchConfig
 * @property {AdminOptions} listen
 * @property {number} intervalMs that a result is told again for
 * @property {number} timeoutMs of a test
 * @property {number} concurrency tests at once
 * @property {ReadonlyMap<string, (nowMs: number) => Promise<NetworkPlan>>} targets plans with credentials that are good at
 *   that time
 */

/** Free in the list of ports of exporters that Prometheus keeps. */
const PORT = 9872;
const INTERVAL_SECONDS = 30;
const TIMEOUT_SECONDS = 60;
const CONCURRENCY = 2;
/** For a test, and some more. */
const CREDENTIALS_TTL_SECONDS = 600;
const LIMITS = /** @type {const} */ ({
  intervalSeconds: [0, 86_400],
  timeoutSeconds: [1, 3600],
  concurrency: [1, 64],
});
const MAX_TARGETS = 1000;
const MAX_NAME = 100;

const TARGET = keys({
  ...Object.fromEntries([...PLAN_FIELDS].map((name) => [name, plain])),
  iceServers: items(keys({ urls: plain, username: plain, credential: secret })),
  quality: keys(
    Object.fromEntries(
      ['seconds', 'packetsPerSecond', 'payloadBytes', 'throughputSeconds', 'maxKbps'].map(
        (name) => [name, plain],
      ),
    ),
  ),
  proxy: secret,
  secret,
  userId: plain,
});
const SHAPE = keys({
  listen: admin,
  ...Object.fromEntries(Object.keys(LIMITS).map((name) => [name, plain])),
  targets: names(TARGET),
});

/** @param {string} path of the file @param {string} name of a key @param {unknown} error */
function explained(path, name, error) {
  const { code, message = '' } = /** @type {any} */ (error ?? {});
  if (code !== 'ERR_INVALID_ARGUMENT') return error;
  const sentence = message.replaceAll(/\b(plan|options)\.?/g, '');
  return new UsageError(`${printable(path)}: ${name}: ${printable(sentence)}.`);
}

/**
 * @param {Record<string, any>} target
 * @returns {(nowMs: number) => Promise<NetworkPlan>}
 * @throws {TypeError} ERR_INVALID_ARGUMENT
 */
function plannerOf({ secret: key, userId, iceServers = [], ...plan }) {
  const whole = {
    // Quick where nothing else is said: it runs all day.
    quality: /** @type {const} */ (false),
    natServer: /** @type {const} */ (false),
    ...plan,
    iceServers: /** @type {IceServer[]} */ ([iceServers].flat()),
  };
  checkPlan(whole);
  if (whole.iceServers.length > 0) planRows(whole.iceServers, undefined, 'iceServers');
  if (key === undefined) return async () => whole;
  return async (nowMs) => {
    const { username, credential } = await createCredentials({
      secret: key,
      userId,
      ttlSeconds: CREDENTIALS_TTL_SECONDS,
      nowMs,
    });
    return {
      ...whole,
      iceServers: whole.iceServers.map((server) =>
        server.username || server.credential ? server : { ...server, username, credential },
      ),
    };
  };
}

/**
 * @param {string} path
 * @param {Record<string, string | undefined>} env
 * @returns {Promise<WatchConfig>}
 * @throws {UsageError} that quotes no value
 */
export async function readWatchConfig(path, env) {
  const file = await readConfig(path, env, { shape: SHAPE, flag: '--watch' });
  const where = printable(path);
  const { listen = { port: PORT }, targets, ...numbers } = file;
  const settings = {
    intervalSeconds: INTERVAL_SECONDS,
    timeoutSeconds: TIMEOUT_SECONDS,
    concurrency: CONCURRENCY,
    ...numbers,
  };
  for (const [name, [least, most]] of Object.entries(LIMITS)) {
    const value = settings[/** @type {keyof typeof LIMITS} */ (name)];
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new UsageError(`${where}: ${name} takes an integer from ${least} to ${most}.`);
    }
  }
  try {
    checkAdmin(listen, 'listen');
  } catch (error) {
    throw explained(path, 'listen', error);
  }
  const entries = Object.entries(targets ?? {});
  if (entries.length === 0 || entries.length > MAX_TARGETS) {
    throw new UsageError(`${where}: targets takes 1 to ${MAX_TARGETS} plans by their names.`);
  }
  /** @type {WatchConfig['targets']} */
  const planners = new Map(
    await Promise.all(
      entries.map(async ([name, target]) => {
        const shown = `targets['${printable(name)}']`;
        if (name.length === 0 || name.length > MAX_NAME) {
          throw new UsageError(
            `${where}: ${shown} has a name of more than ${MAX_NAME} characters.`,
          );
        }
        try {
          const planner = plannerOf(target);
          // A secret or a user that cannot be used shows now.
          await planner(Date.now());
          return /** @type {const} */ ([name, planner]);
        } catch (error) {
          throw explained(path, shown, error);
        }
      }),
    ),
  );
  return {
    listen,
    intervalMs: settings.intervalSeconds * 1000,
    timeoutMs: settings.timeoutSeconds * 1000,
    concurrency: settings.concurrency,
    targets: planners,
  };
}
