// What was sent of a flow, and when it came: of the newest packets.

/** At 100,000 kbit/s some two seconds. */
const WINDOW = 32_768;

export class SentPackets {
  /** The number of the next one. */
  next = 0;
  /** That have not come. */
  missing = 0;
  /** How long the one took that came last. */
  lastDelayMs = 0;
  #sentMs = new Float64Array(WINDOW);
  /** 0: not here. */
  #arrivedMs = new Float64Array(WINDOW);
  #bytes = new Uint16Array(WINDOW);
  /** @type {(() => void) | undefined} */ #resolve;

  /** @param {number} bytes @param {number} atMs @returns {number} its number */
  add(bytes, atMs) {
    const sequence = this.next;
    const slot = sequence % WINDOW;
    if (sequence >= WINDOW && this.#arrivedMs[slot] === 0) this.missing -= 1;
    this.#sentMs[slot] = atMs;
    this.#arrivedMs[slot] = 0;
    this.#bytes[slot] = bytes;
    this.next += 1;
    this.missing += 1;
    return sequence;
  }

  /** @param {number} sequence that somebody claims to be one of ours @returns {number | undefined} when it was sent */
  sentMs(sequence) {
    const isKnown = sequence < this.next && sequence >= this.next - WINDOW;
    return isKnown ? this.#sentMs[sequence % WINDOW] : undefined;
  }

  /** @param {number} sequence @param {number} atMs @returns {boolean} whether it is here for the first time */
  arrived(sequence, atMs) {
    const slot = sequence % WINDOW;
    if (this.sentMs(sequence) === undefined || this.#arrivedMs[slot] !== 0) return false;
    this.#arrivedMs[slot] = atMs;
    this.lastDelayMs = atMs - this.#sentMs[slot];
    this.missing -= 1;
    if (this.missing === 0) this.#resolve?.();
    return true;
  }

  /** Resolves when none is missing. @returns {Promise<void>} */
  get allArrived() {
    if (this.missing === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** Of those that were sent in a span of time. @param {number} fromMs @param {number} toMs */
  countSent(fromMs, toMs) {
    let sent = 0;
    let arrived = 0;
    this.#each((slot) => {
      if (this.#sentMs[slot] < fromMs || this.#sentMs[slot] >= toMs) return;
      sent += 1;
      if (this.#arrivedMs[slot] !== 0) arrived += 1;
    });
    return { sent, arrived };
  }

  /** That came in a span of time. @param {number} fromMs @param {number} toMs */
  bytesArrived(fromMs, toMs) {
    let bytes = 0;
    this.#each((slot) => {
      const at = this.#arrivedMs[slot];
      if (at !== 0 && at >= fromMs && at < toMs) bytes += this.#bytes[slot];
    });
    return bytes;
  }

  /** @param {(slot: number) => void} look */
  #each(look) {
    for (let slot = Math.min(this.next, WINDOW) - 1; slot >= 0; slot -= 1) look(slot);
  }
}
