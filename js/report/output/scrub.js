// What texts of reports must not give away: secrets of every form that is known, and addresses if that is wanted.
import { canonicalAddress, parseIPv6 } from '../../address.js';
import { isLikelyTime, parseRestUsername } from '../../credentials/rest-username.js';

/** @typedef {'keep' | 'prefix' | 'drop'} AddressMode */

/**
 * @typedef {object} Scrubbing
 * @property {AddressMode} addresses
 * @property {readonly string[]} secrets that are known, and stand nowhere afterwards
 * @property {readonly string[]} users whose names are hashed wherever they stand alone
 * @property {string} salt of those hashes
 */

export const REDACTED = '[redacted]';
const NO_ADDRESS = '[address]';
/** What most networks of one customer share: RFC 6177 for IPv6. */
const PREFIX = Object.freeze({ IPv4: 24, IPv6: 48 });

/** Words before a secret. Of the short ones only with =, since they are words of sentences too. */
const LONG =
  '[\\w-]*(?:passw(?:or)?d|passphrase|secret|token|credentials?|nonce|api[_-]?key|access[_-]?key|authorization|' +
  'signature|ticket|session[_-]?id|cookie|private[_-]?key)';
const SHORT = '(?:pwd|pass|key|sig|sid|auth|jwt)';
const VALUE =
  '(?:\\[redacted\\]|"(?:[^"\\\\]|\\\\.)*"|\'[^\']*\'|(?:(?:bearer|basic|digest)\\s+)?[^\\s,;&"\')}\\]]+)';
