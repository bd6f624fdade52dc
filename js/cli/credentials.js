// Who the user is: from options, the environment or a file. What is read here is printed nowhere.
import { createCredentials } from '../credentials/create.js';
import { UsageError } from './exit-codes.js';
import { readInputFile, textOf } from './options.js';

/** @typedef {import('./options.js').Values} Values */
/** @typedef {{ username?: string, password?: string }} Credentials */

/** How long credentials of a shared secret are valid: as long as a run may take, and some more. */
const TTL_SECONDS = 3600;

/** @param {string} path */
async function firstLineOf(path) {
  const text = (await readInputFile(path, 'The file of --password-file')).toString('utf8');
  const [line = ''] = text.split(/\r?\n/, 1);
  if (line === '') throw new UsageError('The first line of the file of --password-file is empty.');
  return line;
}

/**
 * @param {string} secret of POSTERN_SECRET
 * @param {string | undefined} userId
 * @param {number} nowMs
 * @returns {Promise<Credentials>}
 */
async function restCredentials(secret, userId, nowMs) {
  try {
    const made = await createCredentials({ secret, userId, ttlSeconds: TTL_SECONDS, nowMs });
    return { username: made.username, password: made.credential };
  } catch (error) {
    const { argument, message } = /** @type {{ argument?: string, message: string }} */ (error);
    if (argument === undefined) throw error;
    const name = argument === 'options.secret' ? 'POSTERN_SECRET' : 'The user name';
    throw new UsageError(`${message.replace(argument, name)}.`);
  }
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
  if (password === undefined && secret) return restCredentials(secret, username, nowMs);
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
