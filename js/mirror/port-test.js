// Which UDP ports pass: the browser checks them all, and each that was reached knocks back from the same port.

import { Knocks } from './knocks.js';

/** @typedef {import('./knocks.js').Knocking} Knocking */
/** @typedef {import('./session.js').Check} Check */
/** @typedef {import('./session.js').Session} Session */
/** @typedef {import('../far-end/refusals.js').Reply} Reply */

const KNOCKS = {
  offsets: [0, 120, 300, 550, 850, 1200, 1600, 2100],
  lastsMs: 2600,
  stopsWhenAnswered: true,
};
/** Nothing new for so long, and for so long more for each port, means that there will be nothing: browsers take turns. */
const QUIET_MS = 1000;
const QUIET_PER_PORT_MS = 100;
/** Where packets are lost, they have more turns. */
const LOSSY_QUIET_PER_PORT_MS = 300;

/** Where packets to a port of the port map arrive. @param {number} port */
export const placeOfPort = (port) => `A:${port}`;

export class PortTest {
  #session;
  #allowed;
  #knocks;
  /** Places that were reached. @type {Map<string, Knocking>} */ #reached = new Map();
  /** @type {number[]} */ #asked = [];
  #newsAt = 0;
  /** @type {Reply | undefined} */ #reply;

  /** @param {Session} session @param {ReadonlySet<number>} ports of the port map */
  constructor(session, ports) {
    this.#session = session;
    this.#allowed = ports;
    this.#knocks = new Knocks(session, KNOCKS);
  }

  /** @param {Check} check @param {number} now */
  check({ place, source }, now) {
    if (this.#reached.has(place)) return;
    this.#reached.set(place, this.#knocks.add(place, source, now));
    this.#newsAt = now;
    this.tick(now);
  }

  /** @param {string} id @param {number} now */
  answer(id, now) {
    if (!this.#knocks.answered(id)) return;
    this.#newsAt = now;
    this.tick(now);
  }

  /** @param {string} name @param {Record<string, unknown>} body @param {number} now @param {Reply} reply */
  step(name, { ports }, now, reply) {
    const isGood =
      name === 'ports' &&
      this.#reply === undefined &&
      Array.isArray(ports) &&
      ports.length <= this.#allowed.size &&
      ports.every((port) => this.#allowed.has(port));
    if (!isGood) return false;
    this.#asked = ports;
    this.#newsAt = now;
    this.#reply = reply;
    this.tick(now);
    return true;
  }

  get #quietAt() {
    const each = this.#knocks.haveLoss ? LOSSY_QUIET_PER_PORT_MS : QUIET_PER_PORT_MS;
    return this.#newsAt + QUIET_MS + each * this.#asked.length;
  }

  get nextAt() {
    if (this.#reply === undefined) return this.#knocks.nextAt;
    return Math.min(this.#knocks.nextAt, this.#quietAt);
  }

  /** @param {number} now */
  tick(now) {
    this.#knocks.tick(now);
    if (this.#reply === undefined) return;
    const found = this.#asked.map((port) => this.#reached.get(placeOfPort(port)));
    const isComplete = found.every((one) => one !== undefined && this.#knocks.isOver(one));
    if (!isComplete && now < this.#quietAt) return;
    const ports = this.#asked.map((port, i) => {
      const { isAnswered = false, refused = 0 } = found[i] ?? {};
      // Silence tells nothing where not all was sent.
      const isUnknown = refused > 0 && !isAnswered;
      return { port, out: found[i] !== undefined, in: isUnknown ? null : isAnswered };
    });
    this.#reply(200, { ports });
    this.#reply = undefined;
    this.#session.isOver = true;
  }
}
