// A TURN server behind the gateway: by what name it is known, where it is, and whether it may be there.

import { canonicalAddress } from '../address.js';
import { requireObject } from '../codec/arguments.js';
import { argumentError, PosternError } from '../errors.js';
import { abortable } from '../resolve/abortable.js';
import { chooseTransports } from '../resolve/choose-transports.js';
import { resolveServer } from '../resolve/resolve-server.js';
import { codeOf } from '../system-error.js';
import { tlsSettings } from '../transports/start-tls.js';
import { parseUri } from '../uri.js';
import { CLOSE } from './close-codes.js';
import { openLink } from './links.js';
import { UPSTREAM_NAME } from './tickets.js';

/** @typedef {import('../resolve/resolve-server.js').Candidate} Candidate */
/** @typedef {import('./core.js').GatewayCore} GatewayCore */
/** @typedef {import('./core.js').PeerPolicy} PeerPolicy */
/** @typedef {import('./links.js').Link} Link */
/** @typedef {import('./links.js').OpenLink} OpenLink */

/**
 * @typedef {object} UpstreamOptions
 * @property {string} url `turn:` or `turns:` URI (RFC 7065): over UDP, with `?transport=tcp` over TCP, with `turns:` over TLS
 * @property {true | readonly string[]} [allowPrivate] the server is in a network of your own: true for private and
 *   loopback addresses, or the prefixes that it may be in. Left out: its addresses have to be public
 * @property {import('../transports/start-tls.js').TlsOptions} [tls] for turns:, such as `ca`
 * @property {PeerPolicy} [policy] in place of that of the gateway
 */

/** What allowPrivate: true opens: RFC 1918, RFC 6598, RFC 4193 and loopback; no link-local address, where metadata is. */
const PRIVATE = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '127.0.0.0/8',
  'fc00::/7',
  '::1/128',
];

const LATE = Symbol('late');

/** Why a client's WebSocket is closed before it carries anything. */
export class UpstreamFailure extends Error {
  /**
   * @param {import('./close-codes.js').CloseCode} code
   * @param {string} reason a word of docs/gateway.md
   * @param {string} [detail] for the log
   */
  constructor(code, reason, detail) {
    super(reason);
    this.code = code;
    this.reason = reason;
    this.detail = detail;
  }
}

export class Upstream {
  #uri;
  #transport;
  #core;
  #addressPolicy;
  #tls;
  #resolver;

