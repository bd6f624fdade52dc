// What packets are and what they get: whose they are is proven first, and the answer is never longer than what came.

import { createHmac } from 'node:crypto';
import { ArrivedFlow } from './arrived-flow.js';
import {
  LEAST_RANDOM_BYTES,
  randomPacket,
  readPacket,
  rtpPacket,
  stunPacket,
} from './packets/looks.js';
import { handleOf, partsOfFlowNumber, readMark, writeMark } from './packets/marks.js';
import { sipAnswer, sipBytes, sipText } from './packets/sip.js';

/** @typedef {import('../far-end/shares-of-hosts.js').SharesOfHosts} SharesOfHosts */
/** @typedef {import('./core.js').Endpoint} Endpoint */
/** @typedef {import('./core.js').Family} Family */
/** @typedef {import('./core.js').FamilyPorts} FamilyPorts */
/** @typedef {import('./packets/looks.js').Packet} Packet */
/** @typedef {import('./packets/marks.js').Place} Place */
/** @typedef {import('./session.js').Session} Session */

/**
 * @typedef {object} PacketCounts
 * @property {number} probes that arrived
 * @property {number} answers that were sent
 * @property {number} bytesReceived of packets that were signed by a session
 * @property {number} bytesSent of answers and flows
 * @property {number} malformed packets that no client of ours makes
 * @property {number} stray packets of no session
 * @property {number} forged packets signed with another key, or for another port
 * @property {number} replayed packets that had come before
 * @property {number} overLimit packets that were not answered, or not sent, as a limit forbade it
 */

/** @returns {PacketCounts} */
export const newCounts = () => ({
  probes: 0,
  answers: 0,
  bytesReceived: 0,
  bytesSent: 0,
  malformed: 0,
  stray: 0,
  forged: 0,
  replayed: 0,
  overLimit: 0,
});

/** What was proven of a packet. @typedef {{ session: Session, kind: import('./packets/marks.js').Kind, number: number }} Proven */

const TOKEN_BYTES = 16;

/** @param {Uint8Array} bytes */
const hex = (bytes) => Buffer.from(bytes).toString('hex');

export class Receiver {
  #handles;
  #places;
  #shares;
  #secret;
  #counts;

  /**
   * @param {object} what
   * @param {ReadonlyMap<string, Session>} what.handles by the handle in their packets
   * @param {ReadonlyMap<Family, FamilyPorts>} what.places
   * @param {SharesOfHosts} what.shares
   * @param {Uint8Array} what.secret that tokens are made of
   * @param {PacketCounts} what.counts
   */
  constructor({ handles, places, shares, secret, counts }) {
    this.#handles = handles;
    this.#places = places;
    this.#shares = shares;
    this.#secret = secret;
    this.#counts = counts;
  }
  /**
   * A packet has arrived.
   *
   * @param {Family} family
   * @param {Place} place
   * @param {Uint8Array} bytes
   * @param {Endpoint} from
   * @param {number} now
   * @returns {Uint8Array | undefined} what to answer, from that place
   */
  take(family, place, bytes, from, now) {
    const packet = readPacket(bytes);
    if (packet === undefined) {
      this.#counts.malformed += 1;
      return undefined;
    }
    const proven = this.#prove(family, place, packet);
    if (proven === undefined) return undefined;
    this.#counts.bytesReceived += bytes.length;
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
      this.#counts.malformed += 1;
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
    this.#counts[isOurs ? 'forged' : 'stray'] += 1;
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
      this.#counts[taken === 'replayed' ? 'replayed' : 'overLimit'] += 1;
      return undefined;
    }
    this.#counts.probes += 1;
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
    const { address = '' } = this.#places.get(session.family) ?? {};
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
      this.#counts.overLimit += 1;
      return false;
    }
    this.#counts.answers += 1;
    this.#counts.bytesSent += answer.length;
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
      this.#counts.malformed += 1;
      return undefined;
    }
    const taken = session.take(number);
    if (taken !== 'new') {
      this.#counts[taken === 'replayed' ? 'replayed' : 'overLimit'] += 1;
      return undefined;
    }
    // The same for each packet from there, so that any of them may be lost.
    const token = createHmac('sha256', this.#secret)
      .update(`${from.address} ${from.port} ${session.id}`)
      .digest()
      .subarray(0, TOKEN_BYTES);
    if (!session.prove(hex(token), from)) {
      this.#counts.overLimit += 1;
      return undefined;
    }
    const mark = writeMark(session, 'token', number, 'random', place);
    const answer = randomPacket(mark, received, token);
    return this.#mayAnswer(session, answer, received, from, now) ? answer : undefined;
  }
}
