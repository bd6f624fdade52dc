// Trying several ways to a server: each gets a head start over the next (RFC 8305 section 5).
import { PLATFORM_CLOCK } from './clock.js';

/**
 * Starts an attempt for each candidate: the next one when the one before has failed or has had its head
 * start. The first that succeeds wins, and the others are aborted.
 *
 * @template Candidate, Result
 * @param {readonly Candidate[]} candidates at least one, unless there is `late`
 * @param {(candidate: Candidate, signal: AbortSignal) => Promise<Result>} attempt
 * @param {object} options
 * @param {number} options.headStartMs
 * @param {AbortSignal} options.signal ends all; the race rejects with its reason
 * @param {import('./clock.js').Clock} [options.clock]
 * @param {(result: Result) => void} [options.discard] gets what succeeds after the end: an attempt may have
 *   been past its last look at the signal
 * @param {readonly Promise<readonly Candidate[]>[]} [options.late] candidates that are still being looked for;
 *   none of the promises rejects
 * @param {(a: Candidate, b: Candidate) => number} [options.compare] where late ones join the queue: in front of
 *   those that come after them; at its end when left out
 * @returns {Promise<{ result: Result, failures: { candidate: Candidate, error: unknown }[] }
 *   | { result?: undefined, failures: { candidate: Candidate, error: unknown }[] }>} no result when all failed
 */
export async function race(candidates, attempt, options) {
  const {
    headStartMs,
    signal,
    clock = PLATFORM_CLOCK,
    discard,
    late = [],
    compare = () => 0,
  } = options;
  signal.throwIfAborted();
  /** @type {{ candidate: Candidate, error: unknown }[]} */
  const failures = [];
  const others = new AbortController();
  const inner = AbortSignal.any([signal, others.signal]);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let isOver = false;
  const stop = () => {
    isOver = true;
    clock.clearTimeout(timer);
  };
  try {
    return await new Promise((resolve, reject) => {
      const queue = [...candidates];
      let underWay = 0;
      let awaited = late.length;
      const fail = () => {
        stop();
        reject(signal.reason);
      };
      signal.addEventListener('abort', fail, { once: true, signal: others.signal });
      const startNext = () => {
        clock.clearTimeout(timer);
        timer = undefined;
        const candidate = queue.shift();
        if (candidate === undefined) {
          if (underWay === 0 && awaited === 0) resolve({ failures });
          return;
        }
        underWay += 1;
        // With nobody to start then, the time counts still: for those who come late.
        if (queue.length > 0 || awaited > 0) timer = clock.setTimeout(passHeadStart, headStartMs);
        attempt(candidate, inner).then(
          (result) => {
            if (isOver) discard?.(result);
            else resolve({ result, failures });
            stop();
          },
          (error) => {
            underWay -= 1;
            if (isOver) return;
            failures.push({ candidate, error });
            startNext();
          },
        );
      };
      const passHeadStart = () => {
        timer = undefined;
        if (queue.length > 0) startNext();
      };
      for (const promise of late) {
        promise.then((found) => {
          awaited -= 1;
          if (isOver) return;
          for (const candidate of found) insert(queue, candidate, compare);
          if (timer === undefined) startNext();
        });
      }
      if (queue.length > 0 || awaited === 0) startNext();
    });
  } finally {
    stop();
    others.abort();
  }
}

/**
 * Behind all that do not come after it.
 *
 * @template T
 * @param {T[]} queue sorted
 * @param {T} item
 * @param {(a: T, b: T) => number} compare
 */
function insert(queue, item, compare) {
  let at = queue.length;
  while (at > 0 && compare(queue[at - 1], item) > 0) at -= 1;
  queue.splice(at, 0, item);
}
