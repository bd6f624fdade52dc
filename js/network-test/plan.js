// What a network test is to try. Pure: the same in Node.js and in pages.
import { requireObject } from '../codec/arguments.js';
import { argumentError } from '../errors.js';
import { checkInteger } from '../option-checks.js';

/** @typedef {import('../ice-server.js').IceServer} IceServer */

/**
 * How quality is measured, over each transport on which a relay works.
 *
 * @typedef {object} QualityPlan
 * @property {number} [seconds] of packets over each transport, 2 to 300; 8 if left out
 * @property {number} [packetsPerSecond] 5 to 200; 50 if left out, as voice has
 * @property {number} [payloadBytes] 32 to 1200; 160 if left out
 * @property {number} [throughputSeconds] 0 to 60; 3 if left out; 0: throughput and latency under load are not measured
 * @property {number} [maxKbps] that throughput is tried up to, 64 to 100,000; 4,000 if left out
 */

/**
 * What is to be tried. All of it may be left out, and what is left out is not tested.
 *
 * @typedef {object} NetworkPlan
 * @property {string} [name] of the test, for its report
 * @property {readonly IceServer[]} [iceServers] as WebRTC takes them, and our ws: and wss: URLs; each URL is judged by
 *   itself, over each transport that it allows
 * @property {readonly string[]} [signalling] ws: and wss: URLs of the application
 * @property {readonly string[]} [https] https: or http: URLs
 * @property {readonly string[]} [webTransport] https: URLs; in pages
 * @property {string} [mirror] URL of a mirror, for the NAT of browsers (docs/mirror.md)
 * @property {string} [reflector] URL of a reflector, for ports, payloads, SIP and throughput each way; in Node.js
 * @property {string | false} [natServer] stun: URI of a server with two addresses (RFC 5780); the first stun: or turn: URL over
 *   UDP of `iceServers` if left out; false: the NAT is not tested; in Node.js
 * @property {string} [origin] of the page whose WebSockets these are, such as 'https://app.example.org': servers of WebSockets
 *   let in pages by it, and browsers tell it by themselves; none if left out; in Node.js
 * @property {string} [proxy] http:, https: or socks5: URL that TCP is tried through as well; in Node.js
 * @property {readonly ('IPv4' | 'IPv6')[]} [families] both if left out
 * @property {QualityPlan | false} [quality]
 * @property {readonly number[]} [lifetimeSeconds] silences after which to look whether a NAT's mapping lives; none if left out
 */

const MAX_URLS = 32;
const MAX_NAME = 200;
const LIMITS = /** @type {const} */ ({
  seconds: [2, 300],
  packetsPerSecond: [5, 200],
  payloadBytes: [32, 1200],
  throughputSeconds: [0, 60],
  maxKbps: [64, 100_000],
});

/** What is not said. */
export const QUALITY_DEFAULTS = Object.freeze({
  seconds: 8,
  packetsPerSecond: 50,
  payloadBytes: 160,
  throughputSeconds: 3,
  maxKbps: 4000,
});

/** @typedef {{ -readonly [Key in keyof typeof QUALITY_DEFAULTS]: number }} CheckedQuality */

/**
 * A plan in which everything is there.
 *
 * @typedef {object} CheckedPlan
 * @property {string | undefined} name
 * @property {readonly IceServer[]} iceServers
 * @property {readonly string[]} signalling
 * @property {readonly string[]} https
 * @property {readonly string[]} webTransport
 * @property {string | undefined} mirror
 * @property {string | undefined} reflector
 * @property {string | false | undefined} natServer
 * @property {string | undefined} origin
 * @property {string | undefined} proxy
 * @property {readonly ('IPv4' | 'IPv6')[]} families
 * @property {CheckedQuality | false} quality
 * @property {readonly number[]} lifetimeSeconds
 */

const FAMILIES = /** @type {const} */ (['IPv4', 'IPv6']);
/** What a plan may say. @type {ReadonlySet<string>} */
export const PLAN_FIELDS = new Set([
  'name',
  'iceServers',
  'signalling',
  'https',
  'webTransport',
  'mirror',
  'reflector',
  'natServer',
  'origin',
  'proxy',
  'families',
  'quality',
  'lifetimeSeconds',
]);
const LIFETIMES = 8;
const MAX_SILENCE_SECONDS = 3600;

/**
 * @param {unknown} url
 * @param {string} argument
 * @param {readonly string[]} schemes
 * @returns {string}
 */
function checkUrl(url, argument, schemes) {
  if (typeof url === 'string' && URL.canParse(url) && schemes.includes(new URL(url).protocol)) {
    return url;
  }
  throw argumentError(argument, `a URL with ${schemes.join(' or ')}`);
}

