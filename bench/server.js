// The benches of the server and of the gateway: what a relayed message takes, beside others and beside programs without any
// protocol.

import { takeTurns, tell } from './rounds.js';
import { CAPACITY_BENCHES } from './server-capacity.js';
import { buildLoad } from './server-load.js';
import { gatewayContenders, NOTES, serverContenders, skipped } from './server-programs.js';
import { CLIENTS, IN_FLIGHT, MESSAGES, Station, WARM_UP } from './server-station.js';
import { judgeGateway, judgeServer } from './targets.js';

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
const MAX_ROUNDS = 11;

/**
 * @typedef {object} Family those that are measured beside each other
 * @property {string} name what the names of its benches begin with
 * @property {(say: (sentence: string) => void) => Contender[]} contenders
 * @property {Setting[]} settings
 * @property {(metric: Metric, ratioTo: (name: string) => number | undefined) => import('./targets.js').Verdict[]} judge
 *
 * @typedef {{ mode: Mode, payload: number, suffix: string }} Setting
 */

const SETTINGS = /** @type {Mode[]} */ (['channel', 'send']).flatMap((mode) =>
  [160, 1200].map((payload) => ({ mode, payload, suffix: `${mode}-${payload}` })),
);
/** @type {Family[]} */
const FAMILIES = [
  { name: 'server', contenders: serverContenders, settings: SETTINGS, judge: judgeServer },
  {
    name: 'gateway',
    contenders: gatewayContenders,
    settings: SETTINGS.filter(({ mode }) => mode === 'channel'),
    judge: judgeGateway,
  },
];

/** @param {Family} family @param {Metric} metric @param {Setting} setting */
const benchName = ({ name }, metric, { suffix }) => `${name}-${metric}-${suffix}`;

export const SERVER_BENCHES = FAMILIES.flatMap((family) => [
  ...family.settings.flatMap((setting) =>
    MEASUREMENTS.flatMap(({ metrics }) =>
      metrics.map((metric) => benchName(family, metric, setting)),
    ),
  ),
  ...Object.keys(CAPACITY_BENCHES).filter((name) => name.startsWith(`${family.name}-`)),
]);

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
  let works = true;
  for (const family of FAMILIES) {
    const wanted = names.filter((name) => name.startsWith(`${family.name}-`));
    if (wanted.length === 0) continue;
    const all = family.contenders(output.say);
    for (const setting of family.settings) {
      works = (await benchSetting({ family, setting, all, wanted, rounds }, output)) && works;
    }
    for (const [name, measure] of Object.entries(CAPACITY_BENCHES)) {
      if (!wanted.includes(name)) continue;
      output.say(name);
      works = (await measure(name, all, output)) && works;
    }
  }
  return works;
}

/**
 * @param {{ family: Family, setting: Setting, all: Contender[], wanted: string[], rounds: number }} what
 * @param {Output} output
 */
async function benchSetting({ family, setting, all, wanted, rounds }, output) {
  const isWanted = (/** @type {Metric} */ metric) =>
    wanted.includes(benchName(family, metric, setting));
  const measurements = MEASUREMENTS.filter(({ metrics }) => metrics.some(isWanted));
  if (measurements.length === 0) return true;
  output.say(`${family.name}-*-${setting.suffix}`);
  const results = await compare(all, setting, measurements, Math.min(rounds, MAX_ROUNDS));
  let works = true;
  for (const metric of measurements.flatMap(({ metrics }) => metrics.filter(isWanted))) {
    const what = { name: metric, ...METRICS[metric], notesOf };
    const judge = (/** @type {(name: string) => number | undefined} */ ratioTo) =>
      family.judge(metric, ratioTo);
    works = tell(benchName(family, metric, setting), what, results, output, judge) && works;
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
 * @param {Setting} setting
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
