// What all flows together may send: to one host, and in all.

import { sourceOf } from '../address.js';
import { Meter } from '../gateway/meter.js';
import { Shares } from '../gateway/shares.js';

/** 1,000 bits. */
const KILOBIT_BYTES = 1000 / 8;

export class FlowBudget {
  #hosts;
  #all;

  /** @param {import('./options.js').ReflectorLimits} limits @param {number} now */
  constructor({ flowKbpsPerHost, flowKbpsInAll }, now) {
    this.#hosts = new Shares(Infinity, flowKbpsPerHost * KILOBIT_BYTES);
    this.#all = new Meter(Infinity, flowKbpsInAll * KILOBIT_BYTES, now);
  }

  /** @param {string} address @param {number} bytes @param {number} now @returns {boolean} whether they may be sent */
  take(address, bytes, now) {
    const { meter } = this.#hosts.of(sourceOf(address), now);
    meter.fill(now);
    this.#all.fill(now);
    if (!meter.hasLeft || !this.#all.hasLeft) return false;
    meter.take(1, bytes);
    this.#all.take(1, bytes);
    return true;
  }

  /** @param {number} now */
  forget(now) {
    this.#hosts.forget(now);
  }
}
