// Live numbers, as charts and tables take them: one series for each flow of packets.

/** @typedef {import('../../network-test/events.js').QualitySample} QualitySample */

/** @typedef {'roundTripMs' | 'jitterMs' | 'lossPercent' | 'kbps'} Metric */

/** @type {readonly { metric: Metric, title: string, unit: string, least: number }[]} `least`: the highest value that an axis shows at the least */
export const METRICS = [
  { metric: 'roundTripMs', title: 'Round trip', unit: 'ms', least: 10 },
  { metric: 'jitterMs', title: 'Jitter', unit: 'ms', least: 5 },
  { metric: 'lossPercent', title: 'Loss', unit: '%', least: 5 },
  { metric: 'kbps', title: 'Throughput', unit: 'kbit/s', least: 100 },
];

/** Samples come four times a second, and each flow has its own beat: those of a quarter of a second are at one place. */
const STEP_MS = 250;
/** A flow lasts for 300 s at the most. */
const MAX_PLACES = 4 * 60 * 7;

/** @typedef {Record<Metric, number | null>} Values */
/** @typedef {{ id: string, name: string, look: number, places: Map<number, Values> }} Flow */

/** A transport looks the same in each test. @type {Readonly<Record<QualitySample['transport'], { name: string, look: number }>>} */
const TRANSPORTS = Object.freeze({
  udp: { name: 'UDP', look: 0 },
  tcp: { name: 'TCP', look: 1 },
  tls: { name: 'TLS', look: 2 },
  ws: { name: 'WebSocket', look: 3 },
  wss: { name: 'WebSocket (TLS)', look: 4 },
  webtransport: { name: 'WebTransport', look: 5 },
});
/** How many lines can be told apart. */
export const LOOKS = 6;

export class Series {
  /** @type {Map<string, Flow>} */ #flows = new Map();

  /** @param {QualitySample} sample @returns {boolean} whether it is the first of its flow */
  add({ id, transport, atMs, roundTripMs, jitterMs, lossRatio, kbps }) {
    const flow = this.#flows.get(id) ?? this.#begin(id, transport);
    const place = Math.round(atMs / STEP_MS);
    if (flow.places.size >= MAX_PLACES) return false;
    const lossPercent = lossRatio === null ? null : lossRatio * 100;
    flow.places.set(place, { roundTripMs, jitterMs, lossPercent, kbps });
    return flow.places.size === 1;
  }

  /** @param {string} id @param {QualitySample['transport']} transport @returns {Flow} */
  #begin(id, transport) {
    const { name, look } = TRANSPORTS[transport];
    const same = [...this.#flows.values()].filter((one) => one.name.split(' #', 1)[0] === name);
    const flow = {
      id,
      name: same.length === 0 ? name : `${name} #${same.length + 1}`,
      look: (look + same.length) % LOOKS,
      places: new Map(),
    };
    this.#flows.set(id, flow);
    return flow;
  }

  /** Of the flows, in the order in which they began. @returns {string[]} */
  get names() {
    return [...this.#flows.values()].map(({ name }) => name);
  }

  /** Of the lines of the flows, each below LOOKS. @returns {number[]} */
  get looks() {
    return [...this.#flows.values()].map(({ look }) => look);
  }

  /** @returns {number[]} */
  #places() {
    const all = new Set([...this.#flows.values()].flatMap(({ places }) => [...places.keys()]));
    return [...all].sort((a, b) => a - b);
  }

  /**
   * @param {Metric} metric
   * @returns {[number[], ...(number | null)[][]]} seconds since a flow began; then for each flow its values there. Where a
   *   flow was not measured at a place there is null
   */
  columns(metric) {
    const places = this.#places();
    return [
      places.map((place) => (place * STEP_MS) / 1000),
      ...[...this.#flows.values()].map((flow) =>
        places.map((place) => flow.places.get(place)?.[metric] ?? null),
      ),
    ];
  }

  /**
   * The same for reading: the mean of each second.
   *
   * @param {Metric} metric
   * @returns {{ second: number, values: (number | null)[] }[]} without seconds in which nothing was measured
   */
  rows(metric) {
    const [seconds, ...flows] = this.columns(metric);
    /** @type {Map<number, number[][]>} */
    const sums = new Map();
    for (const [i, at] of seconds.entries()) {
      const second = Math.floor(at);
      const lists = sums.get(second) ?? flows.map(() => []);
      for (const [f, values] of flows.entries()) {
        const value = values[i];
        if (value !== null) lists[f].push(value);
      }
      sums.set(second, lists);
    }
    return [...sums]
      .map(([second, lists]) => ({
        second,
        values: lists.map((list) =>
          list.length === 0 ? null : list.reduce((sum, value) => sum + value, 0) / list.length,
        ),
      }))
      .filter(({ values }) => values.some((value) => value !== null));
  }

  /** @param {Metric} metric */
  has(metric) {
    return this.columns(metric)
      .slice(1)
      .some((values) => values.some((value) => value !== null));
  }
}
