// As much as a path takes, for some time, and how much that is.
import { Throughput } from '../../quality/index.js';
import { Load } from './load.js';
import { LoadRate } from './load-rate.js';
import { wait } from './wait.js';

/** @typedef {import('./lane.js').Lane} Lane */
/** @typedef {import('./marks.js').Marks} Marks */

/**
 * @typedef {object} LoadRunOptions
 * @property {Lane} lane
 * @property {Marks} marks
 * @property {number} flow its number
 * @property {number} maxKbps
 * @property {number} totalMs
 * @property {number} delayMs in which most packets arrive without load
 * @property {number} keptShare part that arrives without load
 * @property {AbortSignal} signal
 * @property {(bytes: number) => void} onBytes
 */

const BITS = 8;
/** What is sent in so long is judged, when it has had the time to arrive. */
const STEP_MS = 200;
const MOST_STEPS = 7;
const MOST_DELAY_MS = 1000;
/** A timer that is so late says that this machine was busy. */
const MOST_LATE_MS = 50;
/** Of all the time, what the ramp may take. */
const RAMP_SHARE = 0.5;
/** What is left of the time must be worth to be begun anew. */
const LEAST_MEASURED_MS = 500;
/**
 * So much longer than without load a packet may take: enough to show how long the queues of a network are. That of a stream
 * is mostly in this machine, and shows nothing.
 */
const MOST_QUEUED_MS = { datagrams: 600, stream: 200 };
const DRAIN_MS = 300;

export class LoadRun {
  #options;
  #load;
  #rate;
  #stepMs;
  #throughput = new Throughput();
  /** The first packet that counts. */
  #first = 0;

  /** @param {LoadRunOptions} options */
  constructor(options) {
    const { lane, marks, flow, maxKbps, totalMs, delayMs, keptShare, onBytes } = options;
    this.#options = options;
    this.#stepMs = STEP_MS + Math.min(MOST_DELAY_MS, delayMs);
    const steps = Math.floor((RAMP_SHARE * totalMs) / this.#stepMs);
    this.#rate = new LoadRate({
      maxKbps,
      steps: Math.min(MOST_STEPS, Math.max(1, steps)),
      keptShare,
    });
    this.#load = new Load({
      lane,
      marks,
      flow,
      onArrival: (sequence, bytes, atMs) => {
        onBytes(bytes);
        if (sequence >= this.#first) this.#throughput.add(bytes, atMs);
      },
    });
  }

  /** @param {number} sequence @param {number} bytes @param {number} atMs */
  received(sequence, bytes, atMs) {
    this.#load.received(sequence, bytes, atMs);
  }

  /** What came besides, of the small packets. @param {number} bytes @param {number} atMs */
  add(bytes, atMs) {
    this.#options.onBytes(bytes);
    this.#throughput.add(bytes, atMs);
  }

  /**
   * @param {{ start: () => void, stop: () => void }} probes the small packets: sent as long as the load, for what comes when
   *   that has ended is not the path's limit
   * @throws the reason of the signal
   */
  async run(probes) {
    const { signal, totalMs, delayMs } = this.#options;
    const end = performance.now() + totalMs;
    this.#load.kbps = this.#rate.kbps;
    this.#load.start();
    probes.start();
    try {
      for (let begin = performance.now(); begin < end; begin = performance.now()) {
        const isWhole = end - begin >= this.#stepMs;
        await wait(Math.min(this.#stepMs, end - begin), signal);
        if (isWhole) this.#judge(begin, end);
      }
      this.#load.stop();
      probes.stop();
      await wait(delayMs + DRAIN_MS, signal, this.#load.sent.allArrived);
    } finally {
      this.#load.stop();
      probes.stop();
    }
  }

  /** @param {number} begin of the step @param {number} end of all */
  #judge(begin, end) {
    const now = performance.now();
    const { sent } = this.#load;
    const { lane, delayMs } = this.#options;
    const mostMs = delayMs + MOST_QUEUED_MS[lane.isStream ? 'stream' : 'datagrams'];
    const wasHolding = this.#rate.isHolding;
    this.#rate.step({
      ...sent.countSent(begin, begin + STEP_MS),
      arrivedKbps: (sent.bytesArrived(now - STEP_MS, now) * BITS) / STEP_MS,
      isQueued: sent.lastDelayMs > mostMs,
      isDoubtful: now - begin > this.#stepMs + MOST_LATE_MS,
    });
    this.#load.kbps = this.#rate.kbps;
    if (wasHolding || !this.#rate.isHolding || end - now < LEAST_MEASURED_MS) return;
    // What came before was the ramp.
    this.#first = sent.next;
    this.#throughput = new Throughput();
  }

  /** Of what came since the ramp. */
  summary() {
    return this.#throughput.summary();
  }
}
