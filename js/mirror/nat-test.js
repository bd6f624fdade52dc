// The test of mapping and filtering: silent until everything is seen, and in this order, as what the browser opens by
// itself would otherwise look as if it had been open.

import { judge } from './judge.js';
import { Knocks } from './knocks.js';

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('./core.js').FamilyPlaces} FamilyPlaces */
/** @typedef {import('./judge.js').MirrorEvent} MirrorEvent */
/** @typedef {import('./judge.js').Place} Place */
/** @typedef {import('./session.js').Check} Check */
/** @typedef {import('./session.js').Session} Session */
/** @typedef {import('../far-end/refusals.js').Reply} Reply */

/** So many that the loss of a fifth each way hides nothing; answers take a round trip. */
const KNOCKS = {
  offsets: [0, 100, 250, 450, 700, 1000, 1350, 1750, 2200],
  lastsMs: 2600,
  stopsWhenAnswered: false,
};
/** From where, all at once. @type {readonly Place[]} */
const KNOCK_PLACES = ['A:first', 'A:strange', 'B:strange'];
/** Where the browser is sent afterwards. @type {readonly Place[]} */
const MAPPING_PLACES = ['A:second', 'B:first'];
/** Browsers check within 60 ms, and one that has lost its first four packets within 3.2 s. */
const NO_CHECK_MS = 4000;
/** For the first check of another network interface. */
const JOIN_MS = 350;
const MAPPING_MS = 2500;
const MAX_PATHS = 3;
const MAX_EVENTS = 256;
const MAX_HOST_PORTS = 64;

/** One socket of the browser's. @typedef {{ seen: Set<string> }} Path */

export class NatTest {
  #session;
  #places;
  #hasSecondAddress;
  #knocks;
  /** @type {MirrorEvent[]} */ #events = [];
  #recorded = new Set();
  /** By priority. @type {Map<number, Path>} */ #paths = new Map();
  /** @type {'filtering' | 'filtered' | 'mapping' | 'answering'} */ #phase = 'filtering';
  /** When the phase ends at the latest. */ #endsAt = Infinity;
  #joinsUntil = 0;
  #wasAsked = false;
  /** @type {Reply | undefined} */ #reply;

  /** @param {Session} session @param {FamilyPlaces} places */
  constructor(session, places) {
    this.#session = session;
    this.#places = places;
    this.#hasSecondAddress = places.hasSecondAddress;
    this.#knocks = new Knocks(session, KNOCKS);
  }

  /** @param {Check} check @param {number} now */
  check(check, now) {
    const { priority, source } = check;
    const place = /** @type {Place} */ (check.place);
    if (this.#phase === 'answering' && priority === Math.max(...this.#paths.keys())) {
      this.#session.confirm(check, now);
    }
    const what = `${place} ${priority} ${source.address} ${source.port}`;
    if (this.#recorded.has(what) || this.#recorded.size >= MAX_EVENTS) return;
    this.#recorded.add(what);
    this.#events.push({ kind: 'check', place, priority, source });
    const path = this.#paths.get(priority);
    path?.seen.add(place);
    const isNew = path === undefined && place === 'A:first' && this.#phase === 'filtering';
    if (isNew && this.#paths.size < MAX_PATHS) this.#knockAt(priority, source, now);
    this.tick(now);
  }

  /** @param {number} priority @param {TransportAddress} source @param {number} now */
  #knockAt(priority, source, now) {
    if (this.#paths.size === 0) this.#joinsUntil = now + JOIN_MS;
    this.#paths.set(priority, { seen: new Set() });
    for (const place of KNOCK_PLACES) {
      if (this.#places.advertised(place).length === 0) continue;
      this.#knocks.add(place, source, now, (id) =>
        this.#events.push({ kind: 'knock', place, priority, id }),
      );
    }
  }

  /** @param {string} id @param {number} now */
  answer(id, now) {
    if (!this.#knocks.answered(id)) return;
    this.#events.push({ kind: 'answer', id });
    this.tick(now);
  }

  /** @param {string} name @param {Record<string, unknown>} body @param {number} now @param {Reply} reply */
  step(name, body, now, reply) {
    if (name === 'filtering' && !this.#wasAsked) {
      this.#wasAsked = true;
      this.#endsAt = now + NO_CHECK_MS;
      this.#reply = reply;
    } else if (name === 'mapping' && this.#phase === 'filtered') {
      this.#phase = 'mapping';
      this.#endsAt = now + MAPPING_MS;
      this.#reply = reply;
    } else if (name === 'result') {
      reply(200, { verdict: this.#judge(body) });
      this.#session.isOver = true;
      return true;
    } else {
      return false;
    }
    this.tick(now);
    return true;
  }

  /** @param {Record<string, unknown>} page */
  #judge({ localType, hostPorts }) {
    this.#events.push({
      kind: 'page',
      localType: localType === 'host' || localType === 'translated' ? localType : undefined,
      hostPorts: Array.isArray(hostPorts)
        ? hostPorts.slice(0, MAX_HOST_PORTS).filter((port) => Number.isInteger(port))
        : [],
    });
    return judge(this.#events, { hasSecondAddress: this.#hasSecondAddress });
  }

  get nextAt() {
    if (this.#phase === 'filtering' && this.#paths.size > 0) {
      return Math.min(this.#knocks.nextAt, this.#joinsUntil);
    }
    return this.#reply === undefined ? Infinity : this.#endsAt;
  }

  /** @param {number} now */
  tick(now) {
    if (this.#phase === 'filtering') {
      if (this.#paths.size > 0) {
        this.#knocks.tick(now);
        if (now >= this.#joinsUntil) this.#joinsUntil = Infinity;
        if (this.#joinsUntil === Infinity && this.#knocks.areOver) this.#filtered();
      } else if (now >= this.#endsAt) {
        this.#filtered();
      }
    }
    // Browsers try again and again what is not answered: while the page asks for nothing, nothing is said.
    if (this.#phase === 'filtered') {
      const candidates = MAPPING_PLACES.flatMap((place) => this.#places.advertised(place));
      this.#tell({ seen: this.#paths.size > 0, candidates });
    }
    if (this.#phase === 'mapping' && (now >= this.#endsAt || this.#isMapped())) {
      this.#phase = 'answering';
      this.#tell({});
    }
  }

  #filtered() {
    this.#phase = 'filtered';
    this.#events.push({ kind: 'mapping' });
  }

  #isMapped() {
    const places = MAPPING_PLACES.filter((place) => this.#places.advertised(place).length > 0);
    return [...this.#paths.values()].every(({ seen }) => places.every((place) => seen.has(place)));
  }

  /** @param {object} answer */
  #tell(answer) {
    this.#reply?.(200, answer);
    this.#reply = undefined;
  }
}
