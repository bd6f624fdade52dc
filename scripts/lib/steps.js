// What the person at the terminal sees: one line per step, with the time that it took.

const NOTICE_AFTER_MS = 2000;
const SILENT_BELOW_MS = 300;

/** A failure that the user can do something about: printed as its sentence, without a stack. */
export class SetupError extends Error {}

/** @param {string} text */
export function say(text) {
  process.stderr.write(`${text}\n`);
}

/**
 * Runs one step. What is over at once is not worth a line; what takes long is announced.
 * @template T
 * @param {string} title
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function step(title, work) {
  const start = performance.now();
  const notice = setTimeout(() => say(`  ${title} ...`), NOTICE_AFTER_MS);
  try {
    const result = await work();
    const elapsedMs = performance.now() - start;
    if (elapsedMs >= SILENT_BELOW_MS) say(`  ${title}: ${seconds(elapsedMs)}`);
    return result;
  } catch (error) {
    say(`  ${title}: FAILED after ${seconds(performance.now() - start)}`);
    throw error;
  } finally {
    clearTimeout(notice);
  }
}

/** @param {number} ms */
export function seconds(ms) {
  return ms < 60_000
    ? `${(ms / 1000).toFixed(1)} s`
    : `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

/**
 * The whole of a command: prints a failure in one place and sets the exit status.
 * @param {() => Promise<number | void>} main resolves to the exit status
 */
export async function runMain(main) {
  try {
    process.exitCode = (await main()) ?? 0;
  } catch (error) {
    const known = error instanceof SetupError;
    say(known ? `\n${error.message}` : `\n${error instanceof Error ? error.stack : error}`);
    process.exitCode = 1;
  }
}
