// The ports of relayed addresses: random ones, so that nobody can guess where the next relay will be (RFC 8656 section
// 7.2), and never one that is in use.

import { randomInt } from 'node:crypto';

export class PortRange {
  #first;
  #count;
  /** @type {Set<number>} */
  #used = new Set();

  /** @param {number} first @param {number} last both may be used */
  constructor(first, last) {
    this.#first = first;
    this.#count = last - first + 1;
  }

  /**
   * Takes a port, and the one after it where a pair is wanted.
   *
   * @param {'any' | 'even' | 'pair'} wish 'pair': an even port and the next
   * @returns {number | undefined} undefined where there is none
   */
  take(wish) {
    const start = randomInt(this.#count);
    for (let i = 0; i < this.#count; i += 1) {
      const port = this.#first + ((start + i) % this.#count);
      if (!this.#isFree(port) || (wish !== 'any' && port % 2 !== 0)) continue;
      if (wish === 'pair') {
        if (!this.#isFree(port + 1)) continue;
        this.#used.add(port + 1);
      }
      this.#used.add(port);
      return port;
    }
    return undefined;
  }

  /** @param {number} port */
  give(port) {
    this.#used.delete(port);
  }

  /** @param {number} port */
  #isFree(port) {
    return port < this.#first + this.#count && !this.#used.has(port);
  }
}
