// The numbers of a lane: first a flow of small packets alone, then one beside as much as it takes.
import { LoadedLatency, QualityMeter, Stalls, Throughput } from '../../quality/index.js';
import { Load } from './load.js';
import { LoadRate } from './load-rate.js';
import { Marks } from './marks.js';
import { Probes } from './probes.js';
import { Sampler } from './sampler.js';
import { wait } from './wait.js';

/** @typedef {import('../../network-test/events.js').QualitySample} QualitySample */
/** @typedef {import('../../network-test/plan.js').CheckedQuality} CheckedQuality */
/** @typedef {import('../../report/measurements/types.js').QualityFields} QualityFields */
/** @typedef {import('./lane.js').Lane} Lane */

/**
 * @typedef {object} LaneOptions
 * @property {CheckedQuality} quality
 * @property {Pick<QualitySample, 'id' | 'transport'>} name of samples
 * @property {((sample: QualitySample) => void) | undefined} onSample
 * @property {AbortSignal} signal
 */

/** @typedef {Omit<QualityFields, 'kind' | 'transport' | 'via'>} Numbers */

/** Numbers of flows. */
const KNOCKS = 1;
const ALONE = 2;
const BESIDE_LOAD = 3;
const LOAD = 4;

const MS_PER_S = 1000;
const BITS = 8;
const KNOCK = { everyMs: 100, forMs: 3000 };
/** How long a packet is waited for at least (graceTimeMs() may be more). */
const GRACE_MS = 2000;
/** A step of the ramp: what is sent in so long is judged. */
const STEP_MS = 200;
const MOST_STEPS = 7;
/** Beyond that a packet counts as late in a step. */
const MOST_DELAY_MS = 1000;
/** Of the time that throughput is measured, what the ramp may take. */
const RAMP_SHARE = 0.5;
const DRAIN_MS = 300;

/** Measures one lane, once. */
export class LaneMeasurement {
  #lane;
  #quality;
  #signal;
  #marks = new Marks();
  /** By the numbers of flows. @type {Map<number, (sequence: number, bytes: number, atMs: number) => void>} */
  #takers = new Map();
  #meter;
  #latency = new LoadedLatency();
  #throughput = new Throughput();
  /** @type {Stalls | undefined} */ #stalls;
  #options;
  /** @type {Sampler | undefined} */ #sampler;
  /** What has been measured until now. @type {Numbers} */ numbers = {};

