// From a server's name to a client that talks to it: all its addresses, and where it sends its clients on.
import { openTransport, resolveServer } from '#platform';
import { sharedEngine } from './engine/shared-engine.js';
import { argumentError, PosternError } from './errors.js';
import { planServers } from './ice-server.js';
import { race } from './race.js';
import { StunClient } from './stun-client.js';
import { candidatesFor, checkStunOptions, clientSettings } from './stun-options.js';

/** @typedef {import('./errors.js').AttemptReport} AttemptReport */
/** @typedef {import('./errors.js').ErrorDetails} ErrorDetails */
/** @typedef {import('./ice-server.js').PlannedServer} PlannedServer */
/** @typedef {import('./ice-server.js').ServerInput} ServerInput */
/** @typedef {import('./platform/platform.js').Candidate} Candidate */
/** @typedef {import('./stun-options.js').StunOptions} StunOptions */

/**
 * How a client came about.
 *
 * @typedef {object} Way
 * @property {string} url the server's, as the caller wrote it
 * @property {number} dnsMs
 * @property {number} connectMs
 * @property {AttemptReport[]} attempts those that failed before
 */

/**
 * What to do with a client once it is there. A failure moves on to the next address, or to where the server
 * points with 300 (Try Alternate).
 *
 * @template Result
 * @typedef {(client: StunClient, way: Way, signal: AbortSignal) => Promise<Result>} Use
 */

/** RFC 8305 section 8: Connection Attempt Delay. */
const HEAD_START_MS = 250;
/** Ours: more than any pool of servers that sends its clients on has a use for. */
const MAX_REDIRECTS = 5;

/** Which of several failures says most: the further it got, the more. */
const TELLING = [
  'ERR_STUN_RESPONSE',
  'ERR_STUN_UNAUTHENTICATED',
  'ERR_STUN_CREDENTIALS_NEEDED',
  'ERR_STUN_INTEGRITY',
  'ERR_STUN_BID_DOWN',
  'ERR_REDIRECT_LIMIT',
  'ERR_STREAM_DESYNCHRONISED',
  'ERR_STREAM_FRAME_TOO_LONG',
  'ERR_TRANSPORT_TLS',
  'ERR_TRANSPORT_PROXY',
  'ERR_TRANSPORT_CLOSED',
  'ERR_TRANSPORT_CONNECT',
  'ERR_STUN_TIMEOUT',
];

/** @param {unknown} error */
function rank(error) {
  const index = TELLING.indexOf(/** @type {{ code?: string }} */ (error)?.code ?? '');
  return index < 0 ? TELLING.length : index;
}

/** @param {Candidate} candidate */
const keyOf = ({ transport, address, port }) => `${transport} ${address} ${port}`;

/** @param {Candidate} candidate @param {unknown} error @returns {AttemptReport} */
function report({ transport, address, port }, error) {
  const { code = 'ERR_INTERNAL', message = String(error) } =
    /** @type {Partial<PosternError>} */ (error) ?? {};
  return { transport, address, port, code, message };
}

/**
 * Tries the addresses of one server.
 *
 * @template Result
 */
class Search {
  /** Failures that nothing has come of. @type {unknown[]} */ errors = [];
  /** What neither answered nor failed yet. @type {Set<Candidate>} */ underWay = new Set();
  /** Servers that were asked already (RFC 8489 section 10). @type {Set<string>} */
  #asked = new Set();
  #dnsMs = 0;

  /**
   * @param {PlannedServer} server
   * @param {StunOptions} options
   * @param {Use<Result>} use
   * @param {(result: Result) => void} discard
   * @param {AttemptReport[]} attempts gets a line for each way that failed
   */
  constructor(server, options, use, discard, attempts) {
    this.server = server;
    this.options = options;
    this.settings = clientSettings(options, server);
    this.use = use;
    this.discard = discard;
    this.attempts = attempts;
  }

  /** @param {AbortSignal} signal @returns {Promise<Result | undefined>} undefined when all ways failed */
  async run(signal) {
    const start = performance.now();
    let candidates;
    try {
      candidates = await candidatesFor(this.server, this.options, resolveServer, signal);
    } catch (error) {
      signal.throwIfAborted();
      this.errors.push(error);
      return undefined;
    }
    this.#dnsMs = performance.now() - start;
    // Before a clock of the network runs: compiling is no part of a round trip.
    await sharedEngine();
    signal.throwIfAborted();
    return this.#raceAmong(candidates, 0, signal);
  }

