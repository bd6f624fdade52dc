// SIGHUP: users, secrets and certificate are read again; what else has changed is named.
import { isDeepStrictEqual } from 'node:util';
import { countOf, printable } from './printable.js';

/** @typedef {import('../server/index.js').Server} Server */
/** @typedef {import('./command.js').Io} Io */
/** @typedef {import('./serve-log.js').ServeLog} ServeLog */
/** @typedef {import('./serve-plan.js').Plan} Plan */
/** @typedef {NonNullable<Plan['server']>} ServerPlan */

/** @param {Server} server @param {ServerPlan} before @param {ServerPlan} after */
function changeUsers(server, { credentials: old = {} }, { credentials: now = {} }) {
  const removed = Object.keys(old).filter((name) => !Object.hasOwn(now, name));
  const set = Object.keys(now).filter(
    (name) => !Object.hasOwn(old, name) || old[name] !== now[name],
  );
  // In this order: another spelling of a name may be the same user.
  for (const name of removed) server.removeUser(name);
  for (const name of set) server.setUser(name, now[name]);
  return { set: set.length, removed: removed.length };
}

/**
 * What is there before and after, and differs.
 *
 * @template {'secret' | 'tls'} Key
 * @param {Key} key
 * @param {ServerPlan} before
 * @param {ServerPlan} after
 */
const isReplaced = (key, before, after) =>
  before[key] !== undefined &&
  after[key] !== undefined &&
  !isDeepStrictEqual(before[key], after[key]);

/** What the server would have to be started anew for. @param {Plan} before @param {Plan} after */
function needsRestart(before, after) {
  const [old, now] = /** @type {Record<string, unknown>[]} */ ([
    { ...before.server, gateway: before.gateway, metrics: before.metrics },
    { ...after.server, gateway: after.gateway, metrics: after.metrics },
  ]);
  return [...new Set([...Object.keys(old), ...Object.keys(now)])].filter((key) => {
    if (key === 'credentials') return false;
    // Whether there are some at all has shaped the server.
    if (key === 'secret' || key === 'tls')
      return (old[key] === undefined) !== (now[key] === undefined);
    return !isDeepStrictEqual(old[key], now[key]);
  });
}

/**
 * @param {Server | undefined} server
 * @param {Plan} before
 * @param {() => Promise<Plan>} load
 * @param {ServeLog} log
 * @param {Io} io
 * @returns {Promise<Plan>} what runs now; nothing has changed where the new one is wrong
 */
export async function reload(server, before, load, log, io) {
  let after;
  try {
    after = await load();
  } catch (error) {
    io.err(`postern: nothing was changed. ${printable(/** @type {Error} */ (error).message)}\n`);
    return before;
  }
  const restart = needsRestart(before, after);
  const { server: old } = before;
  const { server: now } = after;
  if (server === undefined || old === undefined || now === undefined) {
    log.line('reload', { restart }, restartWords(restart) || 'nothing has changed');
    return before;
  }
  const { set, removed } = changeUsers(server, old, now);
  const running = { ...old, credentials: now.credentials };
  const words = [];
  if (set > 0) words.push(`${countOf(set, 'user')} set`);
  if (removed > 0) words.push(`${countOf(removed, 'user')} removed`);
  const secrets = isReplaced('secret', old, now);
  if (secrets && now.secret !== undefined) {
    server.setSecret(now.secret);
    running.secret = now.secret;
    words.push('secrets replaced');
  }
  const certificate = isReplaced('tls', old, now);
  if (certificate && now.tls !== undefined) {
    server.setSecureContext(now.tls);
    running.tls = now.tls;
    words.push('certificate replaced');
  }
  if (restart.length > 0) words.push(restartWords(restart));
  log.line(
    'reload',
    { usersSet: set, usersRemoved: removed, secrets, certificate, restart },
    words.join(', ') || 'nothing has changed',
  );
  return { ...before, server: running };
}

/** @param {string[]} keys */
const restartWords = (keys) =>
  keys.length === 0 ? '' : `a restart is needed for ${keys.join(', ')}`;
