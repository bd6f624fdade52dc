// A flow of packets that tries how much a path takes.
import { Pacer } from './pacer.js';
import { SentPackets } from './sent-packets.js';

/** @typedef {import('./lane.js').Lane} Lane */
/** @typedef {import('./marks.js').Marks} Marks */

/** Ours: with the bytes of TURN, UDP and IPv6 they are below 1,280, which every path of IPv6 takes. */
const MOST_BYTES = 1200;
/** As voice has: rates below are made of few packets, not of small ones. */
const LEAST_BYTES = 160;
/** Ours: enough to tell shares of them. */
const PACKETS_PER_SECOND = 100;
const BITS = 8;
const MS_PER_S = 1000;

export class Load {
  sent = new SentPackets();
  #lane;
  #marks;
  #packet;
  #length = MOST_BYTES;
  #pacer = new Pacer(MS_PER_S, () => this.#send());
  #onArrival;

  /** @param {{ lane: Lane, marks: Marks, flow: number, onArrival: (sequence: number, bytes: number, atMs: number) => void }} options */
  constructor({ lane, marks, flow, onArrival }) {
    this.#lane = lane;
    this.#marks = marks;
    this.#packet = marks.packet(MOST_BYTES, flow);
    this.#onArrival = onArrival;
  }

  /** @param {number} value in 1,000 bits of the application a second */
  set kbps(value) {
    const bytes = Math.round((value * MS_PER_S) / BITS / PACKETS_PER_SECOND);
    this.#length = Math.min(MOST_BYTES, Math.max(LEAST_BYTES, bytes));
    this.#pacer.intervalMs = (this.#length * BITS) / value;
  }

  start() {
    this.#pacer.start();
  }

  stop() {
    this.#pacer.stop();
  }

  #send() {
    if (this.#lane.isBlocked) return false;
    const packet = this.#packet.subarray(0, this.#length);
    this.#marks.number(packet, this.sent.add(packet.length, performance.now()));
    this.#lane.send(packet);
    return !this.#lane.isBlocked;
  }

  /** @param {number} sequence @param {number} bytes @param {number} atMs */
  received(sequence, bytes, atMs) {
    if (this.sent.arrived(sequence, atMs)) this.#onArrival(sequence, bytes, atMs);
  }
}
