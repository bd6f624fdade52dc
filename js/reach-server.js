// From the names of servers to the first of them with which a task succeeds.
import { clockOf } from './clock.js';
import { sharedEngine } from './engine/shared-engine.js';
import { PosternError } from './errors.js';
import { race } from './race.js';
import { attemptReport, HEAD_START_MS, keyOf, Search } from './search.js';

/** @typedef {import('./errors.js').AttemptReport} AttemptReport */
/** @typedef {import('./errors.js').ErrorDetails} ErrorDetails */
/** @typedef {import('./ice-server.js').PlannedServer} PlannedServer */
/** @typedef {import('./platform/platform.js').Candidate} Candidate */
/** @typedef {import('./stun-options.js').StunOptions} StunOptions */

/**
 * @template Result
 * @typedef {import('./search.js').Task<Result>} Task
 */

/**
 * 'sequence': a server is asked when all that come before it have failed. 'race': all at once, the quickest kind of
 * transport first, each address with a head start over the next.
 *
 * @typedef {'race' | 'sequence'} Strategy
 */

/**
 * A place to ask, and the server that it is one of.
 *
 * @template Result
 * @typedef {{ search: Search<Result>, candidate: Candidate }} Entrant
 */

/** The fewer layers there are on the way, the quicker it carries data. */
const TRANSPORTS = ['udp', 'tcp', 'tls', 'ws'];

/** RFC 8305 section 8: Resolution Delay, which one name has to be resolved after another. */
const RESOLUTION_DELAY_MS = 50;

/** Which of several failures says most: the further it got, the more. */
const TELLING = [
  'ERR_STUN_RESPONSE',
  'ERR_TURN_ADDRESS_FAMILY',
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

/**
 * Runs `task` with a signal that ends with the caller's, or when the time is up.
 *
 * @template T
 * @param {StunOptions} options
 * @param {(signal: AbortSignal) => Promise<T>} task
 * @param {() => ErrorDetails} describe what is known when the time is up
 * @returns {Promise<T>}
 */
async function withDeadline({ signal, timeoutMs, transport }, task, describe) {
  signal?.throwIfAborted();
  const clock = clockOf(transport);
  const deadline = new AbortController();
  const late = () => {
    const sentence = `No answer came within the ${timeoutMs} ms that were given.`;
    deadline.abort(new PosternError('ERR_STUN_TIMEOUT', sentence, describe()));
  };
  const timer = timeoutMs === undefined ? undefined : clock.setTimeout(late, timeoutMs);
  try {
    return await task(
      signal === undefined ? deadline.signal : AbortSignal.any([signal, deadline.signal]),
    );
  } finally {
    clock.clearTimeout(timer);
  }
}

/**
 * @template Result
 * @param {readonly Search<Result>[]} searches
 * @param {AbortSignal} signal
 * @returns {Promise<Result | undefined>}
 */
async function inSequence(searches, signal) {
  for (const search of searches) {
    const result = await search.run(signal);
    if (result !== undefined) return result;
  }
  return undefined;
}

/** @param {Entrant<any>} a @param {Entrant<any>} b */
const quickestFirst = (a, b) =>
  TRANSPORTS.indexOf(a.candidate.transport) - TRANSPORTS.indexOf(b.candidate.transport);

/**
 * @template Result
 * @param {readonly Search<Result>[]} searches
 * @param {Task<Result>} task
 * @param {import('./clock.js').Clock} clock
 * @param {AbortSignal} signal
 * @returns {Promise<Result | undefined>}
 */
async function allTogether(searches, { headStartMs = HEAD_START_MS, discard }, clock, signal) {
  const seen = new Set();
  /** The same place for the same user may be named twice, as by turn:h and turn:h?transport=udp. @param {Entrant<Result>} entrant */
  const isNew = ({ search: { server }, candidate }) => {
    const key = JSON.stringify([keyOf(candidate), server.username, server.credential]);
    return !seen.has(key) && seen.add(key);
  };
  /** @type {Entrant<Result>[]} */
  const early = [];
  let isRunning = false;
  const answers = searches.map(async (search) => {
    // Aborted, the race ends of itself.
    const candidates = await search.resolve(signal).catch(() => []);
    const entrants = candidates.map((candidate) => ({ search, candidate })).filter(isNew);
    if (isRunning) return entrants;
    early.push(...entrants);
    return [];
  });
  await firstAndThose(answers, () => early.length > 0, RESOLUTION_DELAY_MS, clock);
  // Before a clock of the network runs: compiling is no part of a round trip.
  await sharedEngine({ clock });
  signal.throwIfAborted();
  isRunning = true;
  const order = new Map(searches.map((search, i) => [search, i]));
  const compare = (/** @type {Entrant<Result>} */ a, /** @type {Entrant<Result>} */ b) =>
    quickestFirst(a, b) || Number(order.get(a.search)) - Number(order.get(b.search));
  const { result } = await race(
    early.sort(compare),
    ({ search, candidate }, inner) => search.attempt(candidate, inner),
    { headStartMs, signal, clock, discard, late: answers, compare },
  );
  return result;
}

/**
 * Waits until one of the promises has brought something, and so long more for the others.
 *
 * @param {readonly Promise<unknown>[]} promises that do not reject
 * @param {() => boolean} hasSome
 * @param {number} delayMs
 * @param {import('./clock.js').Clock} clock
 */
async function firstAndThose(promises, hasSome, delayMs, clock) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  await new Promise((/** @type {(value?: undefined) => void} */ resolve) => {
    let left = promises.length;
    for (const promise of promises) {
      promise.then(() => {
        left -= 1;
        if (left === 0) resolve();
        else if (hasSome()) timer ??= clock.setTimeout(resolve, delayMs);
      });
    }
  });
  clock.clearTimeout(timer);
}

/**
 * Finds the first way to one of the servers with which the task succeeds. Of one server, the addresses are tried with
 * a head start over one another.
 *
 * @template Result
 * @param {readonly PlannedServer[]} servers
 * @param {StunOptions} options checked
 * @param {Task<Result>} task
 * @param {Strategy} [strategy]
 * @returns {Promise<Result>}
 */
export async function reachServer(servers, options, task, strategy = 'sequence') {
  /** @type {AttemptReport[]} */
  const attempts = [];
  const searches = servers.map((server) => new Search(server, options, task, attempts));
  const run = async (/** @type {AbortSignal} */ signal) => {
    await task.prepare?.(signal);
    const result = await (strategy === 'race'
      ? allTogether(searches, task, clockOf(options.transport), signal)
      : inSequence(searches, signal));
    if (result === undefined) throw mostTelling(searches, attempts);
    return result;
  };
  return withDeadline(options, run, () => {
    const waiting = new PosternError('ERR_STUN_TIMEOUT', 'No answer had come yet.');
    const unfinished = searches.flatMap(({ server: { url }, underWay }) =>
      [...underWay].map(([candidate, phases]) => attemptReport(url, candidate, waiting, phases)),
    );
    const url = unfinished[0]?.url ?? servers.at(-1)?.url;
    return { url, attempts: [...attempts, ...unfinished] };
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
