// The client's talk with a reflector over HTTP: what is known of packets that may not come back.

import { Agent, request } from 'node:http';
import { PosternError } from '../../errors.js';
import { codeOf } from '../../system-error.js';
import { openConnection, placeOfUrl } from '../connection.js';
import { shownUrl } from '../options.js';
import { withLimit } from '../with-limit.js';
import { pause } from './pause.js';

/** @typedef {import('../options.js').MeasureOptions} MeasureOptions */

/** Refusals that pass: another test behind the same address may be done a little later. */
const PASSING = new Set(['busy', 'too-many']);
const BUSY_RETRIES = 3;
const BUSY_MS = 1000;
/** For the reflector to be told that a session is over. */
const END_MS = 2000;
/** All arrivals of a session, and more. */
const MAX_ANSWER_BYTES = 4_000_000;

/**
 * Connections to one place, through a proxy where there is one.
 *
 * @param {() => Promise<import('node:net').Socket>} open
 */
function agentOf(open) {
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  // As documented there; their types lack it.
  return Object.assign(agent, {
    /** @param {unknown} _ @param {(error: unknown, socket?: import('node:net').Socket) => void} callback */
    createConnection(_, callback) {
      open().then((socket) => {
        // A proxy's talk leaves it paused.
        socket.resume();
        callback(null, socket);
      }, callback);
    },
  });
}

export class Control {
  #url;
  #shown;
  #options;
  #agent;
  #closed = new AbortController();

  /**
   * @param {string} url http: or https:
   * @param {MeasureOptions} options
   * @param {string} [proxy] URL
   */
  constructor(url, options, proxy) {
    this.#url = new URL(url);
    this.#shown = shownUrl(url);
    this.#options = options;
    const place = placeOfUrl(this.#url, options, proxy);
    // Connections outlive the test: its end is told over one.
    const own = { ...options, signal: this.#closed.signal };
    this.#agent = agentOf(async () => (await openConnection(place, own)).socket);
  }

  /**
   * @param {object} body
   * @returns {Promise<any>}
   * @throws {PosternError} ERR_REFLECTOR_UNREACHABLE, ERR_REFLECTOR_REFUSED; or `signal.reason`
   */
  async ask(body) {
    const { signal } = this.#options;
    for (let tries = 0; ; tries += 1) {
      const { status, answer } = await this.#post(body);
      if (status === 200 && answer !== undefined) return answer;
      const refused = typeof answer?.refused === 'string' ? answer.refused : undefined;
      if (refused !== undefined && PASSING.has(refused) && tries < BUSY_RETRIES) {
        await pause(BUSY_MS, signal);
        continue;
      }
      // Who answers otherwise is no reflector.
      const reason = refused ?? `HTTP ${status}`;
      throw new PosternError(
        'ERR_REFLECTOR_REFUSED',
        `The reflector refused the test (${reason}).`,
        { url: this.#shown, reason },
      );
    }
  }

  /** @param {object} body @returns {Promise<{ status: number, answer: any }>} */
  async #post(body) {
    const { signal } = this.#options;
    const tooLate = () =>
      new PosternError('ERR_REFLECTOR_UNREACHABLE', undefined, { url: this.#shown });
    try {
      return await withLimit(this.#options, tooLate, (limited) => this.#send(body, limited, true));
    } catch (cause) {
      signal.throwIfAborted();
      if (cause instanceof PosternError && cause.code === 'ERR_REFLECTOR_UNREACHABLE') throw cause;
      throw new PosternError('ERR_REFLECTOR_UNREACHABLE', undefined, { url: this.#shown, cause });
    }
  }

  /**
   * @param {object} body
   * @param {AbortSignal} signal
   * @param {boolean} mayRetry where the connection has gone while nobody used it
   * @returns {Promise<{ status: number, answer: any }>}
   */
  #send(body, signal, mayRetry) {
    const { pathname, search, host } = this.#url;
    const text = JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const asked = request({
        agent: this.#agent,
        method: 'POST',
        path: `${pathname}${search}`,
        headers: {
          host,
          'user-agent': 'postern',
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(text),
        },
        signal,
      });
      asked.on('response', (response) => {
        readAnswer(response).then(
          (answer) => resolve({ status: response.statusCode ?? 0, answer }),
          reject,
        );
      });
      asked.on('error', (error) => {
        if (mayRetry && asked.reusedSocket && codeOf(error) === 'ECONNRESET') {
          resolve(this.#send(body, signal, false));
        } else reject(error);
      });
      asked.end(text);
    });
  }

  /**
   * Frees the reflector's memory sooner, also where the test was aborted; and ends.
   *
   * @param {string} [session]
   * @returns {Promise<void>} never rejects
   */
  async close(session) {
    const patience = AbortSignal.timeout(END_MS);
    // It forgets by itself, too.
    if (session !== undefined) {
      await this.#send({ step: 'end', session }, patience, true).catch(() => {});
    }
    this.#closed.abort();
    this.#agent.destroy();
  }
}

/** @param {import('node:http').IncomingMessage} response @returns {Promise<any>} undefined: no JSON */
async function readAnswer(response) {
  const chunks = [];
  let length = 0;
  for await (const chunk of response) {
    length += chunk.length;
    if (length > MAX_ANSWER_BYTES) {
      response.destroy();
      return undefined;
    }
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    return undefined;
  }
}
