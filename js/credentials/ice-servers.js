// RTCIceServer objects, sorted into those for STUN and those for TURN.
import { requireObject } from '../codec/arguments.js';
import { argumentError } from '../errors.js';
import { planUrl } from '../ice-server.js';
import { createCredentials } from './create.js';

/** @typedef {import('./create.js').CreateOptions} CreateOptions */

/**
 * As RTCPeerConnection takes it, and allocate(), checkIceServers() and getMappedAddress().
 *
 * @typedef {object} IceServerEntry
 * @property {string[]} urls all of them STUN, or all TURN
 * @property {string} [username] of TURN servers
 * @property {string} [credential] the password
 */

/**
 * Servers and how long they can be used. It is an RTCConfiguration too: `new RTCPeerConnection(set)`.
 *
 * @typedef {object} IceServerSet
 * @property {IceServerEntry[]} iceServers
 * @property {number} [ttlSeconds] how long from now, by which clients whose clocks are wrong go as well
 * @property {number} [expiresAt] milliseconds since 1970
 */

/**
 * @param {readonly string[]} urls that can be read
 * @param {{ username?: string, credential?: string }} credentials STUN servers want none, and WebRTC sends them none
 * @returns {IceServerEntry[]} one or two
 */
export function groupUrls(urls, credentials) {
  const isStun = (/** @type {string} */ url) => /^stuns?:/i.test(url);
  const stun = { urls: urls.filter(isStun) };
  const turn = { urls: urls.filter((url) => !isStun(url)), ...credentials };
  const entries = isStun(urls[0] ?? '') ? [stun, turn] : [turn, stun];
  return entries.filter((entry) => entry.urls.length > 0);
}

/**
 * The servers of an application for one user, with credentials that run out: what an endpoint hands to its pages.
 *
 * @param {{ urls: string | readonly string[] } & CreateOptions} options `urls`: `stun:`, `stuns:`, `turn:` and `turns:`
 *   URIs; the others are those of createCredentials()
 * @returns {Promise<Required<IceServerSet>>}
 * @throws {TypeError} ERR_INVALID_ARGUMENT with the argument's name, such as 'options.urls[1]'
 * @throws {import('../errors.js').PosternError} ERR_INVALID_URI or ERR_TRANSPORT_UNSUPPORTED with that name in the
 *   message; ERR_CRYPTO_UNAVAILABLE in a page that did not come over HTTPS
 */
export async function createIceServers(options) {
  const urls = readUrls(requireObject(options, 'options').urls, 'options.urls');
  const { username, credential, ttlSeconds, expiresAt } = await createCredentials(options);
  return { iceServers: groupUrls(urls, { username, credential }), ttlSeconds, expiresAt };
}

/**
 * @param {unknown} urls
 * @param {string} path
 * @returns {string[]} each once
 */
export function readUrls(urls, path) {
  const isList = Array.isArray(urls);
  if (isList ? urls.length === 0 : typeof urls !== 'string') {
    throw argumentError(path, 'a URI or an array of at least one');
  }
  const list = isList ? urls : [urls];
  list.forEach((url, i) => {
    planUrl(url, isList ? `${path}[${i}]` : path);
  });
  return [...new Set(list)];
}
