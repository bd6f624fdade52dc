// What one server holds and two of them relay: more than one core, memory of allocations, and a soak.

import { availableParallelism } from 'node:os';
import { concluding, reasonOf } from './rounds.js';
import { NOTES, skipped, USER } from './server-programs.js';
import { CLIENTS, IN_FLIGHT, MESSAGES, Station, WARM_UP, withStation } from './server-station.js';
import { median } from './statistics.js';
import { judgeServerSoak } from './targets.js';

/** @typedef {import('./rounds.js').Output} Output */
/** @typedef {import('./server-programs.js').Contender} Contender */

const PROCESSES_ROUNDS = 5;
const PROCESSES_COUNT = 40_000;
const MEMORY_ALLOCATIONS = 1000;
const SOAK_ALLOCATIONS = 2000;
const SOAK_MS = 60_000;
const SOAK_COUNT = 20_000;
const PAYLOAD = 160;
const KIBIBYTE = 1024;
const MEBIBYTE = 2 ** 20;

/** @param {readonly Contender[]} all @param {Output} output */
const ours = ([contender], { print }, /** @type {string} */ bench) => {
  const note = skipped(contender, 'channel');
  if (note === '') return contender;
  print({ bench, impl: 'postern', value: null, unit: '', runs: 0, note });
  return undefined;
};

/**
 * How many messages one process relays a second, and how many two of them do, each with a load of its own.
 *
 * @param {string} bench
 * @param {readonly Contender[]} all
 * @param {Output} output
 */
async function benchProcesses(bench, all, output) {
  const contender = ours(all, output, bench);
  if (contender === undefined) return false;
  const unit = 'messages/s';
  const cores = availableParallelism();
  /** @type {Station[]} */
  const stations = [];
  /** @type {{ one: number[], two: number[] }} */
  const rates = { one: [], two: [] };
  try {
    for (let i = 0; i < 2; i += 1) {
      const station = await Station.start(contender);
      stations.push(station);
      await station.enter(CLIENTS, 'channel', PAYLOAD);
      await station.load.run(WARM_UP, IN_FLIGHT, PAYLOAD);
    }
    const rateOf = async (/** @type {Station[]} */ loaded) => {
      const start = performance.now();
      const runs = await Promise.all(
        loaded.map(({ load }) => load.run(PROCESSES_COUNT, IN_FLIGHT, PAYLOAD)),
      );
      const trips = runs.reduce((sum, { round_trips }) => sum + round_trips, 0);
      return (MESSAGES * trips * 1000) / (performance.now() - start);
    };
    for (let round = 0; round < PROCESSES_ROUNDS; round += 1) {
      rates.one.push(await rateOf([stations[round % 2]]));
      rates.two.push(await rateOf(stations));
    }
  } finally {
    for (const station of stations) await station.stop();
  }
  const runs = PROCESSES_ROUNDS;
  const note = `${cores} cores for the servers and what loads them`;
  for (const [name, values] of Object.entries(rates)) {
    const impl = `postern, ${name} process${name === 'two' ? 'es' : ''}`;
    output.print({ bench, impl, value: median(values), unit, runs, note });
  }
  const value = median(rates.two.map((two, i) => two / rates.one[i]));
  const told = 'the messages of two processes over those of one (median over the rounds)';
  output.conclude({ bench, impl: 'ratio two/one', value, unit: 'x', runs, note: told });
  return true;
}

/** @param {string} bench @param {readonly Contender[]} all @param {Output} output */
async function benchMemory(bench, all, { print }) {
  const unit = `KiB/${bench.startsWith('gateway-') ? 'connection' : 'allocation'}`;
  let works = true;
  for (const contender of all) {
    const line = { bench, impl: contender.name, unit };
    const why = skipped(contender, 'channel');
    if (why !== '') {
      print({ ...line, value: null, runs: 0, note: why });
      continue;
    }
    try {
      const { idle, full, server } = await withStation(contender, async (station) => {
        // What the first of them makes once is no allocation's.
        await station.enter(CLIENTS, 'channel', PAYLOAD);
        const before = await station.server.held();
        await station.enter(MEMORY_ALLOCATIONS, 'channel', PAYLOAD);
        return { idle: before, full: await station.server.held(), server: station.server };
      });
      const each = (/** @type {number} */ bytes) => bytes / KIBIBYTE / MEMORY_ALLOCATIONS;
      const notes = [server.version, `resident memory of ${MEMORY_ALLOCATIONS} more`];
      if (server.relays) notes.push('each with a channel');
      if (contender.name in NOTES) notes.push(NOTES[contender.name]);
      if (full.heapUsed !== undefined && idle.heapUsed !== undefined) {
        notes.push(`${each(full.heapUsed - idle.heapUsed).toFixed(1)} KiB of it live in the heap`);
      }
      const core = full.stats?.coreMemoryBytes - idle.stats?.coreMemoryBytes;
      if (core >= 0) notes.push(`${each(core).toFixed(1)} KiB of it the core's`);
      const value = each(full.rss - idle.rss);
      print({ ...line, value, runs: 1, note: notes.join('; ') });
    } catch (error) {
      print({ ...line, value: null, runs: 0, note: `excluded: ${reasonOf(error)}` });
      if (contender.name === 'postern') works = false;
    }
  }
  return works;
}

