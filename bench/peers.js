// The npm packages that we are measured beside. They are installed into bench/node_modules when a
// bench runs, by the lock file here, and again only when that changes. postern does not depend on them.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const BENCH = import.meta.dirname;
const STAMP = join(BENCH, 'node_modules', '.postern-stamp');

export const PEERS = ['turn-server', 'werift-ice', 'stun'];

function stampMatches(/** @type {string} */ wanted) {
  try {
    return readFileSync(STAMP, 'utf8') === wanted;
  } catch {
    return false;
  }
}

/**
 * @param {(sentence: string) => void} say
 * @returns {string | undefined} why the peers are not there, or undefined when they are
 */
export function installPeers(say) {
  const lock = readFileSync(join(BENCH, 'package-lock.json'));
  const wanted = createHash('sha256').update(lock).digest('hex');
  if (stampMatches(wanted)) return undefined;

  say('installing what bench/package.json names into bench/node_modules (only for benches)');
  // Under `npm run` npm says where it is, which also works where `npm` is a shell script.
  const npm = process.env.npm_execpath;
  const [command, ...first] = npm ? [process.execPath, npm] : ['npm'];
  // No install scripts; the optional packages are for turn-server's TLS and mDNS, not its codec.
  const flags = ['--ignore-scripts', '--omit=optional', '--no-audit', '--no-fund'];
  flags.push('--loglevel=error', '--fetch-retries=1'); // soon says so when there is no registry
  const result = spawnSync(command, [...first, 'ci', '--prefix', BENCH, ...flags], {
    stdio: ['ignore', 'ignore', 'inherit'], // stdout is for results
  });
  if (result.status !== 0) {
    const why = result.error ? result.error.message : `npm ended with ${result.status}`;
    return `not installed: is the npm registry reachable? (${why})`;
  }
  writeFileSync(STAMP, wanted);
  return undefined;
}
