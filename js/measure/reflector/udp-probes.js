// Probes over UDP: each is sent several times, with a fresh number, until an answer comes or nothing more is to be expected.

import {
  RTP_BYTES,
  randomPacket,
  readPacket,
  rtpPacket,
  stunPacket,
} from '../../reflector/packets/looks.js';
import { handleOf, readMark, writeMark } from '../../reflector/packets/marks.js';
import { sipBytes, sipInvite, sipText } from '../../reflector/packets/sip.js';
import { openUdp } from '../../transports/udp.js';
import { judge } from './judge.js';
import { pause } from './pause.js';

/** @typedef {import('../../reflector/packets/marks.js').Look} Look */
/** @typedef {import('../../reflector/packets/marks.js').Place} Place */
/** @typedef {import('../../transports/transport.js').Transport} Transport */
/** @typedef {import('./judge.js').Counts} Counts */
/** @typedef {import('./judge.js').ProbeResult} ProbeResult */
/** @typedef {import('./open-reflector.js').ReflectorSession} ReflectorSession */
/** @typedef {import('./open-reflector.js').UdpProbe} UdpProbe */

/** One probe under way. @typedef {{ port: number, looks: readonly Look[], numbers: number[], tries: number }} Running */

/** Within a wave. What was dropped once by chance is less likely so a little later. */
const OFFSETS_MS = [0, 100, 250, 450, 700, 1000];
/** A second one for what has not come back. */
const WAVES = 2;
/** Behind a wave, for what is under way. */
const WAIT_MS = 500;
const LAST_WAIT_MS = 1000;
/** So many leave at once, every few milliseconds: home routers have short queues. */
const AT_ONCE = 16;
const BREATH_MS = 4;
/** Packets of random look are as long as those of the others in turn, so that length alone explains nothing. */
const RANDOM_BYTES = [RTP_BYTES, 100, 900];

/**
 * A probe.
 *
 * @param {ReflectorSession} session
 * @param {Look} look
 * @param {number} number
 * @param {Place} place
 * @param {{ address: string, port: number }} local
 * @returns {Uint8Array}
 */
export function probePacket({ keys, ports }, look, number, place, local) {
  const mark = writeMark(keys, 'probe', number, look, place);
  if (look === 'stun') return stunPacket(mark, keys.stunKey);
  if (look === 'rtp') return rtpPacket(mark, number);
  if (look === 'random') return randomPacket(mark, RANDOM_BYTES[number % RANDOM_BYTES.length]);
  const remote = { address: ports.address, port: place.port };
  return sipBytes(sipInvite(mark, { transport: place.transport, local, remote }));
}

/**
 * Which probe a packet answers.
 *
 * @param {ReflectorSession} session
 * @param {Uint8Array} bytes
 * @param {Place} place
 * @returns {number | undefined} its number; undefined: it is no answer of the reflector's
 */
export function answeredNumber({ keys }, bytes, place) {
  const packet = readPacket(bytes);
  const own = handleOf(keys.handle);
  for (const mark of packet?.marks ?? []) {
    if (packet === undefined || handleOf(mark) !== own) continue;
    const read = readMark(mark, keys.key, packet.look, place);
    if (read?.kind === 'answer') return read.number;
  }
  return undefined;
}

class UdpRun {
  #session;
  /** @type {Running[]} */ #probes;
  /** A socket for each look: a firewall judges by its first packet what a socket sends. @type {Map<Look, Transport>} */
  #sockets = new Map();
  /** What came back, by number. @type {Map<number, Uint8Array>} */ #received = new Map();
  /** SIP messages as they were sent, by number. @type {Map<number, string>} */ #sent = new Map();
  /** @type {() => void} */ #onanswer = () => {};

  /** @param {ReflectorSession} session @param {readonly UdpProbe[]} probes */
  constructor(session, probes) {
    this.#session = session;
    this.#probes = probes.map(({ port, looks }) => ({ port, looks, numbers: [], tries: 0 }));
  }

  async run() {
    try {
      await this.#openSockets();
      for (let wave = 1; wave <= WAVES && this.#open.length > 0; wave += 1) {
        await this.#send();
        await this.#wait(wave === WAVES ? LAST_WAIT_MS : WAIT_MS);
      }
      return await this.#results();
    } finally {
      for (const socket of this.#sockets.values()) socket.close();
    }
  }

  async #openSockets() {
    const { localAddress, signal, peer } = this.#session;
    for (const look of new Set(this.#probes.flatMap(({ looks }) => looks))) {
      const socket = await openUdp(peer, { connected: false, localAddress, signal });
      this.#sockets.set(look, socket);
      socket.onbytes = (bytes, source) => {
        if (source?.address !== peer.address) return;
        const number = answeredNumber(this.#session, bytes, {
          transport: 'udp',
          port: source.port,
        });
        if (number === undefined) return;
        this.#received.set(number, bytes);
        this.#onanswer();
      };
    }
  }

