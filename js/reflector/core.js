// The sessions of a reflector and the packets that belong to them; sockets, clock and HTTP are its caller's.

import { sourceOf } from '../address.js';
import { refusal } from '../far-end/refusals.js';
import { SharesOfHosts } from '../far-end/shares-of-hosts.js';
import { FlowBudget } from './flow-budget.js';
import { randomPacket } from './packets/looks.js';
import { flowNumber, HANDLE_BYTES, writeMark } from './packets/marks.js';
import { newCounts, Receiver } from './receiver.js';
import { SentFlow } from './sent-flow.js';
import { Session } from './session.js';
import { checkSend, checkStart, isWithin } from './talk.js';

/** @typedef {import('../address.js').AddressFamily} Family */
/** @typedef {import('../far-end/refusals.js').Reply} Reply */
/** @typedef {import('../far-end/refusals.js').RefusalReason} RefusalReason */
/** @typedef {import('./options.js').ReflectorLimits} ReflectorLimits */
/** @typedef {{ address: string, port: number }} Endpoint */

/** The reflector's address of a family, as clients are told. @typedef {{ address: string, udp: number[], sip: number[] }} FamilyPorts */

/**
 * @typedef {object} Transport
 * @property {ReadonlyMap<Family, FamilyPorts>} places
 * @property {(family: Family, port: number, bytes: Uint8Array, to: Endpoint) => void} send over UDP, from that port
 * @property {(bytes: number) => Uint8Array} random
 */

/**
 * Counters since the start, but `sessions` and `hosts`.
 *
 * @typedef {import('./receiver.js').PacketCounts & { sessions: number, hosts: number, started: number, refused: number,
 *   expired: number, flowPackets: number }} ReflectorStats `flowPackets` were sent
 */

const ID_BYTES = 16;
const KEY_BYTES = 32;

/** @param {Uint8Array} bytes */
const hex = (bytes) => Buffer.from(bytes).toString('hex');

export class ReflectorCore {
  /** @type {Map<string, Session>} */ #sessions = new Map();
  /** By the handle in their packets. @type {Map<string, Session>} */ #handles = new Map();
  #transport;
  #limits;
  #shares;
  #receiver;
  #flowBudget;
  #nextAt = Infinity;
  #isClosed = false;
  #stats = { started: 0, refused: 0, expired: 0, flowPackets: 0, ...newCounts() };

