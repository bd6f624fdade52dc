/** setTimeout() takes no more. */
const LONGEST_MS = 0x7fffffff;

/** Wakes a core when it has something to do. */
export class Alarm {
  #core;
  /** @type {NodeJS.Timeout | undefined} */ #timer;
  #timerAt = Infinity;
  #isStopped = false;

  /** @param {{ readonly nextAt: number, tick: (now: number) => void }} core Infinity: there is nothing to do */
  constructor(core) {
    this.#core = core;
  }

  /** After `core.nextAt` may have changed. */
  set() {
    const { nextAt } = this.#core;
    if (nextAt === this.#timerAt || this.#isStopped) return;
    clearTimeout(this.#timer);
    this.#timerAt = nextAt;
    if (nextAt === Infinity) return;
    const ms = Math.max(0, nextAt - performance.now());
    this.#timer = setTimeout(this.#tick, Math.min(ms, LONGEST_MS));
    // Nobody waits for tests when everything else is over.
    this.#timer.unref();
  }

  #tick = () => {
    this.#timerAt = Infinity;
    this.#core.tick(performance.now());
    this.set();
  };

  /** For good. */
  stop() {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }
}
