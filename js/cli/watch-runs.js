// The tests of `postern check --watch`: one of a target at a time, whoever asks for it, and few at once. Knows no HTTP, and
// not what a test is.

/**
 * @template Result
 * @typedef {{ result: Result, atMs: number, durationMs: number }} Run when it ended, and how long it took
 */

/**
 * @template Result
 * @typedef {object} Current
 * @property {AbortController} controller
 * @property {Promise<Run<Result>>} promise
 * @property {number} waiting those who ask for it
 */

/**
 * @template Result
 * @typedef {object} Target
 * @property {Current<Result>} [current]
 * @property {Run<Result>} [last]
 * @property {Promise<unknown>} ended of its newest run: it may take a while to end when nobody waits for it any more
 */

/** Nobody waits any more, or it took too long. */
export const ABANDONED = new Error('abandoned');

/** @template Result */
export class Runs {
  #test;
  #options;
  /** @type {Map<string, Target<Result>>} */ #targets = new Map();
  #running = 0;
  /** @type {(() => void)[]} */ #queue = [];

  /**
   * @param {(name: string, signal: AbortSignal) => Promise<Result>} test
   * @param {{ concurrency: number, intervalMs: number, timeoutMs: number, now?: () => number }} options
   */
  constructor(test, options) {
    this.#test = test;
    this.#options = { now: () => performance.now(), ...options };
  }

  /** Tests that are under way, and those that wait for their turn. */
  get counts() {
    return { running: this.#running, waiting: this.#queue.length };
  }

  /**
   * What a test of the target says: of one that has just been made, of one that is under way, or of a new one. When
   * nobody waits for a test any more, it ends.
   *
   * @param {string} name
   * @param {AbortSignal} signal ends the wait
   * @returns {Promise<Run<Result> & { isNew: boolean }>}
   * @throws `signal.reason`; or what the test has thrown
   */
  async ask(name, signal) {
    signal.throwIfAborted();
    const target = this.#target(name);
    const { last } = target;
    if (last !== undefined && this.#options.now() - last.atMs < this.#options.intervalMs) {
      return { ...last, isNew: false };
    }
    target.current ??= this.#start(name, target);
    const { current } = target;
    current.waiting += 1;
    /** @type {(() => void) | undefined} */
    let onabort;
    const gone = new Promise((_, reject) => {
      onabort = () => reject(signal.reason);
      signal.addEventListener('abort', onabort, { once: true });
    });
    try {
      const run = /** @type {Run<Result>} */ (await Promise.race([current.promise, gone]));
      return { ...run, isNew: true };
    } finally {
      signal.removeEventListener('abort', /** @type {() => void} */ (onabort));
      current.waiting -= 1;
      if (current.waiting === 0 && target.current === current) {
        target.current = undefined;
        current.controller.abort(ABANDONED);
      }
    }
  }

  /** Ends all tests. @returns {Promise<void>} */
  async close() {
    const targets = [...this.#targets.values()];
    for (const { current } of targets) current?.controller.abort(ABANDONED);
    await Promise.all(targets.map(({ ended }) => ended));
  }

  /** @param {string} name */
  #target(name) {
    const known = this.#targets.get(name);
    if (known !== undefined) return known;
    /** @type {Target<Result>} */
    const target = { ended: Promise.resolve() };
    this.#targets.set(name, target);
    return target;
  }

  /** @param {string} name @param {Target<Result>} target @returns {Current<Result>} */
  #start(name, target) {
    const controller = new AbortController();
    const before = target.ended;
    const promise = this.#run(name, target, before, controller);
    target.ended = promise.catch(() => {});
    return { controller, promise, waiting: 0 };
  }

  /**
   * @param {string} name
   * @param {Target<Result>} target
   * @param {Promise<unknown>} before
   * @param {AbortController} controller
   * @returns {Promise<Run<Result>>}
   */
  async #run(name, target, before, controller) {
    const { signal } = controller;
    await before;
    await this.#take(signal);
    const { now, timeoutMs } = this.#options;
    const startedAt = now();
    const timer = setTimeout(() => controller.abort(ABANDONED), timeoutMs);
    try {
      signal.throwIfAborted();
      const result = await this.#test(name, signal);
      const atMs = now();
      const run = { result, atMs, durationMs: atMs - startedAt };
      target.last = run;
      return run;
    } finally {
      clearTimeout(timer);
      if (target.current?.controller === controller) target.current = undefined;
      this.#release();
    }
  }

  /** Waits until few enough are under way. @param {AbortSignal} signal @returns {Promise<void>} */
  async #take(signal) {
    signal.throwIfAborted();
    if (this.#running < this.#options.concurrency) {
      this.#running += 1;
      return;
    }
    await new Promise((/** @type {(value?: undefined) => void} */ resolve, reject) => {
      const go = () => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        this.#queue.splice(this.#queue.indexOf(go), 1);
        reject(signal.reason);
      };
      this.#queue.push(go);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  /** Whoever is next has its place. */
  #release() {
    const next = this.#queue.shift();
    if (next === undefined) this.#running -= 1;
    else next();
  }
}
