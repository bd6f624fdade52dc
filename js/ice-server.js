// What callers name servers with: a URI, an RTCIceServer, or arrays of them.

import { argumentError, PosternError } from './errors.js';
import { parseUri, shownUri } from './uri.js';

/** @typedef {import('./uri.js').Scheme} Scheme */
/** @typedef {import('./uri.js').ServerUri} ServerUri */

/**
 * The RTCIceServer of WebRTC.
 *
 * @typedef {object} IceServer
 * @property {string | readonly string[]} urls one or more URIs, which share the credentials; besides those of WebRTC,
 *   the ws:// or wss:// URL of a TURN server
 * @property {string | null} [username]
 * @property {string | null} [credential] the password
 */

/** @typedef {string | IceServer | readonly (string | IceServer)[]} ServerInput */

/**
 * @typedef {object} PlannedServer
 * @property {string} url as the caller wrote it, in the form of shownUri()
 * @property {ServerUri} uri
 * @property {string} [username] there is a credential too, then
 * @property {string} [credential]
 */

/**
 * @typedef {object} PlanOptions
 * @property {string} [name] the argument's name in errors; 'server' when left out
 * @property {readonly Scheme[]} [schemes] those that are of use; all four when left out
 */

/**
 * @param {unknown} url
 * @param {string} path of it in the caller's argument, for errors
 * @param {PlanOptions} options
 * @returns {ServerUri}
 */
export function planUrl(url, path, { schemes } = {}) {
  if (typeof url !== 'string')
    throw argumentError(path, "a string such as 'stun:stun.example.org'");
  let uri;
  try {
    uri = parseUri(url);
  } catch (error) {
    if (!(error instanceof PosternError)) throw error;
    const { code, message, offset } = /** @type {PosternError} */ (error);
    throw new PosternError(code, `${path}: ${message}`, { offset });
  }
  if (schemes && !schemes.includes(uri.scheme)) {
    throw argumentError(path, `a URI that begins with ${schemes.map((s) => `${s}:`).join(' or ')}`);
  }
  return uri;
}

/**
 * @param {Record<string, unknown>} server
 * @param {string} path
 * @param {string} [key] what the password is called there
 * @returns {{ username?: string, credential?: string }}
 */
export function planCredentials(server, path, key = 'credential') {
  const { username, [key]: credential, credentialType } = server;
  for (const [name, value] of Object.entries({ username, [key]: credential })) {
    if (value !== undefined && value !== null && typeof value !== 'string') {
      throw argumentError(`${path}.${name}`, 'a string');
    }
  }
  if (credentialType !== undefined && credentialType !== null && credentialType !== 'password') {
    throw argumentError(`${path}.credentialType`, "'password' or left out");
  }
  // Many configurations fill what they lack with empty strings.
  if (!username && !credential) return {};
  if (!username) throw argumentError(`${path}.username`, `given together with ${key}`);
  if (!credential) throw argumentError(`${path}.${key}`, 'given together with username');
  return {
    username: /** @type {string} */ (username),
    credential: /** @type {string} */ (credential),
  };
}

/** @param {unknown} url @param {string} path @param {PlanOptions} options @returns {PlannedServer} */
function planned(url, path, options) {
  const uri = planUrl(url, path, options);
  return { url: shownUri(/** @type {string} */ (url)), uri };
}

/**
 * @param {unknown} input
 * @param {string} path
 * @param {PlanOptions} options
 * @returns {PlannedServer[]}
 */
function planOne(input, path, options) {
  if (typeof input === 'string') return [planned(input, path, options)];
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw argumentError(path, 'a URI or an object { urls, username, credential }');
  }
  const server = /** @type {Record<string, unknown>} */ (input);
  const { urls } = server;
  if (urls === undefined && server.url !== undefined) {
    throw argumentError(`${path}.urls`, "given; 'url' is its name of before WebRTC 1.0");
  }
  const isList = Array.isArray(urls);
  if (!isList && typeof urls !== 'string') {
    throw argumentError(`${path}.urls`, 'a URI or an array of them');
  }
  if (isList && urls.length === 0)
    throw argumentError(`${path}.urls`, 'an array of at least one URI');
  const credentials = planCredentials(server, path);
  return (isList ? urls : [urls]).map((url, i) => ({
    ...planned(url, isList ? `${path}.urls[${i}]` : `${path}.urls`, options),
    ...credentials,
  }));
}

/**
 * One entry for each URI, in the order given. Nothing is looked up.
 *
 * @param {ServerInput} input
 * @param {PlanOptions} [options]
 * @returns {PlannedServer[]} at least one
 * @throws {TypeError} ERR_INVALID_ARGUMENT; `argument` is the exact path, such as 'server.urls[1]'
 * @throws {PosternError} ERR_INVALID_URI or ERR_TRANSPORT_UNSUPPORTED; the path begins the message
 */
export function planServers(input, options = {}) {
  const { name = 'server' } = options;
  if (!Array.isArray(input)) return planOne(input, name, options);
  if (input.length === 0) throw argumentError(name, 'an array of at least one server');
  return input.flatMap((server, i) => planOne(server, `${name}[${i}]`, options));
}
