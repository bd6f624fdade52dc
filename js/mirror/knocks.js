// Requests that the mirror sends of its own accord, each several times, as one may be lost.

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('./session.js').Session} Session */

/**
 * One place that knocks at one address.
 *
 * @typedef {object} Knocking
 * @property {string} place
 * @property {TransportAddress} to
 * @property {number} startedAt
 * @property {number} sent
 * @property {number} refused how many of those limits forbade
 * @property {boolean} isAnswered
 * @property {boolean} isTimedOut nobody waits for an answer any more
 * @property {(id: string) => void} [onsent]
 */

export class Knocks {
  /** @type {Set<Knocking>} */ #all = new Set();
  /** @type {Map<string, Knocking>} */ #byId = new Map();
  #session;
  #offsets;
  #lastsMs;
  #stopsWhenAnswered;

  /**
   * @param {Session} session
   * @param {object} rules
   * @param {readonly number[]} rules.offsets when each is sent, in milliseconds from its start
   * @param {number} rules.lastsMs until no answer is waited for any more
   * @param {boolean} rules.stopsWhenAnswered
   */
  constructor(session, { offsets, lastsMs, stopsWhenAnswered }) {
    this.#session = session;
    this.#offsets = offsets;
    this.#lastsMs = lastsMs;
    this.#stopsWhenAnswered = stopsWhenAnswered;
  }

  /**
   * @param {string} place
   * @param {TransportAddress} to from which a check has come
   * @param {number} now
   * @param {(id: string) => void} [onsent]
   * @returns {Knocking}
   */
  add(place, to, now, onsent) {
    /** @type {Knocking} */
    const knocking = {
      place,
      to,
      startedAt: now,
      sent: 0,
      refused: 0,
      isAnswered: false,
      isTimedOut: false,
      onsent,
    };
    this.#all.add(knocking);
    return knocking;
  }

  /** @param {string} id of a request @returns {boolean} whether it is one of these */
  answered(id) {
    const knocking = this.#byId.get(id);
    if (knocking !== undefined) knocking.isAnswered = true;
    return knocking !== undefined;
  }

  /** @param {Knocking} knocking @returns {number} when the next is to be sent; Infinity: never */
  #dueAt({ startedAt, sent, isAnswered }) {
    const offset = this.#offsets[sent];
    if (offset === undefined || (isAnswered && this.#stopsWhenAnswered)) return Infinity;
    return startedAt + offset;
  }

  /** Sends what is due. @param {number} now */
  tick(now) {
    for (const knocking of this.#all) {
      while (this.#dueAt(knocking) <= now) {
        knocking.sent += 1;
        const id = this.#session.knock(knocking.place, knocking.to, now);
        if (id === undefined) {
          knocking.refused += 1;
          continue;
        }
        this.#byId.set(id, knocking);
        knocking.onsent?.(id);
      }
      if (now >= knocking.startedAt + this.#lastsMs) knocking.isTimedOut = true;
    }
  }

  /** As of the last tick(). @param {Knocking} knocking */
  isOver({ isAnswered, isTimedOut }) {
    return isAnswered || isTimedOut;
  }

  /** Whether one was answered late, or more than one was needed. */
  get haveLoss() {
    for (const { isAnswered, sent } of this.#all) if (isAnswered && sent > 1) return true;
    return false;
  }

  /** Whether all have been answered, or have had their time. */
  get areOver() {
    for (const knocking of this.#all) if (!this.isOver(knocking)) return false;
    return true;
  }

  /** When there is something to do or to find out. */
  get nextAt() {
    let next = Infinity;
    for (const knocking of this.#all) {
      next = Math.min(next, this.#dueAt(knocking));
      if (!this.isOver(knocking)) next = Math.min(next, knocking.startedAt + this.#lastsMs);
    }
    return next;
  }
}