/** name=value, name: value, "name": "value", name 'value', name is "value". */
const LABELLED = new RegExp(
  `(?<![\\w-])(["']?${LONG}["']?\\s*[:=]\\s*|["']?${SHORT}(?:["']\\s*:\\s*|["']?\\s*=\\s*)|${LONG}\\s(?:is\\s)?(?=["']))${VALUE}`,
  'gi',
);
const SCHEME_OF_AUTHORIZATION = /\b(bearer|basic|digest)\s+[\w+/=.~-]{4,}/gi;
const JWT = /(?<![\w-])eyJ[\w-]+(?:\.[\w-]+){1,4}/g;
const HEXADECIMAL = /(?<![\w-])[\da-f]{24,}(?![\w-])/gi;
/** Base64 of either alphabet: nothing that is read has digits and both cases in so long a row. */
const BASE64 = /(?<![\w+/=-])(?=[\w+/-]*[a-z])(?=[\w+/-]*[A-Z])(?=[\w+/-]*\d)[\w+/-]{20,}={0,2}/g;
const URL_IN_TEXT = /(?<![a-z\d+.-])[a-z][a-z\d+.-]*:\/\/[^\s"'<>]+/gi;
const URI_WITH_USER = /\b(stuns?|turns?|sips?|mailto):[^\s"'<>@]*@/gi;
const QUERY = /\?[\w.~%-]+=[^\s"'<>]*/g;
const REST_USER = /(?<![\w.:-])(\d{9,10}):([^\s,;"'<>()]+)/g;

const IPV4 = /(?<![\d.])((?:\d{1,3}\.){3}\d{1,3})(\/\d{1,2})?(?!\d|\.\d)/g;
/** What may be one; which part of it is one, parseIPv6() tells. */
const IPV6 = /(?<![\w:.])([\da-f:.]{2,})(\/\d{1,3})?(?!\w)/gi;

/**
 * Tells equal names from others, and hides a name only from those who don't guess it: FNV-1a with 32 bits.
 *
 * @param {string} name
 * @param {string} salt
 */
function hashOf(name, salt) {
  let hash = 0x811c9dc5;
  for (const unit of `${salt}\u0000${name}`) {
    hash = Math.imul(hash ^ /** @type {number} */ (unit.codePointAt(0)), 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, '0');
}

const HASHED = /^user-[\da-f]{8}$/;

/** @param {string} user @param {string} salt */
const hashedUser = (user, salt) =>
  user === '' || HASHED.test(user) ? user : `user-${hashOf(user, salt)}`;

/** A user name: the time that TURN REST puts before it stays. @param {string} username @param {string} salt */
export function scrubUser(username, salt) {
  const { expiry = 0, userId = '' } = parseRestUsername(username) ?? {};
  if (!isLikelyTime(expiry)) return hashedUser(username, salt);
  return userId === '' ? username : `${expiry}:${hashedUser(userId, salt)}`;
}

/** The part of a user name that is the user. @param {string} username */
export function userOf(username) {
  const { expiry = 0, userId = '' } = parseRestUsername(username) ?? {};
  return isLikelyTime(expiry) ? userId : username;
}

/** @param {string} address @param {string} length of a prefix that it has already @param {AddressMode} mode */
function cutAddress(address, length, mode) {
  if (mode === 'drop') return NO_ADDRESS;
  const groups = address.includes(':') ? parseIPv6(address) : undefined;
  const bits = groups ? PREFIX.IPv6 : PREFIX.IPv4;
  if (length !== '' && Number(length.slice(1)) <= bits) return address + length;
  if (groups === undefined) return `${address.split('.').slice(0, 3).join('.')}.0/${bits}`;
  const head = groups.slice(0, bits / 16).map((group) => group.toString(16));
  return `${canonicalAddress(`${head.join(':')}::`)}/${bits}`;
}

/** @param {string} text @param {AddressMode} mode */
export function scrubAddresses(text, mode) {
  if (mode === 'keep') return text;
  return text
    .replace(IPV6, (all, run, length = '') => {
      // What follows may be the end of a sentence, or a colon.
      const address = [run, run.slice(0, -1)].find((one) => parseIPv6(one) !== undefined);
      if (address === undefined) return all;
      const rest = run.slice(address.length);
      return cutAddress(address, rest === '' ? length : '', mode) + rest;
    })
    .replace(IPV4, (all, address, length = '') =>
      address.split('.').every((/** @type {string} */ part) => Number(part) < 256)
        ? cutAddress(address, length, mode)
        : all,
    );
}

/** Without user, query and fragment; `?transport=` of STUN and TURN stays. @param {string} url */
function cutUrl(url) {
  const [, scheme, slashes = '', body, rest = ''] =
    /^([a-z][a-z\d+.-]*:)(\/\/)?([^?#]*)([?#].*)?$/is.exec(url) ?? [];
  if (scheme === undefined) return url.replace(/[?#].*$/s, '');
  const place = body.replace(/^[^/]*@/, '');
  const [transport = ''] = slashes === '' ? (/^\?transport=[a-z]+/i.exec(rest) ?? []) : [];
  return `${scheme}${slashes}${place}${transport}`;
}

/** @param {string} text @param {readonly string[]} secrets */
const withoutSecrets = (text, secrets) =>
  secrets.reduce((rest, secret) => rest.replaceAll(secret, REDACTED), text);

/** Keys and codes that have no name before them. @param {string} text */
const withoutTokens = (text) =>
  text.replace(JWT, REDACTED).replace(BASE64, REDACTED).replace(HEXADECIMAL, REDACTED);

/** @param {string} text @param {readonly string[]} users @param {string} salt */
function withoutUsers(text, users, salt) {
  return users.reduce((rest, user) => {
    const literal = user.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
    const alone = new RegExp(`(?<![\\w.:/@-])${literal}(?![\\w:/@-]|\\.\\w)`, 'g');
    return rest.replace(alone, () => hashedUser(user, salt));
  }, text);
}

/** @param {string} text @param {Scrubbing} scrubbing */
function scrubOnce(text, { addresses, secrets, users, salt }) {
  const known = withoutUsers(withoutSecrets(text, secrets), users, salt);
  const labelled = known
    .replace(URL_IN_TEXT, cutUrl)
    .replace(URI_WITH_USER, '$1:')
    .replace(LABELLED, `$1${REDACTED}`)
    .replace(SCHEME_OF_AUTHORIZATION, `$1 ${REDACTED}`)
    .replace(QUERY, (query) => (/^\?transport=[a-z]+\.?$/i.test(query) ? query : ''));
  const hashed = labelled.replace(REST_USER, (all, time, user) =>
    isLikelyTime(Number(time)) ? `${time}:${hashedUser(user, salt)}` : all,
  );
  return scrubAddresses(withoutTokens(hashed), addresses);
}

/** What is taken away may bring two parts of a text together; each time there is less left. */
const MAX_PASSES = 8;

/**
 * @param {string} text that anybody may have written: a server, a proxy, the user
 * @param {Scrubbing} scrubbing
 */
export function scrubText(text, scrubbing) {
  let before = text;
  for (let i = 0; i < MAX_PASSES; i += 1) {
    const after = scrubOnce(before, scrubbing);
    if (after === before) break;
    before = after;
  }
  return before;
}

/** A URL, or what was meant to be one. @param {string} url @param {Scrubbing} scrubbing */
export const scrubUrl = (url, scrubbing) => cutUrl(scrubText(cutUrl(url), scrubbing));
