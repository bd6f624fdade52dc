// Who the user is: from options, the environment or a file. What is read here is printed nowhere.
import { createHmac } from 'node:crypto';
import { UsageError } from './exit-codes.js';
import { readInputFile, textOf } from './options.js';

/** @typedef {import('./options.js').Values} Values */
/** @typedef {{ username?: string, password?: string }} Credentials */

/** How long credentials of a shared secret are valid: as long as a run may take, and some more. */
const REST_LIFETIME_SECONDS = 3600;
const MILLISECONDS = 1000;

/**
 * Credentials that run out, made from a secret that the server knows too (draft-uberti-behave-turn-rest-00 section 2.2).
 *
 * @param {string} secret
 * @param {string} user
 * @param {number} nowMs
 */
export function restCredentials(secret, user, nowMs) {
  const expiry = Math.floor(nowMs / MILLISECONDS) + REST_LIFETIME_SECONDS;
  const username = user === '' ? String(expiry) : `${expiry}:${user}`;
  return { username, password: createHmac('sha1', secret).update(username).digest('base64') };
}

/** @param {string} path */
async function firstLineOf(path) {
  const text = (await readInputFile(path, 'The file of --password-file')).toString('utf8');
  const [line = ''] = text.split(/\r?\n/, 1);
  if (line === '') throw new UsageError('The first line of the file of --password-file is empty.');
  return line;
}

/**
 * @param {Values} values
 * @param {Record<string, string | undefined>} env
 * @param {number} nowMs
 * @returns {Promise<Credentials>}
 * @throws {UsageError}
 */
export async function readCredentials(values, env, nowMs) {
  const file = textOf(values, 'password-file');
  const given = textOf(values, 'password');
  if (file !== undefined && given !== undefined) {
    throw new UsageError('--password and --password-file exclude each other.');
  }
  const username = textOf(values, 'username') ?? (env.POSTERN_USERNAME || undefined);
  const password =
    given ??
    (file === undefined ? undefined : await firstLineOf(file)) ??
    (env.POSTERN_PASSWORD || undefined);
  const secret = env.POSTERN_SECRET;
  if (password === undefined && secret) return restCredentials(secret, username ?? '', nowMs);
  return { username, password };
}

/**
 * @param {Credentials} credentials
 * @returns {{ username: string, credential: string } | undefined} undefined when there are none
 */
export function iceCredentials({ username, password }) {
  if (username === undefined && password === undefined) return undefined;
  if (username === undefined) {
    throw new UsageError('A password needs a user name: -u USER or POSTERN_USERNAME.');
  }
  if (password === undefined) {
    const ways = '--password-file FILE, POSTERN_PASSWORD, POSTERN_SECRET or -p PASS';
    throw new UsageError(`A user name needs a password: ${ways}.`);
  }
  return { username, credential: password };
}
