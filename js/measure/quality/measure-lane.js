// The numbers of a lane: first a flow of small packets alone, then one beside as much as it takes.
import { LoadedLatency, QualityMeter, Stalls } from '../../quality/index.js';
import { LoadRun } from './load-run.js';
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
    const run = new LoadRun({
      lane: this.#lane,
      marks: this.#marks,
      flow: LOAD,
      maxKbps: maxKbps - ownKbps,
      totalMs: throughputSeconds * MS_PER_S,
      delayMs,
      keptShare,
      signal: this.#signal,
      onBytes: (bytes) => {
        if (this.#sampler) this.#sampler.bytes += bytes;
      },
    });
    this.#takers.set(LOAD, (sequence, bytes, atMs) => run.received(sequence, bytes, atMs));
    const probes = this.#probes(BESIDE_LOAD, this.#latency.loaded, {
      onArrival: ({ isFirst, atMs }) => {
        if (isFirst) run.add(payloadBytes, atMs);
      },
    });
    if (this.#sampler) this.#sampler.isLoaded = true;
    try {
      await run.run(probes);
    } finally {
      this.#takers.delete(LOAD);
      this.#takers.delete(BESIDE_LOAD);
      this.numbers.throughput = run.summary();
      this.numbers.loadedLatency = this.#latency.summary();
    }
  }
}
