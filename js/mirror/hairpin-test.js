// Two connections of one page, which are to find each other by their mapped addresses: the mirror tells these, and sends
// nothing.

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('./session.js').Check} Check */
/** @typedef {import('./session.js').Session} Session */
/** @typedef {import('../far-end/refusals.js').Reply} Reply */

const WAIT_MS = 4000;

export class HairpinTest {
  #session;
  /** Of each of the two, by port and address. @type {[Map<string, TransportAddress>, Map<string, TransportAddress>]} */
  #seen = [new Map(), new Map()];
  /** @type {Reply | undefined} */ #reply;
  #endsAt = Infinity;

  /** @param {Session} session */
  constructor(session) {
    this.#session = session;
  }

  /** @param {Check} check @param {number} now */
  check({ end, source }, now) {
    this.#seen[end].set(`${source.address} ${source.port}`, source);
    this.tick(now);
  }

  answer() {}

  /** @param {string} name @param {Record<string, unknown>} _body @param {number} now @param {Reply} reply */
  step(name, _body, now, reply) {
    if (name !== 'mapped' || this.#reply !== undefined) return false;
    this.#reply = reply;
    this.#endsAt = now + WAIT_MS;
    this.tick(now);
    return true;
  }

  get nextAt() {
    return this.#endsAt;
  }

  /** @param {number} now */
  tick(now) {
    if (this.#reply === undefined) return;
    const mapped = this.#seen.map((sources) => [...sources.values()]);
    if (mapped.some((sources) => sources.length === 0) && now < this.#endsAt) return;
    this.#reply(200, { mapped });
    this.#reply = undefined;
    this.#session.isOver = true;
  }
}
