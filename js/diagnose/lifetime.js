// How long the NAT keeps a binding that nobody uses (RFC 4787 section 4.3): one connection for each silence.

import { argumentError } from '../errors.js';
import { MirrorConnection } from './connection.js';
import { unknown } from './unknown.js';

/** @typedef {import('./nat.js').Asked} Asked */

/**
 * Of a binding that was used in one direction, outwards; NATs often keep those longer that were used in both.
 *
 * @typedef {object} Lifetime
 * @property {number} atLeastSeconds the longest silence after which it was there; 0: it never was
 * @property {number | undefined} lessThanSeconds the shortest after which it was gone; undefined: it always was there
 */

/** Browsers pause for longer than less. */
const LEAST_SECONDS = 5;

/** @param {unknown} value @param {string} name */
export function checkSilences(value, name) {
  const isGood =
    Array.isArray(value) && value.every((one) => typeof one === 'number' && one >= LEAST_SECONDS);
  if (!isGood) throw argumentError(name, `a list of seconds, each ${LEAST_SECONDS} or more`);
}

/**
 * @param {Asked} asked
 * @param {readonly number[]} silences in seconds
 * @returns {Promise<import('./unknown.js').Finding<Lifetime>>}
 */
export async function findLifetime(asked, silences) {
  asked.onProgress('lifetime');
  const found = await Promise.all(silences.map((seconds) => isAliveAfter(asked, seconds)));
  if (found.includes(null)) return unknown('no-check');
  const alive = silences.filter((_, i) => found[i] === true);
  const gone = silences.filter((_, i) => found[i] === false);
  const atLeastSeconds = Math.max(0, ...alive);
  const shortest = Math.min(...gone);
  // One that was gone sooner than another was kept: knocks were lost, or the NAT has forgotten at random.
  if (shortest <= atLeastSeconds) return unknown('contradiction');
  return {
    value: { atLeastSeconds, lessThanSeconds: shortest === Infinity ? undefined : shortest },
  };
}

/** @param {Asked} asked @param {number} seconds @returns {Promise<boolean | null>} null: nothing reached the mirror */
async function isAliveAfter({ mirror, family }, seconds) {
  const connection = new MirrorConnection();
  let session;
  try {
    const page = await connection.offer();
    const start = await mirror.ask({ step: 'start', test: 'lifetime', family, page });
    session = start.session;
    await connection.accept(start, start.candidates);
    const { isAlive } = await mirror.ask({ step: 'wait', session, seconds });
    session = undefined;
    return isAlive;
  } finally {
    connection.close();
    if (session !== undefined) mirror.end(session);
  }
}
