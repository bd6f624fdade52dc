// What providers answer when they are asked for ICE servers, each in its own form, as RTCIceServer objects.
import { argumentError } from '../errors.js';
import { planCredentials } from '../ice-server.js';
import { groupUrls, readUrls } from './ice-servers.js';
import { readNow } from './options.js';
import { isLikelyTime, parseRestUsername } from './rest-username.js';

/** @typedef {import('./ice-servers.js').IceServerEntry} IceServerEntry */
/** @typedef {import('./ice-servers.js').IceServerSet} IceServerSet */

/**
 * The form, which several providers may share:
 *
 * - 'turn-rest': `{ username, password, ttl, uris }` of draft-uberti-behave-turn-rest-00 section 2.2, and Matrix
 *   (`/voip/turnServer`)
 * - 'rtc-configuration': `{ iceServers }`, an array or one object: Cloudflare, createIceServers(), RTCConfiguration
 * - 'twilio': `{ ice_servers, ttl }` of its Tokens
 * - 'xirsys': `{ v: { iceServers }, s }`
 * - 'rtc-ice-servers': an array of RTCIceServer objects, or one: Metered
 *
 * @typedef {'turn-rest' | 'rtc-configuration' | 'twilio' | 'xirsys' | 'rtc-ice-servers'} ResponseFormat
 */

/**
 * @typedef {object} NormalizedParts
 * @property {ResponseFormat} format
 * @property {{ username: string, credential: string, expiresAt?: number }} [credentials] those of the first server that
 *   has some, for the option `credentials` of allocate()
 */

/** @typedef {IceServerSet & NormalizedParts} NormalizedIceServers */

/** @typedef {Record<string, unknown>} Fields */

/**
 * @typedef {object} Form
 * @property {ResponseFormat} format
 * @property {string} path of the servers in the argument
 * @property {unknown} servers
 * @property {'credential' | 'password'} [passwordKey]
 */

const RESPONSE = 'response';
/** Where the time to live stands: draft-uberti, Twilio; createIceServers(); Metered. */
const TTL_KEYS = ['ttl', 'ttlSeconds', 'expiryInSeconds'];
/** Ours: what a 32-bit number of seconds holds. */
const MAX_TTL_SECONDS = 0xffffffff;

/** @param {unknown} value @returns {value is Fields} */
const isFields = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** @param {unknown} response @returns {Form} */
function formOf(response) {
  if (Array.isArray(response)) {
    return { format: 'rtc-ice-servers', path: RESPONSE, servers: response };
  }
  if (typeof response === 'string') {
    throw argumentError(RESPONSE, 'an object or an array: parse the JSON before');
  }
  if (!isFields(response)) throw argumentError(RESPONSE, 'an object or an array');
  if ('iceServers' in response) {
    const path = `${RESPONSE}.iceServers`;
    return { format: 'rtc-configuration', path, servers: response.iceServers };
  }
  if ('ice_servers' in response) {
    return { format: 'twilio', path: `${RESPONSE}.ice_servers`, servers: response.ice_servers };
  }
  if (isFields(response.v)) {
    return { format: 'xirsys', path: `${RESPONSE}.v.iceServers`, servers: response.v.iceServers };
  }
  if ('uris' in response) {
    return { format: 'turn-rest', path: RESPONSE, servers: response, passwordKey: 'password' };
  }
  if ('urls' in response || 'url' in response) {
    return { format: 'rtc-ice-servers', path: RESPONSE, servers: response };
  }
  throw argumentError(RESPONSE, `an answer with ICE servers; ${whatElse(response)}`);
}

/** What a response without servers may be. It is not quoted: it may hold keys. @param {Fields} response */
function whatElse(response) {
  if (Object.keys(response).length === 0) {
    return 'an empty one means that the provider has none set up';
  }
  if ('username' in response && 'password' in response) {
    return 'this one has credentials only, and the URIs are to be had elsewhere: pass { uris, ...response }';
  }
  return 'this one has none (is it an error of the provider?)';
}

