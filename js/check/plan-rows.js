// What is to be checked: one row for each URL and transport.
import { argumentError, PosternError } from '../errors.js';
import { planServers } from '../ice-server.js';
import { chooseTransports } from '../resolve/choose-transports.js';
import { shownUri } from '../uri.js';

/** @typedef {import('../ice-server.js').IceServer} IceServer */
/** @typedef {import('../ice-server.js').PlannedServer} PlannedServer */
/** @typedef {import('../resolve/choose-transports.js').TransportName} TransportName */
/** @typedef {import('../transports/transport.js').OpenTransport} OpenTransport */

/**
 * @typedef {object} PlannedRow
 * @property {string} url as the caller wrote it, in the form of shownUri()
 * @property {string} transport empty where the URL could not be read
 * @property {PlannedServer} [server] undefined where the URL could not be read
 * @property {PosternError} [error] why it cannot be checked
 */

/**
 * The servers of one element, each URL by itself: one that is wrong must not hide the others.
 *
 * @param {unknown} input
 * @param {string} name
 * @returns {(PlannedServer | { url: string, error: PosternError })[]}
 */
function readElement(input, name) {
  try {
    return planServers(/** @type {any} */ (input), { name });
  } catch (error) {
    if (!(error instanceof PosternError)) throw error;
    const { urls } = /** @type {IceServer} */ (typeof input === 'string' ? { urls: input } : input);
    if (!Array.isArray(urls)) return [{ url: shownUri(String(urls)), error }];
    return urls.flatMap((url, i) => {
      const server =
        typeof input === 'string' ? url : { .../** @type {object} */ (input), urls: url };
      return readElement(server, `${name}.urls[${i}]`);
    });
  }
}

/**
 * @param {PlannedServer} server
 * @param {TransportName | OpenTransport | undefined} wanted
 * @returns {PlannedRow[]}
 */
function rowsOf(server, wanted) {
  const { url, uri } = server;
  if (typeof wanted === 'function') return [{ url, transport: uri.transport ?? 'udp', server }];
  /** @type {TransportName[]} */
  let possible;
  try {
    possible = chooseTransports(uri);
  } catch (error) {
    if (!(error instanceof PosternError)) throw error;
    return [{ url, transport: uri.transport ?? '', server, error }];
  }
  // A stun: URI means UDP, but its servers mostly answer over TCP as well.
  if (wanted === 'tcp' && uri.scheme === 'stun') possible = ['tcp'];
  return possible
    .filter((transport) => wanted === undefined || transport === wanted)
    .map((transport) => ({ url, transport, server }));
}

/**
 * @param {unknown} iceServers
 * @param {TransportName | OpenTransport} [wanted] leaves the rows of other transports out
 * @param {string} [name] of the argument, for errors
 * @returns {PlannedRow[]} in the order of the URLs; at least one
 * @throws {TypeError} ERR_INVALID_ARGUMENT with the exact path, such as 'iceServers[0].credential'
 */
export function planRows(iceServers, wanted, name = 'iceServers') {
  const list = Array.isArray(iceServers) ? iceServers : [iceServers];
  if (list.length === 0) throw argumentError(name, 'an array of at least one server');
  const servers = list.flatMap((input, i) =>
    readElement(input, Array.isArray(iceServers) ? `${name}[${i}]` : name),
  );
  const rows = servers.flatMap((server) =>
    'error' in server
      ? [{ url: server.url, transport: '', error: server.error }]
      : rowsOf(server, wanted),
  );
  if (rows.length === 0) throw argumentError('options.transport', 'one that a URL allows');
  return rows;
}