/** @param {unknown} origin @returns {string} */
function checkUrlOrigin(origin) {
  const { origin: whole } = new URL(checkUrl(origin, 'plan.origin', ['https:', 'http:']));
  if (whole === origin) return whole;
  throw argumentError(
    'plan.origin',
    "an origin as browsers write it, such as 'https://app.example.org'",
  );
}

/**
 * @param {unknown} urls
 * @param {string} argument
 * @param {readonly string[]} schemes
 * @returns {readonly string[]}
 */
function checkUrls(urls, argument, schemes) {
  if (urls === undefined) return [];
  if (!Array.isArray(urls) || urls.length > MAX_URLS) {
    throw argumentError(argument, `an array of at most ${MAX_URLS} URLs`);
  }
  return urls.map((url, i) => checkUrl(url, `${argument}[${i}]`, schemes));
}

/** @param {unknown} quality @returns {CheckedQuality | false} */
function checkQuality(quality) {
  if (quality === false) return false;
  const given = requireObject(/** @type {QualityPlan} */ (quality ?? {}), 'plan.quality');
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(LIMITS, name)) {
      throw argumentError(`plan.quality.${name}`, `one of ${Object.keys(LIMITS).join(', ')}`);
    }
  }
  const checked = { ...QUALITY_DEFAULTS };
  for (const [name, [least, most]] of Object.entries(LIMITS)) {
    const key = /** @type {keyof CheckedQuality} */ (name);
    if (given[key] === undefined) continue;
    Object.assign(checked, { [key]: checkInteger(given[key], `plan.quality.${key}`, least, most) });
  }
  return checked;
}

/** @param {unknown} families */
function checkFamilies(families) {
  if (families === undefined) return FAMILIES;
  const isRight =
    Array.isArray(families) &&
    families.length > 0 &&
    new Set(families).size === families.length &&
    families.every((one) => FAMILIES.includes(one));
  if (!isRight) throw argumentError('plan.families', "an array of 'IPv4', 'IPv6' or both");
  return /** @type {('IPv4' | 'IPv6')[]} */ (families);
}

/** @param {unknown} silences */
function checkSilences(silences) {
  if (silences === undefined) return [];
  const argument = 'plan.lifetimeSeconds';
  if (!Array.isArray(silences) || silences.length > LIFETIMES) {
    throw argumentError(argument, `an array of at most ${LIFETIMES} numbers`);
  }
  return silences.map((one, i) => checkInteger(one, `${argument}[${i}]`, 1, MAX_SILENCE_SECONDS));
}

/** @param {unknown} name */
function checkName(name) {
  if (name === undefined) return undefined;
  if (typeof name === 'string' && name.length > 0 && name.length <= MAX_NAME) return name;
  throw argumentError('plan.name', `a text of 1 to ${MAX_NAME} characters`);
}

/**
 * @param {NetworkPlan} plan
 * @returns {CheckedPlan}
 * @throws {TypeError} ERR_INVALID_ARGUMENT with the path of what is wrong, such as plan.signalling[0]
 */
export function checkPlan(plan) {
  const given = requireObject(plan, 'plan');
  for (const name of Object.keys(given)) {
    if (!PLAN_FIELDS.has(name)) {
      throw argumentError(`plan.${name}`, `one of ${[...PLAN_FIELDS].join(', ')}`);
    }
  }
  const { iceServers = [], mirror, reflector, natServer, origin, proxy } = given;
  if (!Array.isArray(iceServers)) throw argumentError('plan.iceServers', 'an array');
  const web = ['https:', 'http:'];
  return {
    name: checkName(given.name),
    iceServers,
    signalling: checkUrls(given.signalling, 'plan.signalling', ['wss:', 'ws:']),
    https: checkUrls(given.https, 'plan.https', web),
    webTransport: checkUrls(given.webTransport, 'plan.webTransport', ['https:']),
    mirror: mirror === undefined ? undefined : checkUrl(mirror, 'plan.mirror', web),
    reflector: reflector === undefined ? undefined : checkUrl(reflector, 'plan.reflector', web),
    natServer:
      natServer === undefined || natServer === false
        ? natServer
        : checkUrl(natServer, 'plan.natServer', ['stun:', 'turn:']),
    origin: origin === undefined ? undefined : checkUrlOrigin(origin),
    proxy:
      proxy === undefined
        ? undefined
        : checkUrl(proxy, 'plan.proxy', ['http:', 'https:', 'socks5:', 'socks5h:']),
    families: checkFamilies(given.families),
    quality: checkQuality(given.quality),
    lifetimeSeconds: checkSilences(given.lifetimeSeconds),
  };
}
