// One server: its addresses, the transports to them, and where it sends its clients on.
import { openTransport, resolveServer } from '#platform';
import { clockOf } from './clock.js';
import { sharedEngine } from './engine/shared-engine.js';
import { argumentError, PosternError } from './errors.js';
import { race } from './race.js';
import { candidatesFor } from './stun-options.js';
import { webSocketUrlOf } from './uri.js';

/** @typedef {import('./errors.js').AttemptPhases} AttemptPhases */
/** @typedef {import('./errors.js').AttemptReport} AttemptReport */
/** @typedef {import('./ice-server.js').PlannedServer} PlannedServer */
/** @typedef {import('./platform/platform.js').Candidate} Candidate */
/** @typedef {import('./stun-options.js').StunOptions} StunOptions */
/** @typedef {import('./transports/tls.js').AlpnLabel} AlpnLabel */
/** @typedef {import('./transports/transport.js').OpenOptions} OpenOptions */
/** @typedef {import('./transports/transport.js').Transport} Transport */

/**
 * An open transport to a server, and how it came about.
 *
 * @typedef {object} Way
 * @property {PlannedServer} server
 * @property {Candidate} candidate
 * @property {Transport} transport belongs to the user of the way, who closes it
 * @property {(options: OpenOptions) => Promise<Transport>} open another transport of the same kind to the same place
 * @property {import('./clock.js').Clock} clock the transport's
 * @property {number} dnsMs
 * @property {number} connectMs with the proxy and the TLS handshake; transport.phases may tell them apart
 * @property {readonly AttemptReport[]} attempts those that have failed so far; it grows while others are under way
 */

/**
 * What is done with the ways to a server.
 *
 * @template Result
 * @typedef {object} Task
 * @property {(way: Way, signal: AbortSignal) => Promise<Result>} use a failure moves on to the next address, or to
 *   where the server points with 300 (Try Alternate)
 * @property {(signal: AbortSignal) => Promise<void>} [prepare] comes first, within the time that is given; a failure
 *   is the end
 * @property {(result: Result) => void} [discard] gets the results of those that come too late
 * @property {AlpnLabel} [alpn] the usage that TLS announces (RFC 7443)
 * @property {number} [headStartMs] of one address over the next
 */

/** RFC 8305 section 8: Connection Attempt Delay. */
export const HEAD_START_MS = 250;
/** Ours: more than any pool of servers that sends its clients on has a use for. */
const MAX_REDIRECTS = 5;

/** @param {Candidate} candidate */
export const keyOf = ({ transport, address, port, url = '' }) =>
  `${transport} ${address} ${port} ${url}`;

/**
 * @param {string} url the server's
 * @param {Candidate} candidate
 * @param {unknown} error
 * @param {AttemptPhases} [phases] that were done
 * @returns {AttemptReport}
 */
export function attemptReport(url, { transport, address, port }, error, phases) {
  const {
    code = 'ERR_INTERNAL',
    message = String(error),
    errorCode,
  } = /** @type {Partial<PosternError>} */ (error) ?? {};
  const report = { url, transport, address, port, code, message };
  return {
    ...report,
    ...(errorCode === undefined ? {} : { errorCode }),
    ...(phases === undefined ? {} : { phases }),
  };
}

const NO_WEBSOCKET_THERE =
  'The server behind the WebSocket sends its clients on to this address (300 Try Alternate), but no TURN server over ' +
  'WebSocket was found there: turn that off at the server, or let it name a gateway.';

/**
 * The place that an answer of 300 (Try Alternate) names, reached over the same transport (RFC 8489 section 10). Over
 * WebSocket, that is what `turn:address:port?transport=ws` means, or `turns:`: path and query are the first place's, and
 * may hold keys. Whether a server is there that can be reached so, shows when the sub-protocol is chosen.
 *
 * @param {Candidate} candidate
 * @param {import('./address.js').TransportAddress} place
 * @param {string | undefined} domain to expect in its certificate
 * @returns {Candidate | undefined} undefined: a WebSocket cannot be opened to such a domain
 */
function movedTo(candidate, place, domain) {
  const moved = { ...candidate, ...place, host: domain ?? candidate.host };
  if (candidate.url === undefined) return moved;
  const secure = candidate.url.startsWith('wss:');
  // A WebSocket checks the certificate against the host of its URL.
  const host = domain ?? place.address;
  try {
    return { ...moved, url: webSocketUrlOf({ host, port: place.port, secure }).href };
  } catch {
    return undefined;
  }
}

/** Whether a WebSocket leads to where the caller wanted: no other place gets a ticket. @param {PlannedServer} server @param {Candidate} candidate */
const isFirstPlace = ({ uri }, { url }) => url !== undefined && url === webSocketUrlOf(uri).href;

/** @param {Candidate} candidate to which a redirection led @param {unknown} error */
function explainRedirect({ transport }, error) {
  if (transport === 'ws' && error instanceof PosternError && error.code === 'ERR_TRANSPORT_CONNECT')
    error.hint = NO_WEBSOCKET_THERE;
}

/**
 * Tries the addresses of one server.
 *
 * @template Result
 */
export class Search {
  /** Failures that nothing has come of. @type {unknown[]} */ errors = [];
  /** What neither answered nor failed yet, and how far it is. @type {Map<Candidate, AttemptPhases>} */
  underWay = new Map();
  /** Places that were asked already (RFC 8489 section 10). @type {Set<string>} */
  #asked = new Set();
  #dnsMs = 0;
  #clock;