  /** @param {Lane} lane its onbytes is in use meanwhile @param {LaneOptions} options */
  constructor(lane, options) {
    const { quality, signal } = options;
    this.#lane = lane;
    this.#options = options;
    this.#quality = quality;
    this.#signal = AbortSignal.any([signal, lane.ended]);
    this.#meter = new QualityMeter({
      graceMs: GRACE_MS,
      intervalMs: MS_PER_S / quality.packetsPerSecond,
    });
    if (lane.isStream) this.#stalls = new Stalls();
    lane.onbytes = (data) => {
      const mark = this.#marks.read(data);
      if (mark) this.#takers.get(mark.flow)?.(mark.sequence, data.length, performance.now());
    };
  }

  /**
   * Whether anything comes back.
   *
   * @returns {Promise<boolean>}
   * @throws `signal.reason`, or that of the lane
   */
  async knock() {
    const knocks = new Probes({
      lane: this.#lane,
      marks: this.#marks,
      flow: KNOCKS,
      packetsPerSecond: MS_PER_S / KNOCK.everyMs,
      payloadBytes: this.#quality.payloadBytes,
      onArrival: () => this.#hasCome(),
    });
    const first = new Promise((/** @type {(value?: undefined) => void} */ resolve) => {
      this.#hasCome = resolve;
    });
    let isHere = false;
    first.then(() => {
      isHere = true;
    });
    this.#take(KNOCKS, knocks);
    try {
      knocks.start();
      await wait(KNOCK.forMs, this.#signal, first);
    } finally {
      knocks.stop();
    }
    return isHere;
  }

  /** @type {(value?: undefined) => void} */ #hasCome = () => {};

  /**
   * All of it. `numbers` has what is known, also where it fails.
   *
   * @throws `signal.reason`, or that of the lane
   */
  async run() {
    const { onSample, name } = this.#options;
    if (onSample) this.#sampler = new Sampler(() => this.#sample(name), onSample);
    try {
      await this.#measureAlone();
      const { arrivals, roundTrips } = this.#meter.summary();
      if (arrivals.received > 0 && this.#quality.throughputSeconds > 0) {
        await this.#measureLoaded(roundTrips.p95Ms ?? 0, arrivals.received / arrivals.decided);
      }
    } finally {
      this.#sampler?.stop();
    }
  }

  /** @param {number} flow @param {{ received: (sequence: number, atMs: number) => void }} probes */
  #take(flow, probes) {
    this.#takers.set(flow, (sequence, _, atMs) => probes.received(sequence, atMs));
  }

  /** @param {Pick<QualitySample, 'id' | 'transport'>} name */
  #sample(name) {
    this.#settle();
    const { jitter, arrivals } = this.#meter.summary();
    const lossRatio = this.#lane.isStream ? null : arrivals.lossRatio;
    return { ...name, jitterMs: jitter.jitterMs, lossRatio };
  }

  #settle() {
    const { graceMs } = this.#meter;
    if (graceMs !== undefined) this.#meter.waitFor(Math.max(GRACE_MS, graceMs));
    this.#meter.settle(performance.now());
  }

  /** @param {number} flow @param {import('../../quality/round-trips.js').RoundTrips} trips @param {Omit<import('./probes.js').ProbeOptions, 'lane' | 'marks' | 'flow' | 'packetsPerSecond' | 'payloadBytes'>} own */
  #probes(flow, trips, { onSent, onArrival }) {
    const { packetsPerSecond, payloadBytes } = this.#quality;
    const probes = new Probes({
      lane: this.#lane,
      marks: this.#marks,
      flow,
      packetsPerSecond,
      payloadBytes,
      onSent,
      onArrival: (arrival) => {
        const { isFirst, sentMs, atMs } = arrival;
        if (isFirst) {
          trips.add(atMs - sentMs);
          if (this.#sampler) this.#sampler.roundTripMs = atMs - sentMs;
        }
        onArrival(arrival);
      },
    });
    this.#take(flow, probes);
    return probes;
  }

  async #measureAlone() {
    const { seconds } = this.#quality;
    const probes = this.#probes(ALONE, this.#latency.idle, {
      onSent: (sequence, atMs) => this.#meter.sent(sequence, atMs),
      onArrival: ({ sequence, sentMs, atMs, isFirst }) => {
        this.#meter.received(sequence, sentMs, atMs);
        if (isFirst) this.#stalls?.add(atMs);
      },
    });
    try {
      probes.start();
      await wait(seconds * MS_PER_S, this.#signal);
      probes.stop();
      await wait(this.#meter.graceMs ?? GRACE_MS, this.#signal, probes.sent.allArrived);
      this.#meter.settle(Number.POSITIVE_INFINITY);
    } finally {
      probes.stop();
      this.#settle();
      this.#keepNumbers();
    }
  }

  #keepNumbers() {
    const { roundTrips, jitter, arrivals, mos } = this.#meter.summary();
    const stalls = this.#stalls?.summary();
    this.numbers = { roundTrips, jitter, ...(stalls ? { stalls } : { arrivals }), mos };
  }

  /** @param {number} delayMs of most packets @param {number} keptShare */
  async #measureLoaded(delayMs, keptShare) {
    const { throughputSeconds, maxKbps, packetsPerSecond, payloadBytes } = this.#quality;
    /** The small packets are a part of all. */
    const ownKbps = (packetsPerSecond * payloadBytes * BITS) / MS_PER_S;
    const stepMs = STEP_MS + Math.min(MOST_DELAY_MS, delayMs);
    const totalMs = throughputSeconds * MS_PER_S;
    const steps = Math.min(MOST_STEPS, Math.max(1, Math.floor((RAMP_SHARE * totalMs) / stepMs)));
    const rate = new LoadRate({ maxKbps: maxKbps - ownKbps, steps, keptShare });
    /** The first packet that counts: of the part after the ramp. */
    let first = Number.POSITIVE_INFINITY;
    const count = (/** @type {number} */ bytes, /** @type {number} */ atMs) => {
      if (this.#sampler) this.#sampler.bytes += bytes;
      if (first < Number.POSITIVE_INFINITY) this.#throughput.add(bytes, atMs);
    };
    const load = new Load({
      lane: this.#lane,
      marks: this.#marks,
      flow: LOAD,
      onArrival: (sequence, bytes, atMs) => {
        if (this.#sampler) this.#sampler.bytes += bytes;
        if (sequence >= first) this.#throughput.add(bytes, atMs);
      },
    });
    this.#takers.set(LOAD, (sequence, bytes, atMs) => load.received(sequence, bytes, atMs));
    const probes = this.#probes(BESIDE_LOAD, this.#latency.loaded, {
      onArrival: ({ isFirst, atMs }) => {
        if (isFirst) count(payloadBytes, atMs);
      },
    });
    if (this.#sampler) this.#sampler.isLoaded = true;
    const end = performance.now() + totalMs;
    try {
      load.kbps = rate.kbps;
      load.start();
      probes.start();
      for (let begin = performance.now(); begin < end; begin = performance.now()) {
        const isWhole = end - begin >= stepMs;
        await wait(Math.min(stepMs, end - begin), this.#signal);
        if (!isWhole) break;
        const now = performance.now();
        rate.step({
          ...load.sent.countSent(begin, begin + STEP_MS),
          arrivedKbps: (load.sent.bytesArrived(now - STEP_MS, now) * BITS) / STEP_MS,
        });
        load.kbps = rate.kbps;
        if (rate.isHolding) first = Math.min(first, load.sent.next);
      }
      load.stop();
      probes.stop();
      await wait(delayMs + DRAIN_MS, this.#signal, load.sent.allArrived);
    } finally {
      load.stop();
      probes.stop();
      this.numbers.throughput = this.#throughput.summary();
      this.numbers.loadedLatency = this.#latency.summary();
      this.#takers.delete(LOAD);
      this.#takers.delete(BESIDE_LOAD);
    }
  }
}
