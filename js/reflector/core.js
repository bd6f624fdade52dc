// The sessions of a reflector and the packets that belong to them; sockets, clock and HTTP are its caller's.

import { createHmac } from 'node:crypto';
import { sourceOf } from '../address.js';
import { refusal } from '../far-end/refusals.js';
import { SharesOfHosts } from '../far-end/shares-of-hosts.js';
import { Meter } from '../gateway/meter.js';
import { Shares } from '../gateway/shares.js';
import { ArrivedFlow } from './arrived-flow.js';
import {
  LEAST_RANDOM_BYTES,
  randomPacket,
  readPacket,
  rtpPacket,
  stunPacket,
} from './packets/looks.js';
import {
  flowNumber,
  HANDLE_BYTES,
  handleOf,
  partsOfFlowNumber,
  readMark,
  writeMark,
} from './packets/marks.js';
import { sipAnswer, sipBytes, sipText } from './packets/sip.js';
import { SentFlow } from './sent-flow.js';
import { Session } from './session.js';
import { checkSend, checkStart, isWithin } from './talk.js';

/** @typedef {import('../address.js').AddressFamily} Family */
/** @typedef {import('../far-end/refusals.js').Reply} Reply */
/** @typedef {import('../far-end/refusals.js').RefusalReason} RefusalReason */
/** @typedef {import('./options.js').ReflectorLimits} ReflectorLimits */
/** @typedef {import('./packets/looks.js').Packet} Packet */
/** @typedef {import('./packets/marks.js').Place} Place */
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
 * @typedef {object} ReflectorStats
 * @property {number} sessions that there are
 * @property {number} hosts that are remembered
 * @property {number} started
 * @property {number} refused
 * @property {number} expired
 * @property {number} probes that arrived
 * @property {number} answers that were sent
 * @property {number} flowPackets that were sent
 * @property {number} bytesReceived of packets that were signed by a session
 * @property {number} bytesSent
 * @property {number} malformed packets that no client of ours makes
 * @property {number} stray packets of no session
 * @property {number} forged packets signed with another key, or at another port
 * @property {number} replayed packets that had come before
 * @property {number} overLimit packets that were not answered, or not sent, as a limit forbade it
 */

/** What was proven of a packet. @typedef {{ session: Session, kind: import('./packets/marks.js').Kind, number: number }} Proven */

const ID_BYTES = 16;
const KEY_BYTES = 32;
const TOKEN_BYTES = 16;
const KBPS_TO_BYTES = 1000 / 8;

/** @param {Uint8Array} bytes */
const hex = (bytes) => Buffer.from(bytes).toString('hex');