  /** Those of which nothing has come back. */
  get #open() {
    return this.#probes.filter(({ numbers }) => !numbers.some((one) => this.#received.has(one)));
  }

  async #send() {
    const { signal } = this.#session;
    let elapsed = 0;
    for (const offset of OFFSETS_MS) {
      if (offset > elapsed) await this.#wait(offset - elapsed);
      elapsed = Math.max(elapsed, offset);
      const open = this.#open;
      for (const [i, probe] of open.entries()) {
        this.#sendOne(probe);
        if (i % AT_ONCE < AT_ONCE - 1) continue;
        await pause(BREATH_MS, signal);
        elapsed += BREATH_MS;
      }
      if (open.length === 0) return;
    }
  }

  /** @param {Running} probe */
  #sendOne(probe) {
    const { port, looks, numbers } = probe;
    const look = looks[probe.tries % looks.length];
    probe.tries += 1;
    const socket = /** @type {Transport} */ (this.#sockets.get(look));
    const number = this.#session.nextNumber();
    const place = /** @type {const} */ ({ transport: 'udp', port });
    const bytes = probePacket(this.#session, look, number, place, socket.localAddress);
    if (look === 'sip') this.#sent.set(number, sipText(bytes));
    numbers.push(number);
    socket.send(bytes, { address: this.#session.peer.address, port });
  }

  /** Until all is answered, but no longer. @param {number} ms */
  async #wait(ms) {
    if (this.#open.length === 0) return;
    const done = new AbortController();
    this.#onanswer = () => {
      if (this.#open.length === 0) done.abort();
    };
    const { signal } = this.#session;
    try {
      await pause(ms, AbortSignal.any([signal, done.signal]));
    } catch {
      signal.throwIfAborted();
    } finally {
      this.#onanswer = () => {};
    }
  }

  /** @returns {Promise<ProbeResult[]>} */
  async #results() {
    const arrivals = await this.#session.arrivals();
    const counted = this.#probes.map(({ numbers }) => {
      const arrived = numbers.filter((one) => arrivals.has(one));
      /** @type {Counts} */
      const counts = {
        sent: numbers.length,
        arrived: arrived.length,
        answered: arrived.filter((one) => arrivals.get(one)?.answered).length,
        received: numbers.filter((one) => this.#received.has(one)).length,
      };
      this.#session.tally.add(counts);
      return counts;
    });
    return Promise.all(
      this.#probes.map(async ({ looks, numbers }, i) => {
        const result = judge(counted[i], this.#session.tally);
        const isSip = looks.length === 1 && looks[0] === 'sip' && result.out === true;
        const sip = isSip ? await this.#sipTrip(numbers) : undefined;
        return sip === undefined ? result : { ...result, sip };
      }),
    );
  }

  /** @param {readonly number[]} numbers of SIP messages */
  async #sipTrip(numbers) {
    const arrivals = await this.#session.arrivals();
    const number =
      numbers.find((one) => this.#received.has(one)) ?? numbers.find((one) => arrivals.has(one));
    if (number === undefined) return undefined;
    const received = this.#received.get(number);
    return sipTrip(this.#session, number, this.#sent.get(number) ?? '', received);
  }
}

/**
 * @param {ReflectorSession} session
 * @param {number} number
 * @param {string} sent
 * @param {Uint8Array | undefined} received
 * @returns {Promise<import('./judge.js').SipTrip | undefined>}
 */
export async function sipTrip(session, number, sent, received) {
  const { texts } = await session.ask('sip', { number });
  if (typeof texts?.arrived !== 'string') return undefined;
  const { arrived, answered } = texts;
  return {
    sent,
    arrived,
    answered: typeof answered === 'string' ? answered : null,
    received: received === undefined ? null : sipText(received),
  };
}

/**
 * @param {ReflectorSession} session
 * @param {readonly UdpProbe[]} probes
 * @returns {Promise<ProbeResult[]>}
 * @throws {import('../../errors.js').PosternError} ERR_REFLECTOR_UNREACHABLE, ERR_REFLECTOR_REFUSED, ERR_TRANSPORT_CONNECT; or the signal's reason
 */
export function runUdpProbes(session, probes) {
  return new UdpRun(session, probes).run();
}
