// Trying several ways to a server: each gets a head start over the next (RFC 8305 section 5).

/**
 * Starts an attempt for each candidate: the next one when the one before has failed or has had its head
 * start. The first that succeeds wins, and the others are aborted.
 *
 * @template Candidate, Result
 * @param {readonly Candidate[]} candidates at least one
 * @param {(candidate: Candidate, signal: AbortSignal) => Promise<Result>} attempt
 * @param {object} options
 * @param {number} options.headStartMs
 * @param {AbortSignal} options.signal ends all; the race rejects with its reason
 * @param {(result: Result) => void} [options.discard] gets what succeeds after the end: an attempt may have
 *   been past its last look at the signal
 * @returns {Promise<{ result: Result, failures: { candidate: Candidate, error: unknown }[] }
 *   | { result?: undefined, failures: { candidate: Candidate, error: unknown }[] }>} no result when all failed
 */
export async function race(candidates, attempt, { headStartMs, signal, discard }) {
  signal.throwIfAborted();
  /** @type {{ candidate: Candidate, error: unknown }[]} */
  const failures = [];
  const others = new AbortController();
  const inner = AbortSignal.any([signal, others.signal]);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let isOver = false;
  try {
    return await new Promise((resolve, reject) => {
      let started = 0;
      const fail = () => {
        isOver = true;
        reject(signal.reason);
      };
      signal.addEventListener('abort', fail, { once: true });
      const startNext = () => {
        clearTimeout(timer);
        const candidate = candidates[started];
        if (candidate === undefined) return;
        started += 1;
        if (started < candidates.length) timer = setTimeout(startNext, headStartMs);
        attempt(candidate, inner).then(
          (result) => {
            if (isOver) discard?.(result);
            else resolve({ result, failures });
            isOver = true;
          },
          (error) => {
            if (isOver) return;
            failures.push({ candidate, error });
            if (failures.length === candidates.length) resolve({ failures });
            else startNext();
          },
        );
      };
      startNext();
    });
  } finally {
    clearTimeout(timer);
    others.abort();
  }
}