  /** @param {Transport} transport @param {ReflectorLimits} limits @param {number} now */
  constructor(transport, limits, now) {
    this.#transport = transport;
    this.#limits = limits;
    this.#shares = new SharesOfHosts(limits);
    this.#receiver = new Receiver({
      handles: this.#handles,
      places: transport.places,
      shares: this.#shares,
      // Clients know their session's key, and could make up any token of that.
      secret: transport.random(KEY_BYTES),
      counts: this.#stats,
    });
    this.#flowBudget = new FlowBudget(limits, now);
  }

  /** @returns {ReflectorStats} */
  stats() {
    return { sessions: this.#sessions.size, hosts: this.#shares.size, ...this.#stats };
  }

  /**
   * What a client asks for.
   *
   * @param {Record<string, unknown>} body
   * @param {string} address of the HTTP client
   * @param {number} now
   * @param {Reply} reply
   */
  request(body, address, now, reply) {
    if (body.step === 'start') {
      this.#start(body, sourceOf(address), now, reply);
      return;
    }
    const session = this.#sessions.get(String(body.session));
    if (session === undefined) {
      refusal(reply, 'no-session');
      return;
    }
    session.touch(now);
    this.#step(session, body, now, reply);
    this.#touched(session);
  }

  /** @param {Record<string, unknown>} body @param {string} host @param {number} now @param {Reply} reply */
  #start(body, host, now, reply) {
    const start = checkStart(body);
    const family = start?.family ?? this.#transport.places.keys().next().value ?? 'IPv4';
    const places = this.#transport.places.get(family);
    const excess = this.#shares.refuses(host, now);
    const refused = (/** @type {RefusalReason} */ reason) => {
      this.#stats.refused += 1;
      refusal(reply, reason);
    };
    if (excess === 'too-often') return refused(excess);
    if (start === undefined) return refused('bad-request');
    if (places === undefined) return refused('not-offered');
    if (excess !== undefined) return refused(excess);
    if (this.#isClosed || this.#sessions.size >= this.#limits.sessions) return refused('busy');

    const { random } = this.#transport;
    const handle = random(HANDLE_BYTES);
    if (this.#handles.has(hex(handle))) return refused('busy');
    const what = { id: hex(random(ID_BYTES)), host, family, handle, key: random(KEY_BYTES) };
    const session = new Session(what, this.#limits, now);
    this.#sessions.set(session.id, session);
    this.#handles.set(hex(handle), session);
    this.#shares.count(host, 1, now);
    this.#stats.started += 1;
    this.#touched(session);
    const { flowKbps: kbps, flowMs: ms, flowBytesPerSession: bytes, idleMs } = this.#limits;
    /** @type {import('./talk.js').StartAnswer} */
    const answer = {
      session: session.id,
      handle: hex(handle),
      key: hex(session.key),
      ...places,
      idleMs,
      flow: { kbps, ms, bytes },
    };
    reply(200, answer);
  }

  /** @param {Session} session @param {Record<string, unknown>} body @param {number} now @param {Reply} reply */
  #step(session, body, now, reply) {
    switch (body.step) {
      case 'arrived': {
        const { after = 0 } = body;
        const isGood = isWithin(after, 0, session.arrivals.length);
        if (isGood) reply(200, { arrived: session.arrivals.slice(after) });
        else refusal(reply, 'bad-request');
        return;
      }
      case 'sip':
        reply(200, { texts: session.sip.get(Number(body.number)) ?? null });
        return;
      case 'count':
        if (session.hasRoomForFlow) reply(200, { flow: session.countFlow() });
        else refusal(reply, 'too-many');
        return;
      case 'send':
        this.#startFlow(session, body, now, reply);
        return;
      case 'counts': {
        const flow = session.flows[Number(body.flow)];
        if (flow === undefined) refusal(reply, 'wrong-step');
        else reply(200, flow.counts());
        return;
      }
      case 'stop':
        session.sending?.stop();
        reply(200, {});
        return;
      case 'end':
        reply(200, {});
        this.#end(session);
        return;
      default:
        refusal(reply, 'wrong-step');
    }
  }

  /** @param {Session} session @param {Record<string, unknown>} body @param {number} now @param {Reply} reply */
  #startFlow(session, body, now, reply) {
    const send = checkSend(body);
    if (send === undefined) return refusal(reply, 'bad-request');
    const { flowKbps, flowMs, flowBytesPerSession } = this.#limits;
    if (flowKbps === 0) return refusal(reply, 'not-offered');
    const to = session.proven.get(send.token);
    const isGoing = session.sending !== undefined && !session.sending.isOver;
    if (to === undefined || isGoing) return refusal(reply, 'wrong-step');
    const most = flowBytesPerSession - session.flowBytesSent;
    if (!session.hasRoomForFlow || most < send.bytes) return refusal(reply, 'too-many');

    const kbps = Math.min(send.kbps, flowKbps);
    const ms = Math.min(send.ms, flowMs);
    const number = session.flows.length;
    const { port } = this.#peerOf(session);
    const flow = new SentFlow({ ...send, kbps, ms, most }, now, (sequence, bytes, at) => {
      if (!this.#flowBudget.take(to.address, bytes, at)) {
        this.#stats.overLimit += 1;
        return false;
      }
      const place = /** @type {const} */ ({ transport: 'udp', port });
      const mark = writeMark(session, 'down', flowNumber(number, sequence), 'random', place);
      session.flowBytesSent += bytes;
      this.#stats.flowPackets += 1;
      this.#stats.bytesSent += bytes;
      this.#transport.send(session.family, port, randomPacket(mark, bytes), to);
      return true;
    });
    reply(200, { flow: session.sendFlow(flow), kbps, ms });
  }

  /** The port that flows use. @param {Session} session */
  #peerOf({ family }) {
    const { address, udp } = /** @type {FamilyPorts} */ (this.#transport.places.get(family));
    return { address, port: udp[0] };
  }

  /**
   * A packet has arrived over UDP.
   *
   * @param {Family} family
   * @param {number} port
   * @param {Uint8Array} bytes
   * @param {Endpoint} from
   * @param {number} now
   */
  receive(family, port, bytes, from, now) {
    const answer = this.#receiver.take(family, { transport: 'udp', port }, bytes, from, now);
    if (answer !== undefined) this.#transport.send(family, port, answer, from);
  }

  /**
   * A message has arrived over TCP.
   *
   * @param {Family} family
   * @param {number} port
   * @param {Uint8Array} bytes
   * @param {Endpoint} from
   * @param {number} now
   * @returns {Uint8Array | undefined} what to answer
   */
  receiveStream(family, port, bytes, from, now) {
    return this.#receiver.take(family, { transport: 'tcp', port }, bytes, from, now);
  }

  /** When tick() may have something to do; Infinity: nothing is going on. */
  get nextAt() {
    return this.#nextAt;
  }

  /** After something has happened in a session. @param {Session} session */
  #touched(session) {
    if (this.#sessions.has(session.id)) this.#nextAt = Math.min(this.#nextAt, session.nextAt);
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
      session.sending?.tick(now);
      this.#touched(session);
    }
    this.#shares.forget(now);
    this.#flowBudget.forget(now);
  }

  /** Ends all sessions, for good. */
  endAll() {
    this.#isClosed = true;
    for (const session of this.#sessions.values()) this.#end(session);
  }

  /** @param {Session} session */
  #end(session) {
    if (!this.#sessions.delete(session.id)) return;
    this.#handles.delete(hex(session.handle));
    this.#shares.count(session.host, -1, 0);
  }
}
