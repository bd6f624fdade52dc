// A connection to a host, straight or through a proxy, for what is neither STUN nor TURN.
import { PosternError } from '../errors.js';
import { race } from '../race.js';
import { resolveServer } from '../resolve/through-proxy.js';
import { HEAD_START_MS } from '../search.js';
import { Dial } from '../transports/dial.js';
import { namedProxy } from '../transports/proxy/choose-proxy.js';
import { proxyTlsSettings } from '../transports/proxy/proxy-tls.js';
import { startTls, tlsSettings } from '../transports/start-tls.js';
import { checkTarget } from '../transports/target.js';
import { tlsError } from '../transports/tls-errors.js';
import { withLimit } from './with-limit.js';

/** @typedef {import('node:net').Socket} Socket */
/** @typedef {import('node:tls').TLSSocket} TLSSocket */
/** @typedef {import('../resolve/resolve-server.js').Candidate} Candidate */
/** @typedef {import('../uri.js').ServerUri} ServerUri */
/** @typedef {import('./options.js').MeasureOptions} MeasureOptions */

/**
 * Where to, and how.
 *
 * @typedef {object} Place
 * @property {ServerUri} uri
 * @property {4 | 6} [family] of the addresses; a proxy chooses itself
 * @property {string} [proxy]
 * @property {(socket: Socket) => TLSSocket} [secure] begins TLS on the connection; none: it stays plain
 */

/**
 * @typedef {object} Connection
 * @property {Socket} socket paused where bytes have come already; who gets it destroys it
 * @property {import('../transports/transport.js').OpenPhases & { dns: number }} phases ms
 * @property {Candidate} candidate that was connected to
 */

/** What TLS announces where HTTP is spoken. */
const HTTP = 'http/1.1';
/** @type {Readonly<Record<string, number>>} */
const PORTS = Object.freeze({ 'http:': 80, 'ws:': 80, 'https:': 443, 'wss:': 443 });

/** @param {URL} url @returns {number} */
export const portOfUrl = ({ port, protocol }) => Number(port) || PORTS[protocol];

/** @param {URL} url @returns {string} a name, or an address without brackets */
export const hostOfUrl = ({ hostname }) => hostname.replace(/^\[|\]$/g, '');

/**
 * The place of a URL of HTTP or WebSocket; with TLS, which checks the certificate, where it says so.
 *
 * @param {URL} url
 * @param {MeasureOptions} options
 * @param {string} [proxy]
 * @returns {Place}
 * @throws {TypeError} ERR_INVALID_ARGUMENT for 'options.tls'
 */
export function placeOfUrl(url, { tls = {} }, proxy) {
  const host = hostOfUrl(url);
  const isSecure = url.protocol === 'https:' || url.protocol === 'wss:';
  const settings = isSecure ? tlsSettings(tls, host, HTTP) : undefined;
  return {
    uri: { scheme: 'turn', host, port: portOfUrl(url), transport: 'tcp', secure: false },
    proxy,
    secure: settings && ((socket) => startTls(socket, settings)),
  };
}

/**
 * @param {Candidate} candidate
 * @param {Place} place
 * @param {MeasureOptions} options
 * @returns {Promise<Omit<Connection, 'phases'> & { phases: import('../transports/transport.js').OpenPhases }>}
 */
async function dial(candidate, { proxy: named, secure }, { signal, timeoutMs, proxyTls }) {
  const proxy = candidate.via === 'proxy' ? namedProxy(named) : undefined;
  const remote = checkTarget(candidate, { proxy });
  const settings = proxyTlsSettings({ proxy, proxyTls });
  const one = new Dial(remote, { kind: 'tcp', signal, timeoutMs, proxy, proxyTls: settings });
  /** @param {Socket} connected @returns {Socket | Promise<Socket>} */
  const open = (connected) => {
    if (secure === undefined) return connected;
    const secured = secure(connected);
    return one.step(secured, 'secureConnect', 'tls', {
      open: () => secured,
      destroy: () => secured.destroy(),
      toError: (cause) => tlsError(candidate, cause),
    });
  };
  const socket = await one.connect(open);
  return { socket, phases: one.phases, candidate };
}

/**
 * Of the addresses of a name, the first that can be connected to counts.
 *
 * @param {Place} place
 * @param {MeasureOptions} options
 * @returns {Promise<Connection>}
 * @throws {PosternError} ERR_DNS, ERR_TRANSPORT_CONNECT, ERR_TRANSPORT_PROXY, ERR_TRANSPORT_TLS; or `signal.reason`
 */
export async function openConnection(place, options) {
  const { signal, timeoutMs, resolver } = options;
  const { uri, family, proxy } = place;
  const start = performance.now();
  const tooLate = () =>
    new PosternError('ERR_DNS', `No answer about '${uri.host}' came within ${timeoutMs} ms.`, {
      phase: 'dns',
    });
  const candidates = await withLimit(options, tooLate, (limited) =>
    resolveServer(uri, { signal: limited, family, resolver, proxy }),
  );
  const dns = performance.now() - start;
  const left = Math.max(1, timeoutMs - dns);
  const { result, failures } = await race(
    candidates,
    (candidate, inner) => dial(candidate, place, { ...options, signal: inner, timeoutMs: left }),
    { headStartMs: HEAD_START_MS, signal, discard: ({ socket }) => void socket.destroy() },
  );
  if (result === undefined) throw failures[0].error;
  return { ...result, phases: { dns, ...result.phases } };
}