  /**
   * @param {PlannedServer} server
   * @param {StunOptions} options checked
   * @param {Task<Result>} task
   * @param {AttemptReport[]} attempts gets a line for each way that failed
   */
  constructor(server, options, task, attempts) {
    this.server = server;
    this.options = options;
    this.task = task;
    this.attempts = attempts;
    this.#clock = clockOf(options.transport);
  }

  /** @param {AbortSignal} signal @returns {Promise<Result | undefined>} undefined when all ways failed */
  async run(signal) {
    const candidates = await this.resolve(signal);
    if (candidates.length === 0) return undefined;
    // Before a clock of the network runs: compiling is no part of a round trip.
    await sharedEngine({ clock: this.#clock });
    signal.throwIfAborted();
    return this.#raceAmong(candidates, 0, signal);
  }

  /** @param {AbortSignal} signal @returns {Promise<Candidate[]>} none when the name has none */
  async resolve(signal) {
    const start = this.#clock.now();
    try {
      return await candidatesFor(this.server, this.options, resolveServer, signal);
    } catch (error) {
      signal.throwIfAborted();
      this.errors.push(error);
      return [];
    } finally {
      this.#dnsMs = this.#clock.now() - start;
    }
  }

  /**
   * @param {Candidate[]} candidates
   * @param {number} redirects
   * @param {AbortSignal} signal
   */
  async #raceAmong(candidates, redirects, signal) {
    const { headStartMs = HEAD_START_MS, discard } = this.task;
    const { result } = await race(
      candidates,
      (candidate, inner) => this.attempt(candidate, inner, redirects),
      { headStartMs, signal, clock: this.#clock, discard },
    );
    return result;
  }

  /**
   * @param {Candidate} candidate
   * @param {AbortSignal} signal
   * @param {number} [redirects] that led to it
   * @returns {Promise<Result>}
   */
  async attempt(candidate, signal, redirects = 0) {
    this.#asked.add(keyOf(candidate));
    /** @type {AttemptPhases} */
    const phases = { dns: this.#dnsMs };
    this.underWay.set(candidate, phases);
    try {
      return await this.#reach(candidate, phases, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (redirects > 0) explainRedirect(candidate, error);
      this.attempts.push(attemptReport(this.server.url, candidate, error, phases));
      this.underWay.delete(candidate);
      const alternates = this.#alternatesOf(candidate, error);
      const fresh = alternates.filter((alternate) => !this.#asked.has(keyOf(alternate)));
      if (alternates.length === 0) this.errors.push(error);
      else if (fresh.length === 0 || redirects === MAX_REDIRECTS) {
        this.errors.push(
          new PosternError('ERR_REDIRECT_LIMIT', undefined, { phase: 'redirect', cause: error }),
        );
      } else {
        const result = await this.#raceAmong(fresh, redirects + 1, signal);
        if (result !== undefined) return result;
      }
      throw error;
    }
  }

  /** @param {Candidate} candidate @param {AttemptPhases} phases gets those that are done @param {AbortSignal} signal */
  async #reach(candidate, phases, signal) {
    const { server, options, task } = this;
    const { alpn } = task;
    const ticket = isFirstPlace(server, candidate) ? options.ticket : undefined;
    const open = (/** @type {OpenOptions} */ where) =>
      openCandidate(candidate, { ...options, ticket }, { ...where, alpn });
    const start = this.#clock.now();
    const { localAddress, localPort } = options;
    const transport = await open({ signal, localAddress, localPort });
    const connectMs = this.#clock.now() - start;
    Object.assign(phases, { connect: connectMs, ...transport.phases });
    const { attempts } = this;
    const [clock, dnsMs] = [this.#clock, this.#dnsMs];
    const way = { server, candidate, transport, open, clock, dnsMs, connectMs, attempts };
    return task.use(way, signal);
  }

  /**
   * Where an answer of 300 sends the client: over the same transport, with the same credentials.
   *
   * @param {Candidate} candidate
   * @param {unknown} error
   * @returns {Candidate[]} none for other failures
   */
  #alternatesOf(candidate, error) {
    if (!(error instanceof PosternError)) return [];
    const { alternateServers = [], alternateDomain } = error;
    const { family, localAddress } = this.options;
    const isFamilyFixed = family !== undefined || localAddress !== undefined;
    return alternateServers
      .filter(({ port }) => port > 0)
      .filter((server) => !isFamilyFixed || server.family === candidate.family)
      .map((server) => movedTo(candidate, server, alternateDomain))
      .filter((moved) => moved !== undefined);
  }
}

/**
 * @param {Candidate} candidate
 * @param {StunOptions} options
 * @param {OpenOptions & { alpn?: AlpnLabel }} where
 */
async function openCandidate(candidate, options, where) {
  const { transport, tls, proxy, proxyTls, WebSocket, ticket } = options;
  // The name on the certificate is the candidate's: after a redirect it may be another than `servername`.
  const { servername: _, ...otherTls } = tls ?? {};
  const openOptions = { ...where, tls: otherTls, proxy, proxyTls, WebSocket, ticket };
  if (typeof transport !== 'function') return openTransport(candidate, openOptions);
  const opened = await transport(candidate, openOptions);
  if (typeof opened?.send === 'function' && typeof opened.close === 'function') return opened;
  throw argumentError('options.transport', 'a function that resolves to a transport');
}
