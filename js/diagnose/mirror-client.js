// The page's talk with a mirror.

import { PosternError } from '../errors.js';

/** Refusals that pass: the mirror, or another page behind the same address, may be done a little later. */
const PASSING = new Set(['busy', 'too-many']);
const BUSY_RETRIES = 3;
const BUSY_MS = 1000;
/** Browsers themselves wait for a connection for minutes. */
const ANSWER_MS = 10_000;

/** @typedef {{ address: string, port: number }} Candidate */

/**
 * @param {number} ms
 * @param {AbortSignal} signal
 * @returns {Promise<void>} rejects with the signal's reason
 */
export const pause = (ms, signal) =>
  new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal.addEventListener('abort', stop, { once: true });
  });

export class MirrorClient {
  #url;
  #signal;
  #timeoutMs;

  /** @param {string} url @param {AbortSignal} signal @param {number} [timeoutMs] until a test has begun */
  constructor(url, signal, timeoutMs = ANSWER_MS) {
    this.#url = url;
    this.#signal = signal;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * @param {{ step?: string, [more: string]: unknown }} body
   * @returns {Promise<any>}
   * @throws {PosternError} ERR_MIRROR_UNREACHABLE, ERR_MIRROR_REFUSED
   */
  async ask(body) {
    for (let tries = 0; ; tries += 1) {
      const { status, answer } = await this.#post(body);
      if (status === 200) return answer;
      if (PASSING.has(answer.refused) && tries < BUSY_RETRIES) {
        await pause(BUSY_MS, this.#signal);
        continue;
      }
      const reason = typeof answer.refused === 'string' ? answer.refused : `HTTP ${status}`;
      throw new PosternError('ERR_MIRROR_REFUSED', `The mirror refused the test (${reason}).`, {
        url: this.#url,
        reason,
      });
    }
  }

  /** @param {{ step?: string }} body */
  async #post(body) {
    // Afterwards the mirror answers when it has seen enough.
    const limit = body.step === 'start' ? [AbortSignal.timeout(this.#timeoutMs)] : [];
    try {
      const response = await fetch(this.#url, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
        credentials: 'omit',
        cache: 'no-store',
        referrerPolicy: 'no-referrer',
        signal: AbortSignal.any([this.#signal, ...limit]),
      });
      const answer = await response.json().catch(() => ({}));
      return { status: response.status, answer };
    } catch (cause) {
      this.#signal.throwIfAborted();
      throw new PosternError('ERR_MIRROR_UNREACHABLE', undefined, { url: this.#url, cause });
    }
  }

  /** Frees the mirror's memory sooner, where somebody has stopped. @param {string} session */
  end(session) {
    const body = JSON.stringify({ step: 'end', session });
    const headers = { 'Content-Type': 'application/json' };
    fetch(this.#url, { method: 'POST', headers, body, keepalive: true }).catch(() => {});
  }
}
