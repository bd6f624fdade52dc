// What createServer() takes, checked and completed.

import { isIP, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { createSecureContext } from 'node:tls';
import { isBytes, isTrue, requireObject } from '../codec/arguments.js';
import { argumentError } from '../errors.js';
import { checkMirrorOptions } from '../mirror/options.js';
import { checkInteger, checkSignal } from '../option-checks.js';
import { checkReflectorOptions } from '../reflector/options.js';
import { prepareCredential } from '../strings/prepare-credential.js';
import { parseListen } from './listen.js';

/** @typedef {import('./listen.js').Listen} Listen */
/** @typedef {import('../mirror/options.js').MirrorOptions} MirrorOptions */
/** @typedef {import('../reflector/options.js').ReflectorOptions} ReflectorOptions */

/**
 * Finds the password of a user; nothing where there is no such user.
 *
 * @typedef {(username: string, realm: string) => Promise<string | undefined> | string | undefined} FindPassword
 */

/**
 * @typedef {object} RelayOptions
 * @property {string[]} [addresses] IP addresses of this machine that relayed addresses are made of; those that the server
 *   listens at when left out, or this machine's own where it listens at all of them
 * @property {Record<string, string>} [external] what clients are told instead, where a translator (NAT) maps an address
 *   of `addresses` to a public one, with the same ports
 * @property {[first: number, last: number]} [ports] 49,152 to 65,535 when left out
 * @property {boolean} [udp] relays for UDP; true when left out
 * @property {boolean} [tcp] relays for TCP (RFC 6062); true when left out
 */

/**
 * @typedef {object} PolicyOptions to which peers is relayed: the public Internet, unless this says otherwise
 * @property {string[]} [allow] opens addresses that are closed by default, such as '10.1.2.0/24' or '127.0.0.1'
 * @property {string[]} [deny] closes addresses; wins over `allow`
 * @property {boolean} [only] closes everything that `allow` does not open, for servers that stand before a few others
 * @property {string[]} [nat64] prefixes of NAT64 translators in this network (RFC 6052): judged by what is inside
 */

/**
 * @typedef {object} QuotaOptions
 * @property {number} [allocations] of all; 16,384 when left out. More get error 508
 * @property {number} [allocationsPerUser] unlimited when left out. More get error 486
 * @property {number} [allocationsPerHost] of one client's address, or one /64 of IPv6; unlimited when left out. More get
 *   error 486
 * @property {number} [permissions] of an allocation; 512 when left out
 * @property {number} [channels] of an allocation; 512 when left out
 * @property {number} [peerConnections] of a TCP allocation; 64 when left out
 * @property {number} [connections] of clients, over TCP, TLS and WebSocket together; 16,384 when left out
 * @property {number} [connectionsPerHost] of one address, or one /64 of IPv6; 256 when left out
 * @property {number} [unauthenticatedPerSecond] answers to one address that has not shown who it is; 50 when left out
 * @property {number} [unauthenticatedBurst] so many at once; 200 when left out
 */

/**
 * Access tokens of authorization servers (RFC 7635), as `createAccessToken()` of `postern/credentials` makes them.
 *
 * @typedef {object} TokenOptions
 * @property {string} [serverName] for whom the tokens are made; the realm when left out
 * @property {{ kid: string, key: Uint8Array, expiresAt?: number }[]} keys shared with the authorization servers: 32 bytes
 *   for A256GCM, 16 for A128GCM; `expiresAt` in seconds since 1970
 */

/**
 * @typedef {object} ServerOptions
 * @property {string | object | (string | object)[]} [listen] where: 'udp://192.0.2.1:3478', or tcp, tls, ws, wss, or
 *   objects { protocol, address, port }. Port 0 takes any. Protocols of streams may share a port. UDP on two addresses
 *   with two ports each answers NAT discovery too (RFC 5780). UDP and TCP on port 3478 of all IPv4 addresses when left out
 * @property {import('node:tls').TlsOptions} [tls] certificate and key for tls and wss
 * @property {string[]} [origins] of the pages that may use the WebSockets; any when left out, as they need credentials
 * @property {RelayOptions | false} [relay] false: answers STUN only
 * @property {Record<string, string> | FindPassword} [credentials] user names with their passwords, or a function that
 *   finds a user's password
 * @property {string | string[]} [secret] shared with the service that makes time-limited credentials
 *   (`postern/credentials`); up to four, so that one can replace another
 * @property {TokenOptions} [tokens]
 * @property {string | string[]} [alternate] where clients are sent that come while this server drains: 'address:port' of
 *   other servers, the first of the client's family
 * @property {string} [alternateDomain] the name in the certificates of those
 * @property {boolean} [authentication] false: relays for everybody, which is allowed on loopback only
 * @property {string} [realm] 'postern' when left out
 * @property {string} [software] what the server calls itself; nothing when left out
 * @property {PolicyOptions} [policy]
 * @property {QuotaOptions} [quota]
 * @property {{ default?: number, max?: number }} [lifetime] of allocations, in seconds; 600 and 3,600 when left out
 * @property {number} [nonceLifetime] in seconds; 600 when left out
 * @property {boolean} [mobility] clients may move to other addresses (RFC 8016); true when left out
 * @property {number} [handshakeTimeoutMs] for TLS and WebSocket, until the first byte of TURN; 10,000 when left out
 * @property {number} [idleTimeoutMs] for connections without allocation; 60,000 when left out
 * @property {MirrorOptions & { path?: string }} [mirror] tells pages what their NAT does (docs/mirror.md): at `path` of the
 *   ports for WebSocket, '/mirror' when left out. None when left out
 * @property {ReflectorOptions & { path?: string }} [reflector] tells programs which ports pass, and what the network does
 *   to packets (docs/reflector.md): at `path` of the ports for WebSocket, '/reflector' when left out. None when left out
 * @property {AbortSignal} [signal] closes the server
 */

const DEFAULT_LISTEN = ['udp://0.0.0.0:3478', 'tcp://0.0.0.0:3478'];
/** RFC 8656 section 7.2 recommends the dynamic ports (RFC 6335 section 6). */
const DEFAULT_PORTS = /** @type {const} */ ([49_152, 65_535]);
/** RFC 8656 sections 3.2 and 7.2. */
const DEFAULT_LIFETIME_SECONDS = 600;
const MAX_LIFETIME_SECONDS = 3600;
const MOST_SECONDS = 0x7fffffff;
const MAX_SECRETS = 4;
/** kMaxTokenKeys and kMaxServerName of src/server/access_token.h. */
const MAX_TOKEN_KEYS = 16;
const MAX_SERVER_NAME = 255;
const PRIVATE_USE = /^(127\.|::1$)/;

/** @typedef {ReturnType<typeof checkServerOptions>} ServerSettings */

/** @param {ServerOptions} options */
export function checkServerOptions(options) {
  requireObject(options, 'options');
  const { tls, origins, credentials, secret, realm, software = '', authentication } = options;
  const listens = checkListen(options.listen);
  checkTls(tls, listens);
  const mirror = checkHttp('mirror', options.mirror, listens, checkMirrorOptions);
  const reflector = checkHttp('reflector', options.reflector, listens, checkReflectorOptions);
  if (mirror !== undefined && mirror.path === reflector?.path) {
    throw argumentError('options.reflector.path', 'another one than that of the mirror');
  }
  const relay = checkRelay(options.relay, listens);
  const users = checkCredentials(credentials);
  const secrets = checkSecrets(secret);
  const tokens = checkTokens(options.tokens);
  isTrue(authentication, 'options.authentication');
  const needsAuthentication = authentication !== false;
  checkSafety({
    needsAuthentication,
    hasUsers: users !== undefined || secrets.length > 0 || tokens.keys.length > 0,
    relay,
    listens,
  });
  if (typeof software !== 'string') throw argumentError('options.software', 'a string');
  const signal = options.signal;
  checkSignal(signal, 'options.signal');
  isTrue(options.mobility, 'options.mobility');
  const lifetime = requireObject(options.lifetime ?? {}, 'options.lifetime');
  const longest = orElse(
    checkInteger(lifetime.max, 'options.lifetime.max', 1, MOST_SECONDS),
    MAX_LIFETIME_SECONDS,
  );
  const quota = requireObject(options.quota ?? {}, 'options.quota');
  /** @param {keyof QuotaOptions} name @param {number} most @param {number} otherwise */
  const limit = (name, most, otherwise) =>
    orElse(checkInteger(quota[name], `options.quota.${name}`, 1, most), otherwise);
  return {
    listens,
    tls,
    origins: origins === undefined ? undefined : new Set(checkTexts(origins, 'options.origins')),
    relay,
    mirror,
    reflector,
    users,
    secrets,
    tokens,
    alternates: checkAlternates(options.alternate),
    alternateDomain: checkText(options.alternateDomain ?? '', 'options.alternateDomain'),
    needsAuthentication,
    realm: prepareCredential(checkText(realm ?? 'postern', 'options.realm'), 'realm'),
    software,
    policy: checkPolicy(options.policy),
    mobility: options.mobility !== false,
    longestLifetime: longest,
    defaultLifetime: Math.min(
      longest,
      orElse(
        checkInteger(lifetime.default, 'options.lifetime.default', 1, MOST_SECONDS),
        DEFAULT_LIFETIME_SECONDS,
      ),
    ),
    nonceLifetime: orElse(
      checkInteger(options.nonceLifetime, 'options.nonceLifetime', 1, MOST_SECONDS),
      600,
    ),
    handshakeTimeoutMs: orElse(
      checkInteger(options.handshakeTimeoutMs, 'options.handshakeTimeoutMs', 1, MOST_SECONDS),
      10_000,
    ),
    idleTimeoutMs: orElse(
      checkInteger(options.idleTimeoutMs, 'options.idleTimeoutMs', 1, MOST_SECONDS),
      60_000,
    ),
    quota: {
      allocations: limit('allocations', 65_536, 16_384),
      // The core's word for unlimited.
      allocationsPerUser: limit('allocationsPerUser', 65_536, 0),
      allocationsPerHost: limit('allocationsPerHost', 65_536, 0),
      permissions: limit('permissions', 65_536, 512),
      channels: limit('channels', 4096, 512),
      peerConnections: limit('peerConnections', 65_536, 64),
      connections: limit('connections', 1_000_000, 16_384),
      connectionsPerHost: limit('connectionsPerHost', 1_000_000, 256),
      unauthenticatedPerSecond: limit('unauthenticatedPerSecond', 1_000_000, 50),
      unauthenticatedBurst: limit('unauthenticatedBurst', 1_000_000, 200),
    },
    signal,
  };
}

/** @param {number} value 0 where it was left out @param {number} otherwise */
const orElse = (value, otherwise) => (value === 0 ? otherwise : value);

/** @param {unknown} value @param {string} name @returns {string} */
function checkText(value, name) {
  if (typeof value === 'string') return value;
  throw argumentError(name, 'a string');
}

/** @param {unknown} value @param {string} name @returns {string[]} */
function checkTexts(value, name) {
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value;
  throw argumentError(name, 'an array of strings');
}

/** @param {unknown} value @returns {Listen[]} */
function checkListen(value = DEFAULT_LISTEN) {
  const all = Array.isArray(value) ? value : [value];
  if (all.length === 0) throw argumentError('options.listen', 'at least one place to listen at');
  const listens = all.map((one, i) =>
    parseListen(one, Array.isArray(value) ? `options.listen[${i}]` : 'options.listen'),
  );
  const seen = new Set();
  for (const [i, { protocol, address, port }] of listens.entries()) {
    const key = `${protocol} ${address} ${port}`;
    if (port !== 0 && seen.has(key)) throw argumentError(`options.listen[${i}]`, 'named once');
    seen.add(key);
  }
  return listens;
}

/** @param {unknown} tls @param {Listen[]} listens */
function checkTls(tls, listens) {
  const needing = listens.find(({ protocol }) => protocol === 'tls' || protocol === 'wss');
  if (tls !== undefined) requireObject(/** @type {object} */ (tls), 'options.tls');
  if (needing !== undefined && tls === undefined) {
    throw argumentError(
      'options.tls',
      `an object with 'cert' and 'key', as options.listen names ${needing.protocol}`,
    );
  }
  if (tls !== undefined) checkSecureContext(/** @type {object} */ (tls), 'options.tls');
}

/**
 * A certificate that is none is told before it is needed.
 *
 * @param {import('node:tls').SecureContextOptions} tls
 * @param {string} name
 */
export function checkSecureContext(tls, name) {
  try {
    createSecureContext(requireObject(tls, name));
  } catch (cause) {
    const { code, message } = /** @type {NodeJS.ErrnoException} */ (cause);
    if (code === 'ERR_INVALID_ARGUMENT') throw cause;
    const expected = `a certificate and its key that OpenSSL can read; it says: ${message}`;
    throw Object.assign(argumentError(name, expected), { cause });
  }
}

/**
 * What is asked by HTTP, at a path of the ports for WebSocket.
 *
 * @template {object} Options
 * @template Settings
 * @param {'mirror' | 'reflector'} option
 * @param {(Options & { path?: string }) | undefined} value
 * @param {Listen[]} listens
 * @param {(options: Options, name: string) => Settings} check
 */
function checkHttp(option, value, listens, check) {
  if (value === undefined) return undefined;
  const name = `options.${option}`;
  if (!listens.some(({ protocol }) => protocol === 'ws' || protocol === 'wss')) {
    throw argumentError(
      name,
      'left out where options.listen names neither ws nor wss: it is asked there',
    );
  }
  const { path = `/${option}`, ...options } = requireObject(value, name);
  if (!(typeof path === 'string' && /^\/[^?#\s]*$/.test(path))) {
    throw argumentError(`${name}.path`, `the path of a URL, such as '/${option}'`);
  }
  return { path, settings: check(/** @type {any} */ (options), name) };
}

/** @param {RelayOptions | false | undefined} value @param {Listen[]} listens */
function checkRelay(value, listens) {
  if (value === false) return undefined;
  const {
    addresses,
    external = {},
    ports = DEFAULT_PORTS,
    udp,
    tcp,
  } = requireObject(value ?? {}, 'options.relay');
  isTrue(udp, 'options.relay.udp');
  isTrue(tcp, 'options.relay.tcp');
  requireObject(external, 'options.relay.external');
  const [first, last] = Array.isArray(ports) && ports.length === 2 ? ports : [0, 0];
  if (
    ![first, last].every((port) => Number.isInteger(port) && port > 0 && port <= 0xffff) ||
    first > last
  ) {
    throw argumentError(
      'options.relay.ports',
      'the first and the last port, such as [49152, 65535]',
    );
  }
  const own =
    addresses === undefined
      ? relayAddresses(listens)
      : checkTexts(addresses, 'options.relay.addresses');
  for (const [i, address] of own.entries()) {
    if (isIP(address) === 0 || isWildcard(address)) {
      throw argumentError(`options.relay.addresses[${i}]`, 'an IP address of this machine');
    }
  }
  if (own.length === 0) {
    throw argumentError(
      'options.relay.addresses',
      'given, as this machine has no address but loopback',
    );
  }
  for (const [inside, outside] of Object.entries(external)) {
    const isGood =
      own.includes(inside) && isIP(outside) !== 0 && isIPv6(inside) === isIPv6(outside);
    if (!isGood) {
      throw argumentError(
        `options.relay.external['${inside}']`,
        'an IP address of the same family, for an address of options.relay.addresses',
      );
    }
  }
  return {
    addresses: own,
    external,
    ports: /** @type {const} */ ([first, last]),
    udp: udp !== false,
    tcp: tcp !== false,
  };
}

/** @param {string} address */
const isWildcard = (address) => /^[0:.]+$/.test(address);

/** Where it listens; at all addresses: those of this machine. @param {Listen[]} listens */
function relayAddresses(listens) {
  const addresses = new Set();
  for (const { address, family } of listens) {
    if (!isWildcard(address)) addresses.add(address);
    else for (const own of ownAddresses(family)) addresses.add(own);
  }
  return [...addresses];
}

/** @param {string} family */
function ownAddresses(family) {
  return Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .filter((one) => !one.internal && one.family === family && !/^fe[89ab]/i.test(one.address))
    .map(({ address }) => address)
    .slice(0, 1);
}

/** @param {unknown} value @returns {Map<string, string> | FindPassword | undefined} prepared */
function checkCredentials(value) {
  if (value === undefined) return undefined;
  if (typeof value === 'function') return /** @type {FindPassword} */ (value);
  const rows = Object.entries(requireObject(/** @type {object} */ (value), 'options.credentials'));
  if (rows.length === 0) {
    throw argumentError(
      'options.credentials',
      'at least one user name with a password, or a function',
    );
  }
  return new Map(
    rows.map(([username, password]) => [
      prepareCredential(username, 'username'),
      prepareCredential(checkText(password, `options.credentials['${username}']`), 'password'),
    ]),
  );
}

/** @param {unknown} value @returns {string[]} */
export function checkSecrets(value) {
  if (value === undefined) return [];
  const secrets = Array.isArray(value) ? value : [value];
  const isGood =
    secrets.length > 0 &&
    secrets.length <= MAX_SECRETS &&
    secrets.every((one) => typeof one === 'string' && one.length > 0 && one.length <= 256);
  if (!isGood)
    throw argumentError(
      'options.secret',
      'a string of up to 256 characters, or up to four of them',
    );
  return secrets;
}

/** @param {TokenOptions | undefined} value */
export function checkTokens(value) {
  if (value === undefined) return { serverName: '', keys: [] };
  const { serverName = '', keys } = requireObject(value, 'options.tokens');
  if (checkText(serverName, 'options.tokens.serverName').length > MAX_SERVER_NAME) {
    throw argumentError(
      'options.tokens.serverName',
      `a name of up to ${MAX_SERVER_NAME} characters`,
    );
  }
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > MAX_TOKEN_KEYS) {
    throw argumentError('options.tokens.keys', `an array of one to ${MAX_TOKEN_KEYS} keys`);
  }
  return { serverName, keys: keys.map(checkTokenKey) };
}

/** @param {TokenOptions['keys'][number]} value @param {number} i @param {TokenOptions['keys']} all */
function checkTokenKey(value, i, all) {
  const name = `options.tokens.keys[${i}]`;
  const { kid, key, expiresAt } = requireObject(value, name);
  if (checkText(kid, `${name}.kid`) === '' || all.findIndex((one) => one.kid === kid) !== i) {
    throw argumentError(`${name}.kid`, 'a text that no other key has');
  }
  if (!isBytes(key) || (key.length !== 32 && key.length !== 16)) {
    throw argumentError(`${name}.key`, 'a Uint8Array of 32 bytes (A256GCM) or 16 (A128GCM)');
  }
  return { kid, key, expiresAt: checkInteger(expiresAt, `${name}.expiresAt`, 1, 0xffffffff) };
}

/** @param {unknown} value @returns {import('../codec/values.js').TransportAddress[]} */
function checkAlternates(value) {
  if (value === undefined) return [];
  const all = Array.isArray(value) ? value : [value];
  return all.map((one, i) => {
    const name = Array.isArray(value) ? `options.alternate[${i}]` : 'options.alternate';
    const [, literal, plain, port] = /^(?:\[([^\]]+)\]|([^[\]:]+)):(\d+)$/.exec(String(one)) ?? [];
    const address = literal ?? plain ?? '';
    if (isIP(address) === 0 || Number(port) < 1 || Number(port) > 0xffff) {
      throw argumentError(
        name,
        "an IP address and a port, such as '192.0.2.1:3478' or '[2001:db8::1]:3478'",
      );
    }
    return { address, port: Number(port), family: isIPv6(address) ? 'IPv6' : 'IPv4' };
  });
}

/** @param {PolicyOptions | undefined} value */
function checkPolicy(value) {
  const { allow = [], deny = [], nat64 = [], only } = requireObject(value ?? {}, 'options.policy');
  isTrue(only, 'options.policy.only');
  if (only === true && allow.length === 0) {
    throw argumentError(
      'options.policy.allow',
      'given with `only`: otherwise there is no peer to relay to',
    );
  }
  return {
    only: only === true,
    allow: checkTexts(allow, 'options.policy.allow'),
    deny: checkTexts(deny, 'options.policy.deny'),
    nat64: checkTexts(nat64, 'options.policy.nat64'),
  };
}

/**
 * An open relay, or a server that can let nobody in, is a mistake.
 *
 * @param {{ needsAuthentication: boolean, hasUsers: boolean, relay: object | undefined, listens: Listen[] }} what
 */
function checkSafety({ needsAuthentication, hasUsers, relay, listens }) {
  if (relay === undefined) return;
  if (needsAuthentication && !hasUsers) {
    throw argumentError(
      'options.credentials',
      'given, or options.secret: otherwise nobody can use the relay. For a server that only tells addresses, pass relay: false',
    );
  }
  if (!needsAuthentication && !listens.every(({ address }) => PRIVATE_USE.test(address))) {
    throw argumentError(
      'options.authentication',
      'true unless the server listens on loopback only: anybody could send through it, and it would look like you',
    );
  }
}