/**
 * Many allocations at once, with traffic through all of them, for a minute: none may be lost, and nothing may grow.
 *
 * @param {string} bench
 * @param {readonly Contender[]} all
 * @param {Output} output
 */
async function benchSoak(bench, all, output) {
  const contender = ours(all, output, bench);
  if (contender === undefined) return false;
  try {
    const soak = await withStation(contender, async ({ server, load }) => {
      const idle = await server.held();
      await load.allocate(SOAK_ALLOCATIONS, server.at, USER);
      await load.open('channel', PAYLOAD);
      // A first round through all of them, so that what follows finds everything made.
      await load.run(SOAK_COUNT, SOAK_ALLOCATIONS, PAYLOAD);
      const full = await server.held();
      const start = performance.now();
      let [trips, lost] = [0, 0];
      while (performance.now() - start < SOAK_MS) {
        const times = await load.run(SOAK_COUNT, IN_FLIGHT, PAYLOAD);
        trips += times.round_trips;
        lost += times.lost;
      }
      const after = await server.held();
      const there = await load.refresh();
      await load.release();
      const empty = await server.held();
      // As many again find room where the first ones were.
      await load.allocate(SOAK_ALLOCATIONS, server.at, USER);
      const again = await server.held();
      return { idle, full, after, empty, again, trips, lost, there };
    });
    tellSoak(bench, soak, output);
    return soak.there === SOAK_ALLOCATIONS;
  } catch (error) {
    const note = `excluded: ${reasonOf(error)}`;
    output.print({ bench, impl: 'postern', value: null, unit: '', runs: 0, note });
    return false;
  }
}

/** @param {string} bench @param {any} soak @param {Output} output */
function tellSoak(
  bench,
  { idle, full, after, empty, again, trips, lost, there },
  { print, conclude },
) {
  const line = { impl: 'postern', runs: 1 };
  const mebibytes = (/** @type {{ rss: number }} */ { rss }) => rss / MEBIBYTE;
  const seconds = SOAK_MS / 1000;
  print({
    ...line,
    bench,
    value: there,
    unit: 'allocations',
    note: `of ${SOAK_ALLOCATIONS} there after ${seconds} s, ${trips * MESSAGES} messages, ${lost * MESSAGES} of them lost`,
  });
  print({
    ...line,
    bench: `${bench}-memory`,
    value: mebibytes(after) - mebibytes(full),
    unit: 'MiB',
    note: `resident memory that these ${seconds} s have added: idle ${mebibytes(idle).toFixed(1)}, with all ${mebibytes(full).toFixed(1)}, after the traffic ${mebibytes(after).toFixed(1)}, with none ${mebibytes(empty).toFixed(1)}, with as many again ${mebibytes(again).toFixed(1)}`,
  });
  print({
    ...line,
    bench: `${bench}-sockets`,
    value: empty.sockets - idle.sockets,
    unit: 'open files',
    note: `more than before the first allocation, when all are given back; ${full.sockets} with all`,
  });
  const verdicts = judgeServerSoak({
    lostAllocations: SOAK_ALLOCATIONS - there,
    lostMessages: lost * MESSAGES,
    addedMebibytes: Math.max(mebibytes(after), mebibytes(again)) - mebibytes(full),
    leftSockets: empty.sockets - idle.sockets,
  });
  for (const verdict of verdicts) conclude(concluding(bench, 1, verdict));
}

/** @type {Record<string, (bench: string, all: readonly Contender[], output: Output) => Promise<boolean>>} */
export const CAPACITY_BENCHES = {
  'server-processes': benchProcesses,
  'server-memory': benchMemory,
  'server-soak': benchSoak,
  'gateway-memory': benchMemory,
};
