// The benches of the server: what a relayed message takes, beside other servers and a forwarder without any protocol.

import { takeTurns, tell } from './rounds.js';
import { CAPACITY_BENCHES } from './server-capacity.js';
import { buildLoad } from './server-load.js';
import { contenders, NOTES, skipped } from './server-programs.js';
import { CLIENTS, IN_FLIGHT, MESSAGES, Station, WARM_UP } from './server-station.js';
import { judgeServer } from './targets.js';

/** @typedef {import('./rounds.js').Output} Output */
/** @typedef {import('./server-load.js').Mode} Mode */
/** @typedef {import('./server-programs.js').Contender} Contender */
/** @typedef {'rate' | 'cpu' | 'rtt-p50' | 'rtt-p99'} Metric */

/**
 * What the two kinds of measurements tell: some tenths of a second each.
 *
 * @type {readonly { inFlight: number, count: number, metrics: readonly Metric[] }[]}
 */
const MEASUREMENTS = [
  { inFlight: IN_FLIGHT, count: 10_000, metrics: ['rate', 'cpu'] },
  { inFlight: 1, count: 2000, metrics: ['rtt-p50', 'rtt-p99'] },
];
const US_PER_S = 1e6;
/** @type {Record<Metric, { unit: string, valueIn: (result: any) => number }>} */
const METRICS = {
  rate: {
    unit: 'messages/s',
    valueIn: ({ round_trips: trips, elapsed_us: us }) => (MESSAGES * trips * US_PER_S) / us,
  },
  cpu: {
    unit: 'us of CPU/round trip',
    valueIn: ({ cpu_us: us, round_trips: trips }) => us / trips,
  },
  'rtt-p50': { unit: 'us', valueIn: ({ p50_us: us }) => us },
  'rtt-p99': { unit: 'us', valueIn: ({ p99_us: us }) => us },
};
const SETTINGS = /** @type {Mode[]} */ (['channel', 'send']).flatMap((mode) =>
  [160, 1200].map((payload) => ({ mode, payload, suffix: `${mode}-${payload}` })),
);
const MAX_ROUNDS = 11;

const bench = (/** @type {Metric} */ metric, /** @type {string} */ suffix) =>
  `server-${metric}-${suffix}`;

export const SERVER_BENCHES = [
  ...SETTINGS.flatMap(({ suffix }) =>
    MEASUREMENTS.flatMap(({ metrics }) => metrics.map((metric) => bench(metric, suffix))),
  ),
  ...Object.keys(CAPACITY_BENCHES),
];

/**
 * @param {readonly string[]} names of SERVER_BENCHES
 * @param {number} rounds
 * @param {Output} output
 * @returns {Promise<boolean>} false when postern did not do its work
 */
export async function benchServers(names, rounds, output) {
  const missing = buildLoad(output.say);
  if (missing) {
    const note = `skipped: ${missing}`;
    for (const name of names) {
      output.print({ bench: name, impl: 'postern', value: null, unit: '', runs: 0, note });
    }
    return true;
  }
  const all = contenders(output.say);
  let works = true;
  for (const setting of SETTINGS) {
    const wanted = MEASUREMENTS.filter(({ metrics }) =>
      metrics.some((metric) => names.includes(bench(metric, setting.suffix))),
    );
    if (wanted.length === 0) continue;
    output.say(`server-*-${setting.suffix}`);
    const turns = Math.min(rounds, MAX_ROUNDS);
    const results = await compare(all, setting, wanted, turns);
    for (const metric of wanted.flatMap(({ metrics }) => metrics)) {
      const name = bench(metric, setting.suffix);
      if (!names.includes(name)) continue;
      const what = { name: metric, ...METRICS[metric], notesOf };
      const judge = (/** @type {any} */ ratioTo) => judgeServer(metric, ratioTo);
      works = tell(name, what, results, output, judge) && works;
    }
  }
  for (const [name, measure] of Object.entries(CAPACITY_BENCHES)) {
    if (!names.includes(name)) continue;
    output.say(name);
    works = (await measure(all, output)) && works;
  }
  return works;
}

/** @param {import('./rounds.js').Entry} entry @param {any[]} results */
function notesOf({ name }, results) {
  const lost = results.reduce((sum, result) => sum + result.lost, 0);
  return [results[0].version, NOTES[name] ?? '', lost > 0 ? `${lost} lost` : ''];
}

/**
 * @param {readonly Contender[]} all
 * @param {{ mode: Mode, payload: number }} setting
 * @param {readonly typeof MEASUREMENTS[number][]} measurements
 * @param {number} rounds
 * @returns {Promise<import('./rounds.js').Entry[]>}
 */
async function compare(all, { mode, payload }, measurements, rounds) {
  const entries = all.map((contender) => ({
    name: contender.name,
    results: {},
    note: skipped(contender, mode),
    contender,
    station: /** @type {Station | undefined} */ (undefined),
  }));
  try {
    await takeTurns(entries, rounds, {
      enter: async (entry) => {
        entry.station = await Station.start(entry.contender);
        await entry.station.enter(CLIENTS, mode, payload);
        await entry.station.load.run(WARM_UP, IN_FLIGHT, payload);
      },
      measure: async ({ station }) => {
        /** @type {Record<string, any>} */
        const results = {};
        if (station === undefined) return results;
        const { server, load } = station;
        for (const { inFlight, count, metrics } of measurements) {
          const before = server.cpuUs();
          const times = await load.run(count, inFlight, payload);
          const result = { ...times, cpu_us: server.cpuUs() - before, version: server.version };
          for (const metric of metrics) results[metric] = result;
        }
        return results;
      },
    });
  } finally {
    for (const { station } of entries) await station?.stop();
  }
  return entries;
}
