// The options of a STUN client: checked, and brought into the form that the engine takes.
import { familyOf } from './address.js';
import { isTrue, requireObject } from './codec/arguments.js';
import { argumentError } from './errors.js';
import { checkInteger, checkMilliseconds, checkOneOf, checkSignal } from './option-checks.js';
import { webSocketCandidate } from './resolve/websocket-candidate.js';
import { prepareCredential } from './strings/prepare-credential.js';
import { portOf } from './uri.js';

/** @typedef {import('./engine/engine.js').BindingOptions} BindingOptions */
/** @typedef {import('./engine/engine.js').ClientSettings} ClientSettings */
/** @typedef {import('./ice-server.js').PlannedServer} PlannedServer */
/** @typedef {import('./platform/platform.js').Candidate} Candidate */
/** @typedef {import('./platform/platform.js').Platform} Platform */
/** @typedef {import('./strings/prepare-credential.js').StringProfile} StringProfile */
/** @typedef {import('./transports/transport.js').OpenTransport} OpenTransport */

/**
 * @typedef {object} StunCredentials
 * @property {string} username
 * @property {string} password
 * @property {'long-term' | 'short-term'} [mechanism] RFC 8489 section 9: 'long-term' (default) waits for the
 *   server's challenge, 'short-term' signs at once
 * @property {string} [realm] long-term: the only realm that may have them; default: whichever the server names
 * @property {StringProfile} [preparation] see prepareKey(); default 'opaque-string'
 */

/**
 * @typedef {object} Retransmission when a request is sent again (RFC 8489 section 6.2)
 * @property {number} [rtoMs] first wait, doubled each time; default 500
 * @property {number} [rc] requests in all, 1 to 14; default 7
 * @property {number} [rm] waits of `rtoMs` after the last request; default 16
 * @property {number} [tiMs] how long to wait on TCP and TLS; default 39,500
 */

/**
 * @typedef {object} StunOptions
 * @property {AbortSignal} [signal] rejects with `signal.reason`
 * @property {number} [timeoutMs] for everything together; default: what RFC 8489 lets a transaction take, 39.5 s
 *   for each address of the server
 * @property {'udp' | 'tcp' | 'tls' | 'ws' | OpenTransport} [transport] default: what the URI says. A function opens a transport of
 *   the caller's; the server's name is then left for it to resolve
 * @property {4 | 6} [family] use addresses of this family only; not with a WebSocket to a name
 * @property {StunCredentials} [credentials] default: those of the RTCIceServer, long-term
 * @property {import('./transports/tls.js').TlsOptions} [tls] options of node:tls, such as `ca` and `servername`
 * @property {import('./transports/websocket.js').WebSocketConstructor} [WebSocket] the class to use for WebSockets, such
 *   as that of the package ws; default: the global one, which Node has from version 22 on. It decides whom TLS trusts
 * @property {import('./transports/websocket.js').TicketSource} [ticket] of a gateway, for WebSockets: a string, or a function of
 *   `{ url, signal }` that gives one, and is asked for each WebSocket. It goes to no place that a server redirects to
 * @property {string} [proxy] URL of a proxy for TCP and TLS: http:// or https:// (CONNECT), socks5:// or socks5h://,
 *   with `user:password@` where it asks for that; the proxy looks names up. 'env': what HTTPS_PROXY, ALL_PROXY and
 *   NO_PROXY say. Default: none. UDP and WebSockets never go through it
 * @property {import('./transports/tls.js').TlsOptions} [proxyTls] options of node:tls for a proxy of https://
 * @property {string} [localAddress] address of this machine to use; not with a WebSocket
 * @property {number} [localPort]
 * @property {string} [software] text of SOFTWARE; default none
 * @property {boolean} [fingerprint] adds FINGERPRINT to requests
 * @property {Retransmission} [retransmission]
 * @property {'right' | 'left'} [featureBitOrder] of the server's nonce cookie, see nonceFeatures(); default 'right'
 * @property {import('./resolve/resolve-server.js').ResolveOptions['resolver']} [resolver] default: the system's
 */

/**
 * What a client needs to know besides its transport.
 *
 * @typedef {Omit<ClientSettings, 'isReliable' | 'server'> & { fingerprint: boolean }} Settings
 */

/** RFC 8489 section 14.14: fewer than 128 characters; of one byte each in src/client/binding.h. */
const MAX_SOFTWARE_BYTES = 127;

const encoder = new TextEncoder();
const NOTHING = new Uint8Array();
/** @type {readonly StringProfile[]} */
const PROFILES = ['opaque-string', 'saslprep', 'none'];

/**
 * @param {BindingOptions & { signal?: AbortSignal }} options
 * @throws {TypeError} ERR_INVALID_ARGUMENT
 */
export function checkBindOptions(options) {
  requireObject(options, 'options');
  checkSignal(options.signal, 'options.signal');
  isTrue(options.fingerprint, 'options.fingerprint');
  isTrue(options.changeIp, 'options.changeIp');
  isTrue(options.changePort, 'options.changePort');
  checkInteger(options.responsePort, 'options.responsePort', 1, 0xffff);
  checkInteger(options.paddingBytes, 'options.paddingBytes', 0, 0xffff);
}

