// Datagrams that wait for whoever iterates.

/**
 * @template T
 * @typedef {{ resolve(result: IteratorResult<T, undefined>): void, reject(error: unknown): void }} Waiter
 */

/**
 * A queue that holds so many items and no more: like a socket's buffer, it drops what comes when it is full. Several
 * may read it; each item goes to one of them.
 *
 * @template T
 */
export class MessageQueue {
  /** Items that found no room. */
  dropped = 0;

  #capacity;
  /** @type {(T | undefined)[]} */ #items = [];
  #head = 0;
  /** @type {Set<Waiter<T>>} */ #waiting = new Set();
  /** @type {{ error?: unknown } | undefined} */ #end;

  /** @param {number} capacity */
  constructor(capacity) {
    this.#capacity = capacity;
  }

  get length() {
    return this.#items.length - this.#head;
  }

  /** @param {T} item @returns {boolean} whether it was taken */
  push(item) {
    if (this.#end !== undefined) return false;
    for (const waiter of this.#waiting) {
      this.#waiting.delete(waiter);
      waiter.resolve({ value: item, done: false });
      return true;
    }
    if (this.length >= this.#capacity) {
      this.dropped += 1;
      return false;
    }
    this.#items.push(item);
    return true;
  }

  /** Nothing more comes. What waits can still be read; then readers end, with the error if there is one. @param {unknown} [error] */
  end(error) {
    if (this.#end !== undefined) return;
    this.#end = error === undefined ? {} : { error };
    for (const waiter of this.#waiting) this.#tellEnd(waiter);
    this.#waiting.clear();
  }

  /** Takes all that waits out. @returns {T[]} */
  drain() {
    const items = /** @type {T[]} */ (this.#items.slice(this.#head));
    this.#items = [];
    this.#head = 0;
    return items;
  }

  /** A reader of its own: return() ends it, and nothing else. @returns {AsyncIterableIterator<T, undefined>} */
  read() {
    /** @type {Set<Waiter<T>>} */
    const own = new Set();
    let isOver = false;
    /** @type {IteratorResult<T, undefined>} */
    const over = { value: undefined, done: true };
    return {
      next: () => {
        if (isOver) return Promise.resolve(over);
        return new Promise((resolve, reject) => {
          if (this.length > 0) resolve({ value: this.#take(), done: false });
          else if (this.#end !== undefined) this.#tellEnd({ resolve, reject });
          else {
            const waiter = {
              resolve: (/** @type {IteratorResult<T, undefined>} */ result) => {
                own.delete(waiter);
                resolve(result);
              },
              reject,
            };
            own.add(waiter);
            this.#waiting.add(waiter);
          }
        });
      },
      return: async () => {
        isOver = true;
        for (const waiter of own) {
          this.#waiting.delete(waiter);
          waiter.resolve(over);
        }
        return over;
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /** @returns {T} there has to be one */
  #take() {
    const item = /** @type {T} */ (this.#items[this.#head]);
    this.#items[this.#head] = undefined;
    this.#head += 1;
    // Now and then, so that taking one costs the same however many there are.
    if (this.#head === this.#items.length || this.#head > this.#capacity) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** @param {Waiter<T>} waiter */
  #tellEnd({ resolve, reject }) {
    if (this.#end !== undefined && 'error' in this.#end) reject(this.#end.error);
    else resolve({ value: undefined, done: true });
  }
}
