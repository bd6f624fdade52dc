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
 * What can be replaced by another one, where there was one from the start: whether there is any has shaped the server.
 *
 * @type {readonly { key: 'secret' | 'tokens' | 'tls', word: string, set: (server: Server, plan: ServerPlan) => void }[]}
 */
const REPLACEABLE = [
  {
    key: 'secret',
    word: 'secrets',
    set: (server, { secret = [] }) => server.setSecret(secret),
  },
  {
    key: 'tokens',
    word: 'keys of tokens',
    set: (server, { tokens }) => server.setTokenKeys(tokens?.keys ?? []),
  },
  {
    key: 'tls',
    word: 'certificate',
    set: (server, { tls = {} }) => server.setSecureContext(tls),
  },
];

/** What the server would have to be started anew for. @param {Plan} before @param {Plan} after */
function needsRestart(before, after) {
  const [old, now] = /** @type {Record<string, unknown>[]} */ ([
    { ...before.server, gateway: before.gateway, metrics: before.metrics, page: before.page },
    { ...after.server, gateway: after.gateway, metrics: after.metrics, page: after.page },
  ]);
  return [...new Set([...Object.keys(old), ...Object.keys(now)])].filter((key) => {
    if (key === 'credentials') return false;
    if (REPLACEABLE.some((one) => one.key === key)) {
      const isOther = (old[key] === undefined) !== (now[key] === undefined);
      return isOther || (key === 'tokens' && serverName(before) !== serverName(after));
    }
    return !isDeepStrictEqual(old[key], now[key]);
  });
}

/** @param {Plan} plan */
const serverName = ({ server }) => server?.tokens?.serverName;

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
  const { server: old } = before;
  const { server: now } = after;
  const restart = needsRestart(before, after);
  const words = restart.length === 0 ? [] : [`a restart is needed for ${restart.join(', ')}`];
  if (server === undefined || old === undefined || now === undefined) {
    log.line('reload', { restart }, words.join() || 'nothing has changed');
    return before;
  }
  const { set, removed } = changeUsers(server, old, now);
  if (removed > 0) words.unshift(`${countOf(removed, 'user')} removed`);
  if (set > 0) words.unshift(`${countOf(set, 'user')} set`);
  const running = { ...old, credentials: now.credentials };
  const replaced = REPLACEABLE.filter(
    ({ key }) => !restart.includes(key) && !isDeepStrictEqual(old[key], now[key]),
  );
  for (const { key, word, set: replace } of replaced) {
    replace(server, now);
    Object.assign(running, { [key]: now[key] });
    words.push(`${word} replaced`);
  }
  log.line(
    'reload',
    { usersSet: set, usersRemoved: removed, replaced: replaced.map(({ key }) => key), restart },
    words.join(', ') || 'nothing has changed',
  );
  return { ...before, server: running };
}