  /**
   * @param {string} name
   * @param {UpstreamOptions} options
   * @param {GatewayCore} core
   * @param {PeerPolicy} policy of the gateway
   * @param {import('../resolve/system-resolver.js').NameResolver | undefined} resolver
   */
  constructor(name, options, core, policy, resolver) {
    const argument = `options.upstreams.${name}`;
    this.name = name;
    this.#core = core;
    this.#resolver = resolver;
    this.#uri = readUrl(options.url, `${argument}.url`);
    this.#transport = chooseTransports(this.#uri)[0];
    const { allowPrivate, tls = {}, policy: own } = options;
    const allow = prefixesFor(allowPrivate, `${argument}.allowPrivate`);
    this.#addressPolicy = core.open({ allow }, `${argument}.allowPrivate`);
    const policyName = own === undefined ? 'options.policy' : `${argument}.policy`;
    /** To which peers its clients may relay: a handle of the core. */
    this.policy = core.open(requireObject(own ?? policy, policyName), policyName);
    if (this.#transport === 'tls') {
      this.#tls = tlsSettings(tls, this.#uri.host, 'stun.turn', `${argument}.tls`);
    }
    const literal = canonicalAddress(this.#uri.host);
    const range = literal && core.reasonAgainst(this.#addressPolicy, literal);
    if (range) {
      throw argumentError(
        `${argument}.url`,
        `at a public address (${literal} is ${range}), or ${argument}.allowPrivate has to name the prefix that it is in`,
      );
    }
  }

  /**
   * Connects. Each address that the name has is checked, and the connection stays at the one it was made to.
   *
   * @param {Omit<OpenLink, 'tls'>} options
   * @returns {Promise<Link>}
   * @throws {UpstreamFailure} or `signal.reason`
   */
  async open(options) {
    const { signal, timeoutMs } = options;
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(LATE), timeoutMs);
    const both = AbortSignal.any([signal, deadline.signal]);
    try {
      return await this.#openOne(await this.#addresses(both), { ...options, signal: both });
    } catch (error) {
      signal.throwIfAborted();
      if (error === LATE) throw new UpstreamFailure(CLOSE.unanswered, 'upstream-timeout');
      if (error instanceof UpstreamFailure) throw error;
      throw new UpstreamFailure(CLOSE.refused, 'upstream', detailOf(error));
    } finally {
      clearTimeout(timer);
    }
  }

  /** @param {AbortSignal} signal @returns {Promise<Candidate[]>} */
  async #addresses(signal) {
    const options = { signal, transport: this.#transport, resolver: this.#resolver };
    const candidates = await abortable(resolveServer(this.#uri, options), signal);
    for (const { address } of candidates) {
      const range = this.#core.reasonAgainst(this.#addressPolicy, address);
      // One that is not allowed says that the name is in the wrong hands, or means another network: none is used then.
      if (range !== undefined) throw new UpstreamFailure(CLOSE.denied, 'upstream', range);
    }
    return candidates;
  }

  /** @param {Candidate[]} candidates @param {Omit<OpenLink, 'tls'>} options @returns {Promise<Link>} */
  async #openOne(candidates, { timeoutMs, ...options }) {
    const start = performance.now();
    /** @type {unknown} */
    let failure;
    for (const [i, candidate] of candidates.entries()) {
      const left = timeoutMs - (performance.now() - start);
      // Those that come after get their share of the time, too.
      const share = left / (candidates.length - i);
      try {
        return await openLink(candidate, { ...options, timeoutMs: share, tls: this.#tls });
      } catch (error) {
        options.signal.throwIfAborted();
        failure = error;
      }
    }
    throw failure;
  }
}

/** @param {unknown} error @returns {string} */
const detailOf = (error) =>
  codeOf(/** @type {Error} */ (error).cause) ?? codeOf(error) ?? 'unknown';

/** @param {unknown} url @param {string} name */
function readUrl(url, name) {
  if (typeof url !== 'string') {
    throw argumentError(name, "a URI such as 'turn:turn.example.org?transport=tcp'");
  }
  let uri;
  try {
    uri = parseUri(url);
    chooseTransports(uri);
  } catch (error) {
    const { code, message, hint } = /** @type {PosternError} */ (error);
    throw new PosternError(code, `${name}: ${message}`, { hint });
  }
  if (uri.scheme !== 'turn' && uri.scheme !== 'turns') {
    throw argumentError(name, 'a turn: or turns: URI; others have nothing to relay');
  }
  if (uri.transport === 'ws') {
    throw argumentError(name, 'reached over UDP, TCP or TLS: a gateway leads to no other gateway');
  }
  return uri;
}

/** @param {unknown} allowPrivate @param {string} name @returns {readonly string[]} */
function prefixesFor(allowPrivate, name) {
  if (allowPrivate === undefined) return [];
  if (allowPrivate === true) return PRIVATE;
  if (Array.isArray(allowPrivate) && allowPrivate.length > 0) return allowPrivate;
  throw argumentError(name, "true, a list of prefixes such as ['10.1.2.0/24'], or left out");
}

/**
 * @param {unknown} upstreams
 * @param {GatewayCore} core
 * @param {Pick<import('./options.js').GatewayOptions, 'policy' | 'resolver'>} options
 * @returns {Map<string, Upstream>}
 * @throws {TypeError} ERR_INVALID_ARGUMENT
 */
export function openUpstreams(upstreams, core, { policy = {}, resolver }) {
  requireObject(policy, 'options.policy');
  const entries = typeof upstreams === 'object' && upstreams !== null && Object.entries(upstreams);
  if (!entries || Array.isArray(upstreams) || entries.length === 0) {
    throw argumentError(
      'options.upstreams',
      "an object of at least one TURN server by name, such as { main: 'turn:turn.example.org?transport=tcp' }",
    );
  }
  return new Map(
    entries.map(([name, given]) => {
      if (!UPSTREAM_NAME.test(name)) {
        throw argumentError(
          'options.upstreams',
          `of names of 1 to 64 letters, digits, '-' and '_', unlike ${JSON.stringify(name)}: clients choose among them`,
        );
      }
      const own = typeof given === 'string' ? { url: given } : given;
      requireObject(own, `options.upstreams.${name}`);
      return [name, new Upstream(name, own, core, policy, resolver)];
    }),
  );
}