export class ReflectorCore {
  /** @type {Map<string, Session>} */ #sessions = new Map();
  /** By the handle in their packets. @type {Map<string, Session>} */ #handles = new Map();
  #transport;
  #limits;
  #shares;
  /** Makes the tokens: clients know their session's key, and could make up any token of that. */ #secret;
  /** Of flows, by the host that they go to. */ #flowShares;
  #flowMeter;
  #nextAt = Infinity;
  #isClosed = false;
  #stats = {
    started: 0,
    refused: 0,
    expired: 0,
    probes: 0,
    answers: 0,
    flowPackets: 0,
    bytesReceived: 0,
    bytesSent: 0,
    malformed: 0,
    stray: 0,
    forged: 0,
    replayed: 0,
    overLimit: 0,
  };

  /** @param {Transport} transport @param {ReflectorLimits} limits @param {number} now */
  constructor(transport, limits, now) {
    this.#transport = transport;
    this.#limits = limits;
    this.#shares = new SharesOfHosts(limits);
    this.#secret = transport.random(KEY_BYTES);
    this.#flowShares = new Shares(Infinity, limits.flowKbpsPerHost * KBPS_TO_BYTES);
    this.#flowMeter = new Meter(Infinity, limits.flowKbpsInAll * KBPS_TO_BYTES, now);
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
      if (!this.#maySendFlow(to.address, bytes, at)) return false;
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

  /** @param {string} address @param {number} bytes @param {number} now */
  #maySendFlow(address, bytes, now) {
    const { meter } = this.#flowShares.of(sourceOf(address), now);
    meter.fill(now);
    this.#flowMeter.fill(now);
    if (!meter.hasLeft || !this.#flowMeter.hasLeft) {
      this.#stats.overLimit += 1;
      return false;
    }
    meter.take(1, bytes);
    this.#flowMeter.take(1, bytes);
    return true;
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
    const answer = this.#take(family, { transport: 'udp', port }, bytes, from, now);
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
    return this.#take(family, { transport: 'tcp', port }, bytes, from, now);
  }

  /** @param {Family} family @param {Place} place @param {Uint8Array} bytes @param {Endpoint} from @param {number} now */
  #take(family, place, bytes, from, now) {
    const packet = readPacket(bytes);
    if (packet === undefined) {
      this.#stats.malformed += 1;
      return undefined;
    }
    const proven = this.#prove(family, place, packet);
    if (proven === undefined) return undefined;
    this.#stats.bytesReceived += bytes.length;
    const { session, kind, number } = proven;
    if (kind === 'up' && packet.look === 'random') {
      const { flow, sequence } = partsOfFlowNumber(number);
      const counted = session.flows[flow];
      if (counted instanceof ArrivedFlow) counted.add(sequence, bytes.length, now);
      return undefined;
    }
    if (kind === 'hello' && packet.look === 'random' && place.transport === 'udp') {
      return this.#answerHello(session, place, number, bytes.length, { ...from, family }, now);
    }
    if (kind !== 'probe') {
      this.#stats.malformed += 1;
      return undefined;
    }
    return this.#takeProbe(session, place, packet.look, number, bytes, from, now);
  }

  /** @param {Family} family @param {Place} place @param {Packet} packet @returns {Proven | undefined} */
  #prove(family, place, { look, marks }) {
    let isOurs = false;
    for (const mark of marks) {
      const session = this.#handles.get(handleOf(mark));
      if (session === undefined || session.family !== family) continue;
      isOurs = true;
      const read = readMark(mark, session.key, look, place);
      if (read !== undefined) return { session, ...read };
    }
    this.#stats[isOurs ? 'forged' : 'stray'] += 1;
    return undefined;
  }

  /**
   * @param {Session} session
   * @param {Place} place
   * @param {import('./packets/marks.js').Look} look
   * @param {number} number
   * @param {Uint8Array} bytes
   * @param {Endpoint} from
   * @param {number} now
   */
  #takeProbe(session, place, look, number, bytes, from, now) {
    const taken = session.take(number);
    if (taken !== 'new') {
      this.#stats[taken === 'replayed' ? 'replayed' : 'overLimit'] += 1;
      return undefined;
    }
    this.#stats.probes += 1;
    const made = this.#answerTo(session, place, look, number, bytes, from);
    const answer =
      made && this.#mayAnswer(session, made, bytes.length, from, now) ? made : undefined;
    session.arrivals.push({ number, ...place, look, answered: answer !== undefined });
    if (look === 'sip') {
      const answered = answer === undefined ? null : sipText(answer);
      session.keepSip(number, { arrived: sipText(bytes), answered });
    }
    return answer;
  }

  /**
   * @param {Session} session
   * @param {Place} place
   * @param {import('./packets/marks.js').Look} look
   * @param {number} number
   * @param {Uint8Array} bytes
   * @param {Endpoint} from
   * @returns {Uint8Array | undefined}
   */
  #answerTo(session, place, look, number, bytes, from) {
    const mark = writeMark(session, 'answer', number, look, place);
    if (look === 'stun') {
      // The scope of a link-local address is this machine's own business.
      const [address] = from.address.split('%');
      return stunPacket(mark, session.stunKey, { address, port: from.port });
    }
    if (look === 'rtp') return rtpPacket(mark, number);
    if (look === 'random') return randomPacket(mark, bytes.length);
    const { address } = this.#peerOf(session);
    const text = sipAnswer(mark, bytes, { address, port: place.port });
    return text === undefined ? undefined : sipBytes(text);
  }

  /**
   * Whoever has not shown that he is where packets come from gets no more than has come from there.
   *
   * @param {Session} session
   * @param {Uint8Array} answer
   * @param {number} received bytes
   * @param {Endpoint} to
   * @param {number} now
   */
  #mayAnswer(session, answer, received, to, now) {
    const isWithinLimits =
      answer.length <= received &&
      session.admits(to.address) &&
      this.#shares.maySend(to.address, answer.length, now);
    if (!isWithinLimits) {
      this.#stats.overLimit += 1;
      return false;
    }
    this.#stats.answers += 1;
    this.#stats.bytesSent += answer.length;
    return true;
  }

  /**
   * Sends a token there: who tells it to us by HTTP receives what goes there.
   *
   * @param {Session} session
   * @param {Place} place
   * @param {number} number
   * @param {number} received
   * @param {import('../codec/values.js').TransportAddress} from
   * @param {number} now
   */
  #answerHello(session, place, number, received, from, now) {
    if (received < LEAST_RANDOM_BYTES + TOKEN_BYTES) {
      this.#stats.malformed += 1;
      return undefined;
    }
    const taken = session.take(number);
    if (taken !== 'new') {
      this.#stats[taken === 'replayed' ? 'replayed' : 'overLimit'] += 1;
      return undefined;
    }
    // The same for each packet from there, so that any of them may be lost.
    const token = createHmac('sha256', this.#secret)
      .update(`${from.address} ${from.port} ${session.id}`)
      .digest()
      .subarray(0, TOKEN_BYTES);
    if (!session.prove(hex(token), from)) {
      this.#stats.overLimit += 1;
      return undefined;
    }
    const mark = writeMark(session, 'token', number, 'random', place);
    const answer = randomPacket(mark, received, token);
    return this.#mayAnswer(session, answer, received, from, now) ? answer : undefined;
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
    this.#flowShares.forget(now);
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