/** @param {unknown} server @param {string} path @param {'credential' | 'password'} passwordKey */
function readServer(server, path, passwordKey) {
  if (!isFields(server)) throw argumentError(path, 'an object { urls, username, credential }');
  const credentials = planCredentials(server, path, passwordKey);
  if (passwordKey === 'password') {
    return groupUrls(readUrls(server.uris, `${path}.uris`), credentials);
  }
  // `url` is what `urls` was called before WebRTC 1.0; who gives both gives the same twice.
  const key = server.urls === undefined || server.urls === null ? 'url' : 'urls';
  if (server[key] === undefined) throw argumentError(`${path}.urls`, 'a URI or an array of them');
  return groupUrls(readUrls(server[key], `${path}.${key}`), credentials);
}

/** @param {unknown} response @returns {number | undefined} */
function readTtl(response) {
  if (!isFields(response)) return undefined;
  const key = TTL_KEYS.find((name) => response[name] !== undefined && response[name] !== null);
  if (key === undefined) return undefined;
  const given = response[key];
  // Twilio writes it as text.
  const ttl = typeof given === 'string' && /^\d+$/.test(given) ? Number(given) : given;
  if (typeof ttl === 'number' && ttl >= 0 && ttl <= MAX_TTL_SECONDS) return ttl;
  throw argumentError(
    `${RESPONSE}.${key}`,
    `a number of seconds from 0 to ${MAX_TTL_SECONDS}, or left out`,
  );
}

/** By the first user name that tells a time. @param {readonly IceServerEntry[]} servers */
function expiryOf(servers) {
  const times = servers
    .map(({ username = '' }) => parseRestUsername(username)?.expiry ?? 0)
    .filter(isLikelyTime);
  return times.length === 0 ? undefined : Math.min(...times) * 1000;
}

/**
 * Makes RTCIceServer objects of what a provider has answered: draft-uberti-behave-turn-rest and Matrix, Cloudflare,
 * Twilio, Metered, Xirsys, RTCConfiguration, RTCIceServer. The order stays; each URI is read (RFC 7064, RFC 7065), stands
 * once in its server, and `urls` is always an array, of STUN or of TURN. What else the response holds is left out.
 *
 * @param {unknown} response JSON that was parsed
 * @param {{ nowMs?: number }} [options] when it came, in milliseconds since 1970; default Date.now()
 * @returns {NormalizedIceServers} with at least one server. `expiresAt` is by the time to live, and where there is none by
 *   the user names of TURN REST
 * @throws {TypeError} ERR_INVALID_ARGUMENT; `argument` is the exact path, such as 'response.iceServers[1].credential'
 * @throws {import('../errors.js').PosternError} ERR_INVALID_URI or ERR_TRANSPORT_UNSUPPORTED; the path begins the message
 */
export function normalizeIceServers(response, { nowMs } = {}) {
  const now = readNow(nowMs);
  const { format, path, servers, passwordKey = 'credential' } = formOf(response);
  const isList = Array.isArray(servers);
  if (isList && servers.length === 0) throw argumentError(path, 'an array of at least one server');
  const iceServers = isList
    ? servers.flatMap((server, i) => readServer(server, `${path}[${i}]`, passwordKey))
    : readServer(servers, path, passwordKey);

  const ttlSeconds = readTtl(response);
  const expiresAt = ttlSeconds === undefined ? expiryOf(iceServers) : now + ttlSeconds * 1000;
  const expiry = expiresAt === undefined ? undefined : { expiresAt };
  const { username, credential } = iceServers.find((server) => server.username) ?? {};
  return {
    format,
    iceServers,
    ...(username && credential ? { credentials: { username, credential, ...expiry } } : undefined),
    ...(ttlSeconds === undefined ? undefined : { ttlSeconds }),
    ...expiry,
  };
}
