// The options of allocate(): checked, and brought into the form that the engine takes.
import { isBytes, isTrue, requireObject } from '../codec/arguments.js';
import { argumentError } from '../errors.js';
import { checkInteger, checkMilliseconds, checkOneOf } from '../option-checks.js';
import { checkStunOptions, clientSettings } from '../stun-options.js';
import { DEFAULT_QUEUE_LENGTH } from './limits.js';
import { NO_CREDENTIALS, readTurnCredentials } from './turn-credentials.js';

/** @typedef {import('../engine/turn-types.js').AllocateRequest} AllocateRequest */
/** @typedef {import('../engine/turn-types.js').TurnCredentials} TurnCredentials */
/** @typedef {import('../ice-server.js').PlannedServer} PlannedServer */
/** @typedef {import('../reach-server.js').Strategy} Strategy */
/** @typedef {import('../stun-options.js').StunOptions} StunOptions */
/** @typedef {import('./turn-credentials.js').CredentialSource} CredentialSource */
/** @typedef {import('./turn-credentials.js').Credentials} Credentials */
/** @typedef {import('./turn-session.js').SessionSettings} SessionSettings */

/**
 * What allocate() takes besides the options of getMappedAddress().
 *
 * @typedef {object} TurnOptions
 * @property {Credentials | CredentialSource} [credentials] default: those of the RTCIceServer. A function is asked
 *   before the first request, and again in time before what it returned runs out
 * @property {Strategy} [strategy] of several servers, and several addresses: 'race' (default) gives each a head start
 *   over the next, over UDP first, then TCP, TLS and WebSocket; the first relay counts, and the others are given back.
 *   'sequence' tries a server when those before have failed
 * @property {number} [headStartMs] default 250, as RFC 8305 section 8 recommends
 * @property {'udp' | 'tcp'} [relayTransport] what the relay speaks with peers: 'udp' (default), or 'tcp' (RFC 6062),
 *   for which the server has to be reached over TCP or TLS
 * @property {4 | 6 | 'both'} [relayFamily] of the relayed address; default: the server's choice, which is IPv4
 * @property {true | 'reserve'} [evenPort] an even port; 'reserve' keeps the next one for another allocation
 * @property {Uint8Array} [reservationToken] of a relay that reserved a port: 8 bytes
 * @property {boolean} [dontFragment] datagrams to peers are not fragmented on their way (DONT-FRAGMENT), nor sent as
 *   ChannelData, which cannot say so; servers that cannot do it answer 420
 * @property {number} [lifetimeSeconds] default: the server's choice, mostly 600; it is renewed either way
 * @property {boolean} [mobility] asks for what move() needs (RFC 8016)
 * @property {number} [permissionLifetimeMs] for servers set to less than the 5 minutes of RFC 8656 section 9
 * @property {number} [channelLifetimeMs] for servers set to less than the 10 minutes of RFC 8656 section 12
 * @property {number} [refreshEveryMs] refreshes at least so often, to notice sooner that a server is gone
 * @property {number} [keepAliveMs] over UDP, a Binding indication when nothing was sent for so long, for NATs; default
 *   20,000; 0: none
 * @property {number} [queueLength] datagrams to keep for iteration and `readable`; default 1024
 */

/** @typedef {Omit<StunOptions, 'credentials'> & TurnOptions} AllocateOptions */

/**
 * NATs forget UDP bindings after two minutes at the earliest, by RFC 4787 section 4.3, but many after 30 seconds.
 */
const KEEP_ALIVE_MS = 20_000;
const TOKEN_BYTES = 8;
const MAX_SECONDS = 0xffffffff;
const MAX_QUEUE_LENGTH = 1_000_000;

/**
 * Everything that can be told to be wrong before a packet is sent.
 *
 * @param {AllocateOptions} options
 * @throws {TypeError} ERR_INVALID_ARGUMENT
 * @throws {import('../errors.js').PosternError} ERR_STRING_EMPTY, ERR_STRING_DISALLOWED
 */
