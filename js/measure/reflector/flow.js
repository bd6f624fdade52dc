// Data each way between a way of the caller's, such as a relay, and the reflector.

import { argumentError, PosternError } from '../../errors.js';
import { checkInteger } from '../../option-checks.js';
import { Throughput } from '../../quality/throughput.js';
import { ArrivedFlow } from '../../reflector/arrived-flow.js';
import { randomPacket, readPacket } from '../../reflector/packets/looks.js';
import {
  flowNumber,
  handleOf,
  partsOfFlowNumber,
  readMark,
  writeMark,
} from '../../reflector/packets/marks.js';
import { SentFlow } from '../../reflector/sent-flow.js';
import { pause } from './pause.js';
import { readCounts, readFlow } from './read-answers.js';

/** @typedef {import('../../quality/throughput.js').ThroughputSummary} ThroughputSummary */
/** @typedef {import('../../reflector/talk.js').FlowCounts} FlowCounts */
/** @typedef {import('./open-reflector.js').ReflectorSession} ReflectorSession */

/**
 * @typedef {object} FlowOptions
 * @property {(bytes: Uint8Array) => boolean | void} send sends a datagram to `session.peer`, as Relay.send() does: it is
 *   taken always; false: `ready` is to be waited for
 * @property {() => Promise<void>} [ready] resolves when there is room again, as Relay.ready does
 * @property {AbortSignal} [signal] besides that of the session
 */

/**
 * @typedef {object} FlowRate
 * @property {number} kbps of payload, in 1,000 bits a second
 * @property {number} seconds
 * @property {number} [bytes] of each packet, 64 to 1200; 1000 when left out
 * @property {(counts: FlowCounts) => void} [onProgress] what has arrived so far, some times a second
 */

/**
 * What was sent and what arrived of it.
 *
 * @typedef {object} FlowResult
 * @property {number} sent packets
 * @property {number} sentBytes
 * @property {number} received packets, without duplicates
 * @property {number} receivedBytes
 * @property {number} duplicates
 * @property {number} reordered
 * @property {FlowCounts['bins']} bins when how much arrived
 * @property {ThroughputSummary} throughput of what arrived
 * @property {number} kbps that were asked for, or less where the reflector gives no more
 */

const HELLO_BYTES = 64;
const TOKEN_BYTES = 16;
/** How often, and when, the address is to be proven: through a relay too, whose permission may take a while. */
const HELLO_AT_MS = [0, 50, 150, 300, 500, 800, 1200, 1700, 2300, 3000];
const LAST_HELLO_MS = 1000;
const LEAST_BYTES = 64;
const MOST_BYTES = 1200;
const DEFAULT_BYTES = 1000;
const LOOK_EVERY_MS = 250;
/** What is under way may wait in a long queue: until nothing new has come for a second, five at most. */
const QUIET_LOOKS = 4;
const MOST_LOOKS = 20;

/** @param {FlowCounts} counts @returns {ThroughputSummary} */
function throughputOf({ bins }) {
  const throughput = new Throughput();
  for (const [atMs, , bytes] of bins) throughput.add(bytes, atMs);
  return throughput.summary();
}

/** @param {FlowRate} rate @returns {Required<Omit<FlowRate, 'onProgress'>>} */
function checkRate({ kbps, seconds, bytes = DEFAULT_BYTES }) {
  checkInteger(bytes, 'rate.bytes', LEAST_BYTES, MOST_BYTES);
  if (!(kbps > 0 && kbps < Infinity)) throw argumentError('rate.kbps', 'a positive number');
  if (!(seconds > 0 && seconds < Infinity))
    throw argumentError('rate.seconds', 'a positive number');
  return { kbps, seconds, bytes };
}

/**
 * Flows over a way of the caller's: it gives a function that sends, and hands over what comes back from `session.peer` to
 * receive().
 */
export class Flow {
  #session;
  #send;
  #ready;
  #signal;
  /** @type {string | undefined} */ #token;
  /** @type {() => void} */ #ontoken = () => {};
  /** What came of flows, by their number: it may be here before it is known which one was begun. @type {Map<number, ArrivedFlow>} */
  #downs = new Map();

  /** @param {ReflectorSession} session @param {FlowOptions} options */
  constructor(session, { send, ready = async () => {}, signal }) {
    if (typeof send !== 'function') throw argumentError('options.send', 'a function');
    this.#session = session;
    this.#send = send;
    this.#ready = ready;
    this.#signal =
      signal === undefined ? session.signal : AbortSignal.any([session.signal, signal]);
  }

