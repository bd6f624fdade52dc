// postern check: whether the ICE servers of an application work from here.
import { checkIceServers } from '../check/check-ice-servers.js';
import { iceCredentials, readCredentials } from './credentials.js';
import { describeRows, jsonOfRows } from './describe-rows.js';
import { exitCodeOfRows, UsageError } from './exit-codes.js';
import { CREDENTIALS, integerOf, NETWORK, networkOptions, readInputFile } from './options.js';

/** @typedef {import('../ice-server.js').IceServer} IceServer */

const URI = /^(?:stuns?|turns?|wss?):/i;
const MAX_ECHOES = 100;
/** Ours: far more than any configuration has. */
const MAX_JSON_BYTES = 1024 * 1024;

/** @param {AsyncIterable<Uint8Array>} stdin */
async function readStdin(stdin) {
  const parts = [];
  let length = 0;
  for await (const part of stdin) {
    length += part.length;
    if (length > MAX_JSON_BYTES) throw new UsageError('The JSON is longer than 1 MiB.');
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/**
 * @param {Buffer} bytes
 * @returns {IceServer[]}
 * @throws {UsageError} that quotes nothing: the text holds passwords
 */
function parseServers(bytes) {
  let document;
  try {
    document = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    const { message } = /** @type {Error} */ (error);
    const position = /position (\d+)/.exec(message)?.[1];
    const where = position === undefined ? '' : ` (at character ${position})`;
    throw new UsageError(`The ICE servers are no JSON${where}.`);
  }
  const servers = Array.isArray(document) ? document : (document?.iceServers ?? document);
  const list = Array.isArray(servers) ? servers : [servers];
  if (list.every((server) => typeof server === 'object' && server !== null && 'urls' in server)) {
    if (list.length === 0) throw new UsageError('There are no ICE servers in the file.');
    return list;
  }
  throw new UsageError(
    'The JSON is to be an array of { urls, username, credential }, or an object with iceServers.',
  );
}

/** @type {import('./command.js').Command} */
export const check = {
  summary: 'checks the ICE servers of an application, with data through their relays',
  usage: 'FILE | - | URI... [-u USER]',
  notes:
    'FILE is JSON: an array of RTCIceServer, or an RTCConfiguration with iceServers. Credentials from\n' +
    'options and the environment are for servers without some of their own. POSTERN_SECRET is the\n' +
    'shared secret of TURN REST, of which credentials that run out in an hour are made.',
  options: {
    ...CREDENTIALS,
    count: {
      type: 'string',
      short: 'c',
      value: 'N',
      help: 'round trips to measure, 5 if left out',
    },
    ...NETWORK,
  },

  async run({ values, positionals, io, style, print }) {
    const echoes = integerOf(values, 'count', { least: 1, most: MAX_ECHOES });
    const options = await networkOptions(values);
    const credentials = iceCredentials(await readCredentials(values, io.env, io.now()));
    const servers = await readServers(positionals, io.stdin);
    const completed = servers.map((server) =>
      server.username || server.credential ? server : { ...server, ...credentials },
    );
    const rows = await checkIceServers(completed, {
      ...options,
      ...(echoes === undefined ? {} : { echoes }),
      signal: io.signal,
    });
    const exitCode = exitCodeOfRows(rows);
    print(describeRows(rows, style), exitCode);
    return { exitCode, json: jsonOfRows(rows, exitCode) };
  },
};

/** @param {readonly string[]} names @param {AsyncIterable<Uint8Array>} stdin @returns {Promise<IceServer[]>} */
async function readServers(names, stdin) {
  if (names.length === 0) {
    throw new UsageError("Which servers? A JSON file, '-' for stdin, or URIs.");
  }
  if (names.every((name) => URI.test(name))) return names.map((urls) => ({ urls }));
  if (names.length > 1) throw new UsageError('Give one file, or URIs only.');
  const [name] = names;
  return parseServers(
    name === '-' ? await readStdin(stdin) : await readInputFile(name, 'The file of ICE servers'),
  );
}
