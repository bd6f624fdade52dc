// Credentials that run out: asked for again in time, while the relay lives.
import { abortable } from '../resolve/abortable.js';
import { readExpiry, readTurnCredentials } from './turn-credentials.js';

/** @typedef {import('../engine/turn-types.js').TurnCredentials} TurnCredentials */
/** @typedef {import('./turn-credentials.js').CredentialSource} CredentialSource */

/** Renewal begins when so much of their life is over; the rest is for trying again. */
const RENEW_AFTER = 0.75;
/** Not all relays of a process, or of a fleet, at the same moment. */
const JITTER = 0.1;
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 60_000;
/** Timers hold 31 bits of milliseconds; who waits longer looks again then. */
const MAX_TIMER_MS = 0x7fffffff;

/** What the caller's function is called in errors. */
const NAME = 'options.credentials()';

/** Asks the caller's function, and has one timer for the next time. */
export class CredentialRenewal {
  #source;
  #expiresAt = Infinity;
  #retries = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  #controller = new AbortController();

  /** @param {CredentialSource} source */
  constructor(source) {
    this.#source = source;
  }

  /**
   * @param {AbortSignal} signal
   * @returns {Promise<TurnCredentials>}
   * @throws {TypeError} ERR_INVALID_ARGUMENT for what the function returned; or what it threw
   */
  async ask(signal) {
    signal.throwIfAborted();
    const given = await abortable((async () => this.#source({ signal }))(), signal);
    const credentials = readTurnCredentials(given, NAME);
    this.#expiresAt = readExpiry(given, NAME);
    return credentials;
  }

  /**
   * Asks again in time, until stop().
   *
   * @param {(credentials: TurnCredentials) => void} use
   * @param {(error: unknown) => void} report a failure, after which it goes on trying
   */
  start(use, report) {
    const renew = async () => {
      try {
        const credentials = await this.ask(this.#controller.signal);
        this.#retries = 0;
        use(credentials);
      } catch (error) {
        if (this.#controller.signal.aborted) return;
        this.#retries += 1;
        report(error);
      }
      schedule();
    };
    const schedule = () => {
      const delay = this.#delay();
      if (delay === Infinity || this.#controller.signal.aborted) return;
      this.#timer = setTimeout(
        delay > MAX_TIMER_MS ? schedule : renew,
        Math.min(delay, MAX_TIMER_MS),
      );
      // In Node the relay's socket decides whether the process goes on.
      /** @type {{ unref?: () => void }} */ (this.#timer).unref?.();
    };
    schedule();
  }

  stop() {
    clearTimeout(this.#timer);
    this.#controller.abort();
  }

  #delay() {
    const jitter = 1 + JITTER * (Math.random() - 0.5);
    if (this.#retries > 0) {
      return Math.min(FIRST_RETRY_MS * 2 ** (this.#retries - 1), LAST_RETRY_MS) * jitter;
    }
    // What has run out already is no reason to ask without a pause.
    return Math.max((this.#expiresAt - Date.now()) * RENEW_AFTER * jitter, FIRST_RETRY_MS);
  }
}
