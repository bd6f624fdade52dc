// What has to end with the bench when it is interrupted: processes that would outlive it.

/** What a shell adds to a signal's number. */
const EXIT_BASE = 128;
const SIGNALS = /** @type {const} */ ({ SIGINT: 2, SIGTERM: 15 });

/** @type {Set<() => unknown>} */
const ends = new Set();

async function interrupted(/** @type {keyof typeof SIGNALS} */ signal) {
  await Promise.allSettled([...ends].map(async (end) => end()));
  process.exit(EXIT_BASE + SIGNALS[signal]);
}

/**
 * @param {() => unknown} end called when this process is told to end; what it returns is awaited
 * @returns {() => void} forgets it
 */
export function onInterruption(end) {
  if (ends.size === 0) {
    for (const signal of /** @type {(keyof typeof SIGNALS)[]} */ (Object.keys(SIGNALS))) {
      process.on(signal, interrupted);
    }
  }
  ends.add(end);
  return () => {
    ends.delete(end);
    if (ends.size > 0) return;
    for (const signal of Object.keys(SIGNALS)) process.off(signal, interrupted);
  };
}
