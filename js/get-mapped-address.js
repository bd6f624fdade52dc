// "What is my public address?": from a server's name to its answer.
import { openTransport, resolveServer } from '#platform';
import { sharedEngine } from './engine/shared-engine.js';
import { argumentError, PosternError } from './errors.js';
import { planServers } from './ice-server.js';
import { race } from './race.js';
import { StunClient } from './stun-client.js';
import { candidatesFor, checkStunOptions, clientSettings } from './stun-options.js';

/** @typedef {import('./codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('./errors.js').AttemptReport} AttemptReport */
/** @typedef {import('./ice-server.js').PlannedServer} PlannedServer */
/** @typedef {import('./ice-server.js').ServerInput} ServerInput */
/** @typedef {import('./platform/platform.js').Candidate} Candidate */
/** @typedef {import('./stun-client.js').BindingResult} BindingResult */
/** @typedef {import('./stun-options.js').StunOptions} StunOptions */

/**
 * How long each step took, in milliseconds.
 *
 * @typedef {object} PhaseTimes
 * @property {number} dns
 * @property {number} connect with the TLS handshake
 * @property {number} request with retransmissions and answers to challenges
 */

/**
 * @typedef {BindingResult & { url: string, phases: PhaseTimes, attempts: AttemptReport[] }} MappedAddressResult
 *   `url` is the server's that answered, as the caller wrote it; `attempts` are the ways that failed before
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
  'ERR_TRANSPORT_TLS',
  'ERR_TRANSPORT_CLOSED',
  'ERR_TRANSPORT_CONNECT',
  'ERR_STUN_TIMEOUT',
];

/** @param {unknown} error */
function rank(error) {
  const index = TELLING.indexOf(/** @type {{ code?: string }} */ (error)?.code ?? '');
  return index < 0 ? TELLING.length : index;
}

/**
 * Follows the servers of one URL until one answers.
 */
class Search {
  /** @type {AttemptReport[]} */ attempts = [];
  /** @type {unknown[]} */ errors = [];
  /** Servers that were asked already (RFC 8489 section 10). @type {Set<string>} */ #asked =
    new Set();

  /**
   * @param {PlannedServer} server
   * @param {StunOptions} options
   * @param {AbortSignal} signal
   */
  constructor(server, options, signal) {
    this.server = server;
    this.options = options;
    this.signal = signal;
    this.settings = clientSettings(options, server);
  }

  /** @returns {Promise<MappedAddressResult | undefined>} undefined when all ways failed */
  async run() {
    const { server, options, signal } = this;
    const start = performance.now();
    let candidates;
    try {
      candidates = await candidatesFor(server, options, resolveServer, signal);
    } catch (error) {
      signal.throwIfAborted();
      this.errors.push(error);
      return undefined;
    }
    const dns = performance.now() - start;
    for (let redirects = 0; candidates.length > 0; redirects += 1) {
      const { result, failures } = await race(
        candidates,
        (candidate, inner) => this.#ask(candidate, inner),
        {
          headStartMs: HEAD_START_MS,
          signal,
        },
      );
      this.#report(failures);
      if (result !== undefined) {
        const { phases, ...found } = result;
        return { ...found, url: server.url, phases: { dns, ...phases }, attempts: this.attempts };
      }
      candidates = this.#alternates(failures);
      if (candidates.length > 0 && redirects === MAX_REDIRECTS) {
        this.errors.push(new PosternError('ERR_REDIRECT_LIMIT', undefined, { phase: 'redirect' }));
        return undefined;
      }
    }
    return undefined;
  }

  /** @param {Candidate} candidate @param {AbortSignal} signal */
  async #ask(candidate, signal) {
    const { options } = this;
    this.#asked.add(keyOf(candidate));
    const start = performance.now();
    const transport = await openCandidate(candidate, options, signal);
    const connected = performance.now();
    const client = await StunClient.over(transport, this.settings);
    try {
      const result = await client.bind({ signal, fingerprint: options.fingerprint });
      return {
        ...result,
        phases: { connect: connected - start, request: performance.now() - connected },
      };
    } finally {
      await client.close();
    }
  }

  /** @param {{ candidate: Candidate, error: unknown }[]} failures */
  #report(failures) {
    for (const { candidate, error } of failures) {
      const { transport, address, port } = candidate;
      const { code = 'ERR_INTERNAL', message = String(error) } =
        /** @type {Partial<PosternError>} */ (error) ?? {};
      this.attempts.push({ transport, address, port, code, message });
      this.errors.push(error);
    }
  }

  /** @param {{ candidate: Candidate, error: unknown }[]} failures @returns {Candidate[]} */
  #alternates(failures) {
    /** @type {Candidate[]} */
    const candidates = [];
    for (const { candidate, error } of failures) {
      if (!(error instanceof PosternError)) continue;
      const { alternateServers = [], alternateDomain } = error;
      for (const { address, port, family } of alternateServers) {
        // The same transport and credentials; over TLS the name to expect is the domain's, if there is one.
        const next = {
          ...candidate,
          address,
          port,
          family,
          host: alternateDomain ?? candidate.host,
        };
        if (!this.#asked.has(keyOf(next))) candidates.push(next);
      }
    }
    return candidates;
  }
}

