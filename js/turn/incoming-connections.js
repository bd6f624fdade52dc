// TCP connections that peers make to a relay (RFC 6062 section 5.4).
import { CONNECTION_BIND_TIMEOUT_MS, MAX_UNCLAIMED_CONNECTIONS } from './limits.js';
import { MessageQueue } from './message-queue.js';

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('./relay-connection.js').RelayConnection} RelayConnection */

/** @typedef {{ connectionId: number, peer: TransportAddress, at: number }} Attempt */

/**
 * An attempt is bound as soon as it comes while somebody iterates, so that a slow consumer misses none for its time
 * limit, nor waits for one behind another. Before, it is only noted: peers open no sockets here of themselves.
 */
export class IncomingConnections {
  /** Attempts that nobody wanted in time, or too many at once. */
  dropped = 0;

  #bind;
  #report;
  /** @type {Attempt[]} */ #noted = [];
  /** Being bound, or bound and not taken. */
  #unclaimed = 0;
  #readers = 0;
  /** @type {MessageQueue<RelayConnection>} */
  #queue = new MessageQueue(MAX_UNCLAIMED_CONNECTIONS);
  #hasEnded = false;

  /**
   * @param {(attempt: Attempt) => Promise<RelayConnection>} bind
   * @param {(attempt: Attempt, error: unknown) => void} report a connection that could not be bound
   */
  constructor(bind, report) {
    this.#bind = bind;
    this.#report = report;
  }

  /** @param {number} connectionId @param {TransportAddress} peer */
  announced(connectionId, peer) {
    const attempt = { connectionId, peer, at: performance.now() };
    if (this.#readers > 0) this.#accept(attempt);
    else {
      this.#dropStale();
      if (this.#noted.length < MAX_UNCLAIMED_CONNECTIONS) this.#noted.push(attempt);
      else this.dropped += 1;
    }
  }

  /** @returns {AsyncIterableIterator<RelayConnection, undefined>} */
  read() {
    const reader = this.#queue.read();
    let isOver = false;
    this.#readers += 1;
    this.#dropStale();
    for (const attempt of this.#noted.splice(0)) this.#accept(attempt);
    return {
      next: async () => {
        const result = await reader.next();
        if (!result.done) this.#unclaimed -= 1;
        return result;
      },
      return: async () => {
        if (!isOver) this.#readers -= 1;
        isOver = true;
        await reader.return?.();
        return { value: undefined, done: true };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /** @param {unknown} [error] */
  end(error) {
    this.#hasEnded = true;
    this.#noted = [];
    for (const connection of this.#queue.drain()) connection.close();
    this.#queue.end(error);
  }

  #dropStale() {
    const oldest = performance.now() - CONNECTION_BIND_TIMEOUT_MS;
    const fresh = this.#noted.filter(({ at }) => at >= oldest);
    this.dropped += this.#noted.length - fresh.length;
    this.#noted = fresh;
  }

  /** @param {Attempt} attempt */
  async #accept(attempt) {
    if (this.#unclaimed >= MAX_UNCLAIMED_CONNECTIONS) {
      this.dropped += 1;
      return;
    }
    this.#unclaimed += 1;
    try {
      const connection = await this.#bind(attempt);
      if (!this.#queue.push(connection)) connection.close();
    } catch (error) {
      this.#unclaimed -= 1;
      if (!this.#hasEnded) this.#report(attempt, error);
    }
  }
}
