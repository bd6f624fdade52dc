// A flow of small packets at an even rate, as voice has.
import { Pacer } from './pacer.js';
import { SentPackets } from './sent-packets.js';

/** @typedef {import('./lane.js').Lane} Lane */
/** @typedef {import('./marks.js').Marks} Marks */

const MS_PER_S = 1000;
/** A stream that halts holds packets back: so many, and no more. Of datagrams none: they would be taken for lost or late. */
const MOST_HELD = 512;

/**
 * @typedef {object} ProbeOptions
 * @property {Lane} lane
 * @property {Marks} marks
 * @property {number} flow its number
 * @property {number} packetsPerSecond
 * @property {number} payloadBytes
 * @property {(sequence: number, atMs: number) => void} [onSent]
 * @property {(arrival: ProbeArrival) => void} onArrival
 */

/**
 * @typedef {object} ProbeArrival
 * @property {number} sequence
 * @property {number} sentMs
 * @property {number} atMs
 * @property {boolean} isFirst it was sent, is not forgotten, and has not come before
 */

export class Probes {
  sent = new SentPackets();
  #pacer;
  #options;
  #packet;

  /** @param {ProbeOptions} options */
  constructor(options) {
    const { marks, payloadBytes, flow, packetsPerSecond } = options;
    this.#options = options;
    this.#packet = marks.packet(payloadBytes, flow);
    this.#pacer = new Pacer(MS_PER_S / packetsPerSecond, () => this.#send());
  }

  start() {
    this.#pacer.start();
  }

  stop() {
    this.#pacer.stop();
  }

  #send() {
    const { lane, marks, onSent } = this.#options;
    if (lane.isBlocked && (!lane.isStream || this.sent.missing >= MOST_HELD)) return false;
    const now = performance.now();
    const sequence = this.sent.add(this.#packet.length, now);
    marks.number(this.#packet, sequence);
    onSent?.(sequence, now);
    lane.send(this.#packet);
    return true;
  }

  /** @param {number} sequence @param {number} atMs */
  received(sequence, atMs) {
    const sentMs = this.sent.sentMs(sequence) ?? atMs;
    const isFirst = this.sent.arrived(sequence, atMs);
    this.#options.onArrival({ sequence, sentMs, atMs, isFirst });
  }
}