  get #place() {
    return /** @type {const} */ ({ transport: 'udp', port: this.#session.peer.port });
  }

  /**
   * For each datagram that comes back over the way.
   *
   * @param {Uint8Array} bytes
   * @returns {boolean} whether it is one of the reflector's
   */
  receive(bytes) {
    const packet = readPacket(bytes);
    const { keys } = this.#session;
    const [mark] = packet?.marks ?? [];
    if (packet?.look !== 'random' || handleOf(mark) !== handleOf(keys.handle)) return false;
    const read = readMark(mark, keys.key, 'random', this.#place);
    if (read?.kind === 'token') {
      this.#token = Buffer.from(packet.payload.subarray(0, TOKEN_BYTES)).toString('hex');
      this.#ontoken();
      return true;
    }
    if (read?.kind !== 'down') return read?.kind === 'answer';
    const { flow, sequence } = partsOfFlowNumber(read.number);
    const arrived = this.#arrivedOf(flow);
    arrived.add(sequence, bytes.length, performance.now());
    return true;
  }

  /** @param {number} flow */
  #arrivedOf(flow) {
    const arrived = this.#downs.get(flow) ?? new ArrivedFlow();
    this.#downs.set(flow, arrived);
    return arrived;
  }

  /**
   * Sends to the reflector, at a steady rate, and asks it what arrived.
   *
   * @param {FlowRate} rate
   * @returns {Promise<FlowResult>}
   * @throws {TypeError} ERR_INVALID_ARGUMENT
   * @throws {PosternError} ERR_REFLECTOR_UNREACHABLE, ERR_REFLECTOR_REFUSED; or the signal's reason
   */
  async up(rate) {
    const { kbps, seconds, bytes } = checkRate(rate);
    const { keys } = this.#session;
    const { flow } = readFlow(await this.#session.ask('count'));
    const most = Number.MAX_SAFE_INTEGER;
    let isFull = false;
    const what = { kbps, bytes, ms: seconds * 1000, most };
    const sending = new SentFlow(what, performance.now(), (sequence) => {
      const mark = writeMark(keys, 'up', flowNumber(flow, sequence), 'random', this.#place);
      if (this.#send(randomPacket(mark, bytes)) === false) isFull = true;
      return true;
    });
    const looking = this.#watch(flow, rate, () => sending.isOver);
    // Whoever waits for it hears of its failure; until then nobody does.
    looking.catch(() => {});
    while (!sending.isOver) {
      sending.tick(performance.now());
      if (isFull) await this.#ready();
      isFull = false;
      await pause(1, this.#signal);
    }
    return this.#result(sending.counts(), await looking, kbps);
  }

  /**
   * Asks now and then what has arrived, until nothing more does.
   *
   * @param {number} flow
   * @param {FlowRate} rate
   * @param {() => boolean} isSent
   * @returns {Promise<FlowCounts>}
   */
  async #watch(flow, { onProgress }, isSent) {
    let known = -1;
    for (let quiet = 0, looks = 0; ; ) {
      await pause(LOOK_EVERY_MS, this.#signal);
      const isLast = isSent();
      const counts = readCounts(await this.#session.ask('counts', { flow }));
      onProgress?.(counts);
      quiet = counts.packets === known ? quiet + 1 : 0;
      looks += Number(isLast);
      known = counts.packets;
      if (isLast && (quiet >= QUIET_LOOKS || looks >= MOST_LOOKS)) return counts;
    }
  }

  /**
   * Has the reflector send, at a steady rate, once it has been shown that what it sends comes back here.
   *
   * @param {FlowRate} rate
   * @returns {Promise<FlowResult>}
   * @throws {TypeError} ERR_INVALID_ARGUMENT
   * @throws {PosternError} ERR_REFLECTOR_UNREACHABLE: over the way nothing comes back from it; ERR_REFLECTOR_REFUSED:
   *   `reason` is 'not-offered', or 'too-many' where a session has had all that it may; or the signal's reason
   */
  async down(rate) {
    const { kbps, seconds, bytes } = checkRate(rate);
    const token = await this.#prove();
    const asked = { kbps: Math.ceil(kbps), bytes, ms: Math.round(seconds * 1000) };
    const started = readFlow(await this.#session.ask('send', { token, ...asked }));
    const arrived = this.#arrivedOf(started.flow);
    try {
      const sent = await this.#watchDown(started.flow, arrived, rate);
      return this.#result(sent, arrived.counts(), started.kbps ?? kbps);
    } catch (error) {
      // Nobody is to be sent what nobody waits for.
      this.#session.ask('stop').catch(() => {});
      throw error;
    } finally {
      this.#downs.delete(started.flow);
    }
  }

  /** @param {number} flow @param {ArrivedFlow} arrived @param {FlowRate} rate @returns {Promise<FlowCounts>} what was sent */
  async #watchDown(flow, arrived, { onProgress }) {
    let known = -1;
    for (let quiet = 0, looks = 0; ; ) {
      await pause(LOOK_EVERY_MS, this.#signal);
      const counts = arrived.counts();
      onProgress?.(counts);
      const sent = readCounts(await this.#session.ask('counts', { flow }));
      const { packets } = counts;
      quiet = packets === known ? quiet + 1 : 0;
      looks += Number(sent.isOver);
      known = packets;
      const isAll = packets >= sent.packets;
      if (sent.isOver && (isAll || quiet >= QUIET_LOOKS || looks >= MOST_LOOKS)) return sent;
    }
  }

  /** Asks for the token until it comes. @returns {Promise<string>} */
  async #prove() {
    if (this.#token !== undefined) return this.#token;
    const { keys } = this.#session;
    const done = new AbortController();
    this.#ontoken = () => done.abort();
    const waits = AbortSignal.any([this.#signal, done.signal]);
    try {
      for (const [i, at] of HELLO_AT_MS.entries()) {
        const number = this.#session.nextNumber();
        const mark = writeMark(keys, 'hello', number, 'random', this.#place);
        this.#send(randomPacket(mark, HELLO_BYTES));
        await pause((HELLO_AT_MS[i + 1] ?? at + LAST_HELLO_MS) - at, waits);
      }
    } catch {
      this.#signal.throwIfAborted();
    } finally {
      this.#ontoken = () => {};
    }
    if (this.#token !== undefined) return this.#token;
    const { address, port } = this.#session.peer;
    throw new PosternError(
      'ERR_REFLECTOR_UNREACHABLE',
      `Nothing came back from the reflector at ${address}, UDP port ${port}.`,
    );
  }

  /** @param {FlowCounts} sent @param {FlowCounts} arrived @param {number} kbps @returns {FlowResult} */
  #result(sent, arrived, kbps) {
    const { packets, bytes, duplicates, reordered, bins } = arrived;
    return {
      sent: sent.packets,
      sentBytes: sent.bytes,
      received: packets,
      receivedBytes: bytes,
      duplicates,
      reordered,
      bins,
      throughput: throughputOf(arrived),
      kbps,
    };
  }
}