export function checkAllocateOptions(options) {
  const { credentials, relayTransport, relayFamily, evenPort, reservationToken } = requireObject(
    options,
    'options',
  );
  checkStunOptions(stunOptions(options));
  if (credentials !== undefined && typeof credentials !== 'function') {
    readTurnCredentials(credentials, 'options.credentials');
  }
  checkOneOf(options.strategy, 'options.strategy', ['race', 'sequence']);
  checkMilliseconds(options.headStartMs, 'options.headStartMs');
  checkOneOf(relayTransport, 'options.relayTransport', ['udp', 'tcp']);
  checkOneOf(relayFamily, 'options.relayFamily', [4, 6, 'both']);
  checkOneOf(evenPort, 'options.evenPort', [true, false, 'reserve']);
  isTrue(options.dontFragment, 'options.dontFragment');
  isTrue(options.mobility, 'options.mobility');
  checkInteger(options.lifetimeSeconds, 'options.lifetimeSeconds', 1, MAX_SECONDS);
  checkMilliseconds(options.permissionLifetimeMs, 'options.permissionLifetimeMs');
  checkMilliseconds(options.channelLifetimeMs, 'options.channelLifetimeMs');
  checkMilliseconds(options.refreshEveryMs, 'options.refreshEveryMs');
  if (options.keepAliveMs !== 0) checkMilliseconds(options.keepAliveMs, 'options.keepAliveMs');
  checkInteger(options.queueLength, 'options.queueLength', 1, MAX_QUEUE_LENGTH);
  if (reservationToken !== undefined) {
    if (!isBytes(reservationToken) || reservationToken.length !== TOKEN_BYTES) {
      throw argumentError('options.reservationToken', `a Uint8Array of ${TOKEN_BYTES} bytes`);
    }
    // RFC 8656 section 7.1.
    if (evenPort) throw argumentError('options.evenPort', 'left out with a reservationToken');
    if (relayFamily !== undefined) {
      throw argumentError('options.relayFamily', 'left out with a reservationToken');
    }
  }
  if (relayTransport === 'tcp') checkTcpRelay(options);
}

/** RFC 6062 section 5.1 forbids them. @param {AllocateOptions} options */
function checkTcpRelay({ evenPort, dontFragment, reservationToken, transport }) {
  const others = { evenPort, dontFragment, reservationToken };
  for (const [name, value] of Object.entries(others)) {
    if (value) throw argumentError(`options.${name}`, "left out with relayTransport 'tcp'");
  }
  if (transport === 'udp') {
    throw argumentError('options.transport', "'tcp', 'tls' or 'ws' with relayTransport 'tcp'");
  }
}

/** Those that STUN and TURN share. @param {AllocateOptions} options @returns {StunOptions} */
export function stunOptions(options) {
  return { .../** @type {StunOptions} */ (options), credentials: undefined };
}

/**
 * @param {AllocateOptions} options checked
 * @param {TurnCredentials | undefined} credentials that the caller's function has returned
 * @param {PlannedServer} server
 * @returns {SessionSettings}
 */
export function sessionSettings(options, credentials, server) {
  return {
    ...clientSettings(stunOptions(options), {}),
    ...(credentials ?? credentialsFor(options, server)),
    permissionLifetimeMs: options.permissionLifetimeMs ?? 0,
    channelLifetimeMs: options.channelLifetimeMs ?? 0,
    refreshEveryMs: options.refreshEveryMs ?? 0,
    keepAliveMs: options.keepAliveMs ?? KEEP_ALIVE_MS,
  };
}

/** @param {AllocateOptions} options @param {PlannedServer} server @returns {TurnCredentials} */
function credentialsFor({ credentials }, { username, credential }) {
  if (credentials !== undefined && typeof credentials !== 'function') {
    return readTurnCredentials(credentials, 'options.credentials');
  }
  if (username === undefined || credential === undefined) return NO_CREDENTIALS;
  return readTurnCredentials({ username, credential }, 'server');
}

/** @param {AllocateOptions} options checked @returns {AllocateRequest} */
export function allocateRequest(options) {
  return {
    transport: options.relayTransport,
    family: options.relayFamily,
    evenPort: options.evenPort,
    reservationToken: options.reservationToken,
    dontFragment: options.dontFragment,
    lifetimeSeconds: options.lifetimeSeconds,
    mobility: options.mobility,
  };
}

/** @param {AllocateOptions} options checked */
export const queueLengthOf = ({ queueLength = DEFAULT_QUEUE_LENGTH }) => queueLength;