/** @param {Candidate} candidate */
const keyOf = ({ transport, address, port }) => `${transport} ${address} ${port}`;

/**
 * @param {Candidate} candidate
 * @param {StunOptions} options
 * @param {AbortSignal} signal
 */
function openCandidate(candidate, { transport, localAddress, localPort, tls }, signal) {
  const open = typeof transport === 'function' ? transport : openTransport;
  return open(candidate, { signal, localAddress, localPort, tls });
}

/**
 * Runs `task` with a signal that ends with the caller's, or when the time is up.
 *
 * @template T
 * @param {StunOptions} options
 * @param {(signal: AbortSignal) => Promise<T>} task
 * @returns {Promise<T>}
 */
async function withDeadline({ signal, timeoutMs }, task) {
  signal?.throwIfAborted();
  const deadline = new AbortController();
  const late = () =>
    deadline.abort(
      new PosternError(
        'ERR_STUN_TIMEOUT',
        `No answer came within the ${timeoutMs} ms that were given.`,
      ),
    );
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
 * Asks a STUN server for this client's mapped address: how the other side of all NATs sees it (RFC 8489).
 *
 * Where the server has several addresses, they are tried with a head start of 250 ms each, IPv6 first. A server
 * that sends its clients on (300 Try Alternate) is followed. Of several servers, the first that answers counts.
 *
 * @param {ServerInput} server a `stun:` or `stuns:` URI (RFC 7064), an RTCIceServer, or an array of them; `turn:` and
 *   `turns:` servers answer Binding requests as well
 * @param {StunOptions} [options]
 * @returns {Promise<MappedAddressResult>} `address`, `port`, `family`, `roundTripMs` and how they were learned
 * @throws {TypeError} ERR_INVALID_ARGUMENT with the argument's name
 * @throws {PosternError} ERR_INVALID_URI, ERR_DNS, ERR_TRANSPORT_CONNECT, ERR_TRANSPORT_TLS, ERR_STUN_TIMEOUT,
 *   ERR_STUN_RESPONSE with the server's `errorCode`, and others of docs/errors.md; `attempts` tells what was tried.
 *   Or `signal.reason`
 */
export async function getMappedAddress(server, options = {}) {
  const servers = planServers(server);
  checkStunOptions(options);
  if (servers.length === 0) throw argumentError('server', 'at least one server');
  return withDeadline(options, async (signal) => {
    // Before the clocks below run: compiling is no part of a round trip.
    await sharedEngine();
    const searches = servers.map((planned) => new Search(planned, options, signal));
    for (const search of searches) {
      const result = await search.run();
      if (result !== undefined) return result;
    }
    throw mostTelling(searches);
  });
}

/**
 * @param {Search[]} searches all failed
 * @returns {unknown}
 */
function mostTelling(searches) {
  const errors = searches.flatMap(({ server, errors: found }) =>
    found.map((error) => ({ error, url: server.url })),
  );
  errors.sort((a, b) => rank(a.error) - rank(b.error));
  const [first] = errors;
  if (first?.error instanceof PosternError) {
    first.error.url ??= first.url;
    first.error.attempts = searches.flatMap(({ attempts }) => attempts);
  }
  return first?.error;
}

/**
 * A STUN client that stays open: for measuring again and again, and for keeping a NAT's binding alive.
 *
 * @param {ServerInput} server as for getMappedAddress(); the first one that can be connected to
 * @param {StunOptions} [options] `timeoutMs` bounds the opening
 * @returns {Promise<StunClient>} close it, or hold it with `await using`
 * @throws as getMappedAddress() does
 */
export async function openStunClient(server, options = {}) {
  const servers = planServers(server);
  checkStunOptions(options);
  return withDeadline(options, async (signal) => {
    /** @type {unknown} */
    let last = argumentError('server', 'at least one server');
    for (const planned of servers) {
      const settings = clientSettings(options, planned);
      try {
        for (const candidate of await candidatesFor(planned, options, resolveServer, signal)) {
          try {
            return await StunClient.over(await openCandidate(candidate, options, signal), settings);
          } catch (error) {
            signal.throwIfAborted();
            last = error;
          }
        }
      } catch (error) {
        signal.throwIfAborted();
        last = error;
      }
    }
    throw last;
  });
}
