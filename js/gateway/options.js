// The options of createGateway(): checked, and what is unsafe refused with the words that mend it.

import { requireObject } from '../codec/arguments.js';
import { argumentError } from '../errors.js';
import { checkAdmin } from '../metrics/admin-listener.js';
import { checkInteger, checkSignal } from '../option-checks.js';
import { checkTrustProxy } from './client-address.js';
import { checkOrigin } from './origins.js';
import { ticketSecrets } from './tickets.js';

/** @typedef {import('../metrics/admin-listener.js').AdminOptions} AdminOptions */
/** @typedef {import('./client-address.js').TrustedProxies} TrustedProxies */
/** @typedef {import('./core.js').PeerPolicy} PeerPolicy */
/** @typedef {import('./log.js').LogEntry} LogEntry */
/** @typedef {import('./upstream.js').UpstreamOptions} UpstreamOptions */

/**
 * Bounds. A connection that is over one of the rates is not read until it is below: it waits, and nothing is lost.
 *
 * @typedef {object} Limits
 * @property {number} [connections] in all; default 1000
 * @property {number} [connectionsPerIp] of one IPv4 address or IPv6 /64; default 8
 * @property {number} [connectionsPerUser] of the user that tickets name; default 4
 * @property {number} [connectsPerMinutePerIp] attempts, also those that are refused; default 30
 * @property {number} [messagesPerSecond] of one connection, both ways together, with a second's worth at once; default 2000
 * @property {number} [bytesPerSecond] likewise; default 1,250,000
 * @property {number} [messagesPerSecondPerIp] of all connections of an address; default four times messagesPerSecond
 * @property {number} [bytesPerSecondPerIp] default four times bytesPerSecond
 * @property {number} [messagesPerSecondPerUser] default twice messagesPerSecond
 * @property {number} [bytesPerSecondPerUser] default twice bytesPerSecond
 * @property {number} [bufferBytes] that wait to be sent, for each direction of a connection; default 262,144
 * @property {number} [requestMs] until the request of the upgrade has come, whole, on a port of the gateway's; default 5000
 * @property {number} [connectMs] until the server has answered; default 5000
 * @property {number} [firstMessageMs] until the client has sent a message; default 5000
 * @property {number} [idleMs] without an allocation and without a message; default 60,000
 * @property {number} [pingMs] between two pings; a client that misses two of them is gone; default 25,000
 * @property {number} [stuckMs] how long one side may take no bytes; default 10,000
 * @property {number} [sessionMs] of one connection; default 4 hours
 */

/**
 * @typedef {object} TicketRules
 * @property {string | Uint8Array | readonly (string | Uint8Array)[]} secret that createTicket() signs with, 16 bytes or more;
 *   several while one takes another's place
 * @property {(id: string, expiresAt: number) => boolean | Promise<boolean>} [claim] where several gateways share a
 *   secret: remembers the ticket until `expiresAt` where all of them see it, and tells whether it was not there yet (SET NX PXAT
 *   of Redis). Without it each gateway remembers its own
 */

/**
 * @typedef {object} GatewayOptions
 * @property {import('node:http').Server | import('node:https').Server} [server] to serve on, beside whatever else it serves; it
 *   stays open, and its limits stay yours. Or `port`
 * @property {number} [port] to listen on with a server of its own; 0: any that is free
 * @property {string} [address] default '127.0.0.1'
 * @property {import('node:tls').SecureContextOptions} [tls] certificate and key, for wss:// on `port`
 * @property {string} [path] before the name of the upstream; default '/turn'
 * @property {Record<string, string | UpstreamOptions>} upstreams TURN servers by the names that clients know them by
 * @property {readonly string[] | false} origins pages that may connect, such as 'https://app.example.org'; false: none, only
 *   clients that are no pages
 * @property {TicketRules | false} tickets false: everybody who sends one of the origins may connect, and whoever is no
 *   browser can
 * @property {PeerPolicy} [policy] to which peers clients may relay; default: the public Internet only
 * @property {Limits} [limits]
 * @property {TrustedProxies} [trustProxy] whether X-Forwarded-For tells the client's address: false (default), how many
 *   proxies there are, or their addresses
 * @property {AdminOptions} [admin] metrics, /healthz and /readyz, on a listener of their own; default: none
 * @property {((entry: LogEntry) => void) | NodeJS.WritableStream} [log] gets each event, or lines of JSON
 * @property {boolean} [logAddresses] logs addresses of clients as they are; default: as a hash
 * @property {import('../resolve/system-resolver.js').NameResolver} [resolver] default: the system's
 * @property {AbortSignal} [signal] closes the gateway
 */

/** @typedef {Required<Limits>} CheckedLimits */

/** What docs/gateway.md says, too. */
export const DEFAULT_LIMITS = {
  connections: 1000,
  connectionsPerIp: 8,
  connectionsPerUser: 4,
  connectsPerMinutePerIp: 30,
  messagesPerSecond: 2000,
  bytesPerSecond: 1_250_000,
  bufferBytes: 256 * 1024,
  requestMs: 5000,
  connectMs: 5000,
  firstMessageMs: 5000,
  idleMs: 60_000,
  pingMs: 25_000,
  stuckMs: 10_000,
  sessionMs: 4 * 3_600_000,
};
/** In connections' worth. */
const PER_IP = 4;
const PER_USER = 2;
/** Two of the longest messages. */
const LEAST_BUFFER_BYTES = 128 * 1024;