  /**
   * @param {Candidate[]} candidates
   * @param {number} redirects
   * @param {AbortSignal} signal
   */
  async #raceAmong(candidates, redirects, signal) {
    const { result } = await race(
      candidates,
      (candidate, inner) => this.#attempt(candidate, redirects, inner),
      { headStartMs: HEAD_START_MS, signal, discard: this.discard },
    );
    return result;
  }

  /**
   * @param {Candidate} candidate
   * @param {number} redirects that led to it
   * @param {AbortSignal} signal
   * @returns {Promise<Result>}
   */
  async #attempt(candidate, redirects, signal) {
    this.#asked.add(keyOf(candidate));
    this.underWay.add(candidate);
    try {
      return await this.#reach(candidate, signal);
    } catch (error) {
      signal.throwIfAborted();
      this.attempts.push(report(candidate, error));
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

  /** @param {Candidate} candidate @param {AbortSignal} signal */
  async #reach(candidate, signal) {
    const { options } = this;
    const start = performance.now();
    const transport = await openCandidate(candidate, options, signal);
    const connectMs = performance.now() - start;
    const client = await StunClient.over(transport, this.settings);
    const { url } = this.server;
    const way = { url, dnsMs: this.#dnsMs, connectMs, attempts: [...this.attempts] };
    return this.use(client, way, signal);
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
      .map((server) => ({ ...candidate, ...server, host: alternateDomain ?? candidate.host }));
  }
}

/**
 * @param {Candidate} candidate
 * @param {StunOptions} options
 * @param {AbortSignal} signal
 */
async function openCandidate(candidate, { transport, localAddress, localPort, tls }, signal) {
  // The name on the certificate is the candidate's: after a redirect it may be another than `servername`.
  const { servername: _, ...otherTls } = tls ?? {};
  const openOptions = { signal, localAddress, localPort, tls: otherTls };
  if (typeof transport !== 'function') return openTransport(candidate, openOptions);
  const opened = await transport(candidate, openOptions);
  if (typeof opened?.send === 'function' && typeof opened.close === 'function') return opened;
  throw argumentError('options.transport', 'a function that resolves to a transport');
}

/**
 * Runs `task` with a signal that ends with the caller's, or when the time is up.
 *
 * @template T
 * @param {StunOptions} options
 * @param {(signal: AbortSignal) => Promise<T>} task
 * @param {() => ErrorDetails} describe what is known when the time is up
 * @returns {Promise<T>}
 */
async function withDeadline({ signal, timeoutMs }, task, describe) {
  signal?.throwIfAborted();
  const deadline = new AbortController();
  const late = () => {
    const sentence = `No answer came within the ${timeoutMs} ms that were given.`;
    deadline.abort(new PosternError('ERR_STUN_TIMEOUT', sentence, describe()));
  };
  const timer = timeoutMs === undefined ? undefined : setTimeout(late, timeoutMs);
  try {
    return await task(
      signal === undefined ? deadline.signal : AbortSignal.any([signal, deadline.signal]),
    );
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Finds a way to the first of the servers that can be reached: of each, the addresses are tried with a head
 * start over one another.
 *
 * @template Result
 * @param {ServerInput} server
 * @param {StunOptions} options
 * @param {Use<Result>} use
 * @param {(result: Result) => void} [discard] gets the results of those that come too late
 * @returns {Promise<Result>}
 */
export async function reachServer(server, options, use, discard = () => {}) {
  const servers = planServers(server);
  checkStunOptions(options);
  /** @type {AttemptReport[]} */
  const attempts = [];
  const searches = servers.map((planned) => new Search(planned, options, use, discard, attempts));
  /** @type {Search<Result> | undefined} */
  let current;
  const run = async (/** @type {AbortSignal} */ signal) => {
    for (current of searches) {
      const result = await current.run(signal);
      if (result !== undefined) return result;
    }
    throw mostTelling(searches, attempts);
  };
  return withDeadline(options, run, () => {
    const waiting = new PosternError('ERR_STUN_TIMEOUT', 'No answer had come yet.');
    const unfinished = [...(current?.underWay ?? [])].map((one) => report(one, waiting));
    return { url: current?.server.url, attempts: [...attempts, ...unfinished] };
  });
}

/**
 * @param {Pick<Search<unknown>, 'server' | 'errors'>[]} searches all failed
 * @param {AttemptReport[]} attempts
 * @returns {unknown}
 */
function mostTelling(searches, attempts) {
  const errors = searches.flatMap(({ server, errors: found }) =>
    found.map((error) => ({ error, url: server.url })),
  );
  errors.sort((a, b) => rank(a.error) - rank(b.error));
  const [first] = errors;
  if (first?.error instanceof PosternError) {
    first.error.url ??= first.url;
    first.error.attempts = attempts;
  }
  return first?.error;
}