/**
 * Everything that can be told to be wrong before a packet is sent.
 *
 * @param {StunOptions} options
 * @throws {TypeError} ERR_INVALID_ARGUMENT
 */
export function checkStunOptions(options) {
  const { signal, transport, family, localAddress, software, resolver } = requireObject(
    options,
    'options',
  );
  checkSignal(signal, 'options.signal');
  checkMilliseconds(options.timeoutMs, 'options.timeoutMs');
  if (typeof transport !== 'function')
    checkOneOf(transport, 'options.transport', ['udp', 'tcp', 'tls', 'ws']);
  checkOneOf(family, 'options.family', [4, 6]);
  checkOneOf(options.featureBitOrder, 'options.featureBitOrder', ['right', 'left']);
  checkInteger(options.localPort, 'options.localPort', 0, 0xffff);
  isTrue(options.fingerprint, 'options.fingerprint');
  for (const name of /** @type {const} */ (['tls', 'proxyTls', 'retransmission', 'credentials'])) {
    const { [name]: group = {} } = options;
    requireObject(group, `options.${name}`);
  }
  if (options.WebSocket !== undefined && typeof options.WebSocket !== 'function') {
    throw argumentError('options.WebSocket', 'a class such as WebSocket of the package ws');
  }
  if (options.ticket !== undefined && !['string', 'function'].includes(typeof options.ticket)) {
    throw argumentError('options.ticket', 'a string, or a function that gives one');
  }
  if (options.proxy !== undefined && typeof options.proxy !== 'string') {
    throw argumentError('options.proxy', "a URL such as 'http://proxy.example.org:3128', or 'env'");
  }
  if (resolver !== undefined && typeof resolver?.lookup !== 'function') {
    throw argumentError('options.resolver', 'an object with lookup() and resolveSrv()');
  }
  if (localAddress !== undefined && familyOf(String(localAddress)) === undefined) {
    throw argumentError('options.localAddress', 'an IP address');
  }
  if (software === undefined) return;
  if (typeof software !== 'string' || encoder.encode(software).length > MAX_SOFTWARE_BYTES) {
    throw argumentError('options.software', `a string of at most ${MAX_SOFTWARE_BYTES} bytes`);
  }
}

/** @param {unknown} value @param {'username' | 'password' | 'realm'} name @param {StringProfile | undefined} profile */
function prepare(value, name, profile) {
  if (typeof value !== 'string') throw argumentError(`options.credentials.${name}`, 'a string');
  return encoder.encode(prepareCredential(value, name, { profile }));
}

/**
 * @param {StunOptions} options
 * @param {Pick<PlannedServer, 'username' | 'credential'>} server
 * @returns {Pick<ClientSettings, 'mechanism' | 'username' | 'password' | 'realm'>}
 */
function readCredentials({ credentials }, { username, credential }) {
  const given =
    credentials ??
    (username !== undefined && credential !== undefined
      ? { username, password: credential }
      : undefined);
  if (given === undefined)
    return { mechanism: 'none', username: NOTHING, password: NOTHING, realm: NOTHING };
  const { mechanism = 'long-term', preparation, realm } = given;
  checkOneOf(mechanism, 'options.credentials.mechanism', ['long-term', 'short-term']);
  checkOneOf(preparation, 'options.credentials.preparation', PROFILES);
  return {
    mechanism,
    username: prepare(given.username, 'username', preparation),
    password: prepare(given.password, 'password', preparation),
    realm: realm === undefined ? NOTHING : prepare(realm, 'realm', preparation),
  };
}

/**
 * @param {StunOptions} options checked
 * @param {Pick<PlannedServer, 'username' | 'credential'>} server
 * @returns {Settings}
 */
export function clientSettings(options, server) {
  const { retransmission = {} } = options;
  return {
    ...readCredentials(options, server),
    software: options.software ?? '',
    fingerprint: options.fingerprint === true,
    rtoMs: checkMilliseconds(retransmission.rtoMs, 'options.retransmission.rtoMs'),
    rc: checkInteger(retransmission.rc, 'options.retransmission.rc', 1, 14),
    rm: checkInteger(retransmission.rm, 'options.retransmission.rm', 1, 0xffff),
    tiMs: checkMilliseconds(retransmission.tiMs, 'options.retransmission.tiMs'),
    featureBitsFromLeft: options.featureBitOrder === 'left',
  };
}

/**
 * The addresses to try. A transport of the caller's gets the name as it is.
 *
 * @param {PlannedServer} server
 * @param {StunOptions} options
 * @param {Platform['resolveServer']} resolveServer
 * @param {AbortSignal} signal
 * @returns {Promise<Candidate[]>}
 */
export async function candidatesFor({ uri }, options, resolveServer, signal) {
  const { transport, family, resolver, tls, proxy } = options;
  if (typeof transport !== 'function') {
    const servername = tls?.servername;
    return resolveServer(uri, { signal, family, transport, resolver, servername, proxy });
  }
  if (uri.transport === 'ws') return [webSocketCandidate(uri, { family })];
  const { host } = uri;
  const literal = familyOf(host);
  return [
    {
      transport: uri.secure ? 'tls' : (uri.transport ?? 'udp'),
      address: host,
      port: portOf(uri),
      family: literal ?? 'IPv4',
      host,
      via: literal === undefined ? 'address' : 'literal',
    },
  ];
}