const PATH = /^(\/[\w.~-]+)+$/;
const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1)$/;

/**
 * @param {GatewayOptions} options
 * @returns {{ port: number, address: string, path: string, isSecure: boolean, origins: Set<string>,
 *   secrets: Uint8Array[] | undefined, claim: TicketRules['claim'], limits: CheckedLimits }}
 * @throws {TypeError} ERR_INVALID_ARGUMENT
 */
export function checkGatewayOptions(options) {
  const { server, port, path = '/turn', admin, signal, log } = requireObject(options, 'options');
  checkSignal(signal, 'options.signal');
  if ((server === undefined) === (port === undefined)) {
    throw argumentError(
      'options.server',
      'an http.Server or https.Server to serve on, or left out with a port to listen on in options.port: one of the two',
    );
  }
  if (server !== undefined && typeof server?.on !== 'function') {
    throw argumentError('options.server', 'an http.Server or https.Server');
  }
  checkInteger(port, 'options.port', 0, 0xffff);
  if (!PATH.test(path)) {
    throw argumentError('options.path', "a path such as '/turn', without a slash at its end");
  }
  const address = checkListener(options);
  const origins = checkOrigins(options);
  const secrets = checkTickets(options);
  checkTrustProxy(options.trustProxy, 'options.trustProxy');
  if (admin !== undefined) checkAdmin(admin, 'options.admin');
  const isLog =
    typeof log === 'function' || typeof (/** @type {any} */ (log)?.write) === 'function';
  if (log !== undefined && !isLog) {
    throw argumentError('options.log', 'a function, or a stream such as process.stdout');
  }
  return {
    port: port ?? 0,
    address,
    path,
    isSecure: options.tls !== undefined,
    origins,
    secrets,
    claim: options.tickets ? options.tickets.claim : undefined,
    limits: checkLimits(options.limits ?? {}),
  };
}

/** @param {GatewayOptions} options @returns {string} */
function checkListener({ server, address = '127.0.0.1', tls, trustProxy = false }) {
  if (server !== undefined) {
    if (tls !== undefined) {
      throw argumentError('options.tls', 'left out with options.server, which brings its own');
    }
    return address;
  }
  if (typeof address !== 'string') throw argumentError('options.address', 'an IP address');
  if (!LOOPBACK.test(address) && tls === undefined && trustProxy === false) {
    throw argumentError(
      'options.tls',
      `given to listen on ${address}: pages of https open no ws:// WebSocket, and tickets would be read on the way. ` +
        "Behind a proxy that does TLS, say so in options.trustProxy; for this machine alone, listen on '127.0.0.1'",
    );
  }
  return address;
}

/** @param {GatewayOptions} options @returns {Set<string>} */
function checkOrigins({ origins, tickets }) {
  if (origins === false) {
    if (tickets) return new Set();
    throw argumentError(
      'options.tickets',
      'given where options.origins is false: nothing else would tell clients from strangers',
    );
  }
  if (!Array.isArray(origins) || origins.length === 0) {
    throw argumentError(
      'options.origins',
      "a list of the pages' origins, such as ['https://app.example.org'], or false where no client is a page",
    );
  }
  return new Set(origins.map((origin, i) => checkOrigin(origin, `options.origins[${i}]`)));
}

/** @param {GatewayOptions} options @returns {Uint8Array[] | undefined} */
function checkTickets({ tickets }) {
  if (tickets === false) return undefined;
  if (typeof tickets !== 'object' || tickets === null) {
    throw argumentError(
      'options.tickets',
      'an object { secret }, the secret that createTicket() signs with; or false, for a gateway that lets in whoever ' +
        'sends one of the origins, which any program can',
    );
  }
  if (tickets.claim !== undefined && typeof tickets.claim !== 'function') {
    throw argumentError('options.tickets.claim', 'a function');
  }
  return ticketSecrets(tickets.secret, 'options.tickets.secret');
}

/** @param {Limits} given @returns {CheckedLimits} */
function checkLimits(given) {
  requireObject(given, 'options.limits');
  const base = { ...DEFAULT_LIMITS, ...given };
  /** @type {CheckedLimits} */
  const limits = {
    messagesPerSecondPerIp: PER_IP * base.messagesPerSecond,
    bytesPerSecondPerIp: PER_IP * base.bytesPerSecond,
    messagesPerSecondPerUser: PER_USER * base.messagesPerSecond,
    bytesPerSecondPerUser: PER_USER * base.bytesPerSecond,
    ...base,
  };
  for (const [name, value] of Object.entries(limits)) {
    if (!(name in base) && !name.includes('PerSecondPer')) continue;
    const least = name === 'bufferBytes' ? LEAST_BUFFER_BYTES : 1;
    if (typeof value === 'number' && value >= least) continue;
    throw argumentError(`options.limits.${name}`, `a number of ${least} or more, or Infinity`);
  }
  const unknown = Object.keys(given).find(
    (name) => !(name in DEFAULT_LIMITS) && !/^(messages|bytes)PerSecondPer(Ip|User)$/.test(name),
  );
  // A limit that is spelt wrong would be none.
  if (unknown !== undefined) {
    throw argumentError(`options.limits.${unknown}`, 'left out: there is no such limit');
  }
  return limits;
}
