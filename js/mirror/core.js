// The sessions of a mirror and the packets that belong to them; sockets, clock and HTTP are its caller's.

import { sourceOf } from '../address.js';
import { decode, prepareKey, verify } from '../codec/index.js';
import { refusal } from '../far-end/refusals.js';
import { SharesOfHosts } from '../far-end/shares-of-hosts.js';
import { HairpinTest } from './hairpin-test.js';
import { LifetimeTest } from './lifetime-test.js';
import { NatTest } from './nat-test.js';
import { PortTest, placeOfPort } from './port-test.js';
import { Session } from './session.js';
import { checkStart } from './talk.js';

/** @typedef {import('../codec/index.js').Message} Message */
/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('./options.js').MirrorLimits} MirrorLimits */
/** @typedef {import('./session.js').Test} Test */
/** @typedef {import('./talk.js').Credentials} Credentials */
/** @typedef {import('../far-end/refusals.js').Reply} Reply */
/** @typedef {import('./talk.js').Start} Start */

/** @typedef {'IPv4' | 'IPv6'} Family */

/**
 * The mirror's addresses of a family.
 *
 * @typedef {object} FamilyPlaces
 * @property {boolean} hasSecondAddress
 * @property {(place: string) => TransportAddress[]} advertised what the browser is told: one address, or none
 */

/**
 * @typedef {object} Transport
 * @property {ReadonlyMap<Family, FamilyPlaces>} places
 * @property {ReadonlySet<number>} portMap
 * @property {(family: Family, place: string, bytes: Uint8Array, to: TransportAddress) => void} send
 * @property {(bytes: number) => Uint8Array} random
 */

/**
 * Counters since the start, but `sessions` and `hosts`.
 *
 * @typedef {object} MirrorStats
 * @property {number} sessions that there are
 * @property {number} hosts that are remembered
 * @property {number} started
 * @property {number} refused
 * @property {number} expired
 * @property {number} checks
 * @property {number} answers
 * @property {number} packetsSent
 * @property {number} bytesSent
 * @property {number} malformed packets that are no STUN message, or not one of ICE
 * @property {number} stray packets that belong to no session
 * @property {number} forged packets signed with another password, or not at all
 * @property {number} overLimit packets that were not sent, or whose source was not remembered, as a limit forbade it
 */

const SECOND_MS = 1000;
/** Of a session: nobody guesses it. */
const ID_BYTES = 16;
/** Hexadecimal digits are ice-chars (RFC 8839 section 5.4). */
const UFRAG_BYTES = 9;
const PWD_BYTES = 24;

const encoder = new TextEncoder();

