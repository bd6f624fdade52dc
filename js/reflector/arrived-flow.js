// Packets of a flow that have arrived: how many, how much, and when. The same for both ends.

/** @typedef {import('./talk.js').FlowCounts} FlowCounts */

const BIN_MS = 100;
/** Two minutes; what comes later is counted, and in no bin. */
const MAX_BINS = 1200;
/** So far behind the newest one a packet is told from its duplicate; what is older counts as one. */
const WINDOW = 4096;

export class ArrivedFlow {
  #seen = new Uint8Array(WINDOW / 8);
  #highest = -1;
  /** @type {number | undefined} */ #firstAt;
  /** @type {Map<number, [packets: number, bytes: number]>} */ #bins = new Map();
  #packets = 0;
  #bytes = 0;
  #duplicates = 0;
  #reordered = 0;

  /** @param {number} sequence @param {number} bytes @param {number} now */
  add(sequence, bytes, now) {
    if (!this.#isNew(sequence)) {
      this.#duplicates += 1;
      return;
    }
    this.#firstAt ??= now;
    this.#packets += 1;
    this.#bytes += bytes;
    const at = Math.floor((now - this.#firstAt) / BIN_MS);
    if (at >= MAX_BINS) return;
    const bin = this.#bins.get(at) ?? [0, 0];
    bin[0] += 1;
    bin[1] += bytes;
    this.#bins.set(at, bin);
  }

  /** @param {number} sequence */
  #isNew(sequence) {
    if (sequence > this.#highest) {
      // Places of the window that come round again.
      const steps = Math.min(WINDOW, sequence - this.#highest);
      for (let i = 0; i < steps; i += 1) this.#mark(sequence - i, false);
      this.#highest = sequence;
    } else {
      if (sequence <= this.#highest - WINDOW || this.#isMarked(sequence)) return false;
      this.#reordered += 1;
    }
    this.#mark(sequence, true);
    return true;
  }

  /** @param {number} sequence */
  #isMarked(sequence) {
    const place = sequence % WINDOW;
    return (this.#seen[place >> 3] & (1 << (place & 7))) !== 0;
  }

  /** @param {number} sequence @param {boolean} isSeen */
  #mark(sequence, isSeen) {
    const place = sequence % WINDOW;
    if (isSeen) this.#seen[place >> 3] |= 1 << (place & 7);
    else this.#seen[place >> 3] &= ~(1 << (place & 7));
  }

  /** @returns {FlowCounts} */
  counts() {
    return {
      packets: this.#packets,
      bytes: this.#bytes,
      duplicates: this.#duplicates,
      reordered: this.#reordered,
      bins: [...this.#bins].map(([at, [packets, bytes]]) => [at * BIN_MS, packets, bytes]),
      isOver: false,
    };
  }
}
