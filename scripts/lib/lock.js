// One process at a time, across clones: a directory in the cache is the lock.
//
// The directory appears with its owner inside in one rename, so it is never seen half made. If the
// owner has died, whoever waits removes it, under a second directory that lets only one of them try.

import { createHash } from 'node:crypto';
import {
  mkdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cacheDirectory, projectDirectory } from './paths.js';
import { say } from './steps.js';

const POLL_MS = 200;
const TAKEOVER_LIMIT_MS = 10_000; // a takeover takes milliseconds; an older one has died

/**
 * @template T
 * @param {string} name
 * @param {string} purpose for those who wait
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(name, purpose, work) {
  const directory = join(cacheDirectory(), 'locks');
  mkdirSync(directory, { recursive: true });
  const lock = join(directory, name);

  let announced = false;
  while (!acquire(lock)) {
    const owner = readOwner(lock);
    if (owner && !isAlive(owner)) {
      removeStale(lock);
      continue;
    }
    if (owner && !announced) say(`  waiting for process ${owner.pid}, which ${purpose}`);
    announced = true;
    await sleep(POLL_MS);
  }

  const release = () => remove(lock);
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.off('exit', release);
    release();
  }
}

/**
 * A lock for what lies in this clone: node_modules and build.
 * @template T
 * @param {() => Promise<T>} work
 */
export function withCloneLock(work) {
  const key = createHash('sha256').update(projectDirectory).digest('hex').slice(0, 16);
  return withLock(`clone-${key}`, 'builds in this clone', work);
}

/** @typedef {{ pid: number, host: string, started: string }} Owner */

/** @param {string} lock */
function acquire(lock) {
  const draft = `${lock}.${process.pid}`;
  mkdirSync(draft, { recursive: true });
  writeFileSync(join(draft, 'owner.json'), JSON.stringify(describe(process.pid)));
  try {
    renameSync(draft, lock);
    return true;
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (['ENOTEMPTY', 'EEXIST', 'EPERM'].includes(/** @type {any} */ (error).code)) return false;
    throw error;
  }
}

/**
 * @param {string} lock
 * @returns {Owner | undefined}
 */
function readOwner(lock) {
  try {
    return JSON.parse(readFileSync(join(lock, 'owner.json'), 'utf8'));
  } catch {
    return undefined; // released in this moment
  }
}

/**
 * The start time tells a process from a later one that was given the same number.
 * @param {number} pid
 * @returns {Owner}
 */
function describe(pid) {
  let started = '';
  try {
    // Field 22 of /proc/PID/stat; the name before it may hold spaces and parentheses.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    // no /proc on this system
  }
  return { pid, host: hostname(), started };
}

/** @param {Owner} owner */
function isAlive(owner) {
  if (owner.host !== hostname()) return true; // a shared home directory: can't be known here
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    return /** @type {any} */ (error).code === 'EPERM';
  }
  return describe(owner.pid).started === owner.started;
}

/** @param {string} lock */
function removeStale(lock) {
  const takeover = `${lock}.takeover`;
  try {
    mkdirSync(takeover);
  } catch {
    try {
      if (Date.now() - statSync(takeover).mtimeMs > TAKEOVER_LIMIT_MS) rmdirSync(takeover);
    } catch {
      // another process has just finished it
    }
    return;
  }
  try {
    const owner = readOwner(lock);
    if (owner && !isAlive(owner)) remove(lock);
  } finally {
    rmdirSync(takeover);
  }
}

/**
 * In one step, like its making: a lock with nothing inside could be taken by two.
 * @param {string} lock
 */
function remove(lock) {
  const removed = `${lock}.${process.pid}.removed`;
  renameSync(lock, removed);
  rmSync(removed, { recursive: true, force: true });
}