export class MirrorCore {
  /** @type {Map<string, Session>} */ #sessions = new Map();
  /** Whose checks have this name. @type {Map<string, { session: Session, end: number }>} */ #names =
    new Map();
  /** Whose request has this transaction id. @type {Map<string, Session>} */ #expected = new Map();
  /** @type {Map<Session, { names: string[], ids: string[] }>} */ #belongings = new Map();
  #transport;
  #limits;
  #shares;
  #nextAt = Infinity;
  #isClosed = false;
  #stats = {
    started: 0,
    refused: 0,
    expired: 0,
    checks: 0,
    answers: 0,
    packetsSent: 0,
    bytesSent: 0,
    malformed: 0,
    stray: 0,
    forged: 0,
    overLimit: 0,
  };

  /** @param {Transport} transport @param {MirrorLimits} limits */
  constructor(transport, limits) {
    this.#transport = transport;
    this.#limits = limits;
    this.#shares = new SharesOfHosts(limits);
  }

  /** @returns {MirrorStats} */
  stats() {
    return { sessions: this.#sessions.size, hosts: this.#shares.size, ...this.#stats };
  }

  /**
   * What a page asks for.
   *
   * @param {Record<string, unknown>} body
   * @param {string} address of the page's HTTP client
   * @param {number} now
   * @param {Reply} reply at once or later, once
   */
  request(body, address, now, reply) {
    const { step } = body;
    if (step === 'start') {
      this.#start(body, sourceOf(address), now, reply);
      return;
    }
    const session = this.#sessions.get(String(body.session));
    if (session === undefined) {
      refusal(reply, 'no-session');
      return;
    }
    if (step === 'end') {
      reply(200, {});
      this.#end(session);
      return;
    }
    /** @type {Reply} */
    const once = (status, answer) => {
      session.waiting.delete(once);
      reply(status, answer);
    };
    session.waiting.add(once);
    if (!session.test.step(String(step), body, now, once)) {
      session.waiting.delete(once);
      refusal(reply, 'wrong-step');
    }
    this.#touched(session);
  }

  /** @param {Record<string, unknown>} body @param {string} host @param {number} now @param {Reply} reply */
  #start(body, host, now, reply) {
    const start = checkStart(body);
    const family = start?.family ?? this.#transport.places.keys().next().value ?? 'IPv4';
    const places = this.#transport.places.get(family);
    const excess = this.#shares.refuses(host, now);
    const refused = (/** @type {import('../far-end/refusals.js').RefusalReason} */ reason) => {
      this.#stats.refused += 1;
      refusal(reply, reason);
    };
    if (excess === 'too-often') return refused(excess);
    if (start === undefined) return refused('bad-request');
    if (places === undefined || !this.#offers(start)) return refused('not-offered');
    if (excess !== undefined) return refused(excess);
    if (this.#isClosed || this.#sessions.size >= this.#limits.sessions) return refused('busy');

    const session = this.#make(start, host, family, places, now);
    if (session === undefined) return refused('bad-request');
    this.#shares.count(host, 1, now);
    this.#stats.started += 1;
    const candidates =
      start.test === 'ports'
        ? [...this.#transport.portMap].flatMap((port) => places.advertised(placeOfPort(port)))
        : places.advertised('A:first');
    const { ufrag, pwd } = session.own;
    reply(200, { session: session.session.id, ufrag, pwd, candidates });
  }

  /** @param {Start} start */
  #offers({ test }) {
    if (test === 'ports') return this.#transport.portMap.size > 0;
    return test !== 'lifetime' || this.#limits.waitSeconds > 0;
  }

  /**
   * @param {Start} start
   * @param {string} host
   * @param {Family} family
   * @param {FamilyPlaces} places
   * @param {number} now
   */
  #make({ test, page, partner }, host, family, places, now) {
    // Of two connections of one page, each is told that the mirror is the other.
    const own = partner ?? {
      ufrag: this.#text(UFRAG_BYTES),
      pwd: this.#text(PWD_BYTES),
    };
    const toUs = { username: `${own.ufrag}:${page.ufrag}`, key: keyOf(own.pwd) };
    const toPage = { username: `${page.ufrag}:${own.ufrag}`, key: keyOf(page.pwd) };
    const ends = partner === undefined ? [toUs] : [toUs, toPage];
    if (ends.some(({ username }) => this.#names.has(username))) return undefined;
    const waitMs = test === 'lifetime' ? this.#limits.waitSeconds * SECOND_MS : 0;
    const session = new Session(
      {
        id: this.#text(ID_BYTES),
        host,
        family,
        ends,
        far: test === 'hairpin' ? undefined : toPage,
        endsAt: now + this.#limits.sessionMs + waitMs,
        limits: this.#limits,
      },
      {
        transmit: this.#transmit,
        expect: (from, id) => {
          this.#expected.set(id, from);
          this.#belongings.get(from)?.ids.push(id);
        },
        transactionId: () => this.#transport.random(12),
        overLimit: () => {
          this.#stats.overLimit += 1;
        },
      },
    );
    session.test = this.#testOf(test, session, places);
    this.#sessions.set(session.id, session);
    const names = ends.map(({ username }) => username);
    for (const [end, name] of names.entries()) this.#names.set(name, { session, end });
    this.#belongings.set(session, { names, ids: [] });
    this.#touched(session);
    return { session, own };
  }

  /** @param {Start['test']} test @param {Session} session @param {FamilyPlaces} places @returns {Test} */
  #testOf(test, session, places) {
    if (test === 'ports') return new PortTest(session, this.#transport.portMap);
    if (test === 'hairpin') return new HairpinTest(session);
    if (test === 'lifetime') return new LifetimeTest(session, this.#limits.waitSeconds);
    return new NatTest(session, places);
  }

  /** @param {number} bytes */
  #text(bytes) {
    return Buffer.from(this.#transport.random(bytes)).toString('hex');
  }

  /** @type {(session: Session, place: string, bytes: Uint8Array, to: TransportAddress, now: number) => boolean} */
  #transmit = (session, place, bytes, to, now) => {
    if (!this.#shares.maySend(to.address, bytes.length, now)) {
      this.#stats.overLimit += 1;
      return false;
    }
    this.#stats.packetsSent += 1;
    this.#stats.bytesSent += bytes.length;
    this.#transport.send(session.family, place, bytes, to);
    return true;
  };

  /**
   * A packet has arrived.
   *
   * @param {Family} family
   * @param {string} place
   * @param {Uint8Array} bytes
   * @param {{ address: string, port: number }} from
   * @param {number} now
   * @returns {boolean} whether it was for a session, so that nextAt may be another
   */
  receive(family, place, bytes, { address, port }, now) {
    let message;
    let username;
    let priority;
    try {
      message = decode(bytes);
      if (message.class === 'request') ({ username, priority } = message.attributes);
    } catch {
      this.#stats.malformed += 1;
      return false;
    }
    const isRequest = message.class === 'request';
    const isIce = message.fingerprint === 'valid' && priority !== undefined;
    if (message.method !== 'Binding' || (isRequest && !isIce)) {
      this.#stats.malformed += 1;
      return false;
    }
    if (!isRequest) return this.#takeAnswer(message, now);
    const check = {
      end: 0,
      place,
      priority: priority ?? 0,
      source: { address, port, family },
      transactionId: message.transactionId.slice(),
    };
    return this.#takeCheck(message, username ?? '', check, now);
  }

  /** @param {Message} message @param {string} username @param {import('./session.js').Check} check @param {number} now */
  #takeCheck(message, username, check, now) {
    const named = this.#names.get(username);
    if (named === undefined || named.session.family !== check.source.family) {
      this.#stats.stray += 1;
      return false;
    }
    const { session, end } = named;
    if (!verify(message, session.ends[end].key)) {
      this.#stats.forged += 1;
      return false;
    }
    this.#stats.checks += 1;
    session.check({ ...check, end }, now);
    this.#touched(session);
    return true;
  }

  /** @param {Message} message @param {number} now */
  #takeAnswer(message, now) {
    const id = Buffer.from(message.transactionId).toString('hex');
    const session = this.#expected.get(id);
    if (session?.far === undefined) {
      this.#stats.stray += 1;
      return false;
    }
    // An error says that the request arrived, too, and comes unsigned; its transaction id is nothing to be guessed.
    if (message.class === 'success' && !verify(message, session.far.key)) {
      this.#stats.forged += 1;
      return false;
    }
    this.#stats.answers += 1;
    session.test.answer(id, now);
    this.#touched(session);
    return true;
  }

  /** When tick() may have something to do; Infinity: nothing is going on. */
  get nextAt() {
    return this.#nextAt;
  }

  /** After something has happened in a session. @param {Session} session */
  #touched(session) {
    if (session.isOver) this.#end(session);
    else this.#nextAt = Math.min(this.#nextAt, session.nextAt);
  }

  /** @param {number} now */
  tick(now) {
    this.#nextAt = Infinity;
    for (const session of this.#sessions.values()) {
      if (now >= session.endsAt) {
        this.#stats.expired += 1;
        this.#end(session);
        continue;
      }
      if (now >= session.nextAt) session.test.tick(now);
      this.#touched(session);
    }
    this.#shares.forget(now);
  }

  /** Ends all sessions, for good: those who wait are told so. */
  endAll() {
    this.#isClosed = true;
    for (const session of this.#sessions.values()) this.#end(session);
  }

  /** @param {Session} session */
  #end(session) {
    if (!this.#sessions.delete(session.id)) return;
    session.isOver = true;
    const { names, ids } = /** @type {{ names: string[], ids: string[] }} */ (
      this.#belongings.get(session)
    );
    this.#belongings.delete(session);
    for (const name of names) this.#names.delete(name);
    for (const id of ids) this.#expected.delete(id);
    for (const reply of [...session.waiting]) refusal(reply, 'no-session');
    this.#shares.count(session.host, -1, 0);
  }
}

/** @param {string} password */
const keyOf = (password) => prepareKey({ password: encoder.encode(password) });
