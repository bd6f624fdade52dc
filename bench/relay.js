// The benches of relays: what a relayed echo takes in time and in processor, beside other clients and no TURN at all.

import { LineChild } from './line-child.js';
import { installPeers } from './peers.js';
import { buildPionTurnEcho } from './pion.js';
import { nodeProgram, RelayServers, relaysMissing, runProgram } from './relay-servers.js';
import { concluding, reasonOf, takeTurns, tell } from './rounds.js';
import { median } from './statistics.js';
import { judgeRelay, judgeRelayMemory, judgeRelayProtocol } from './targets.js';

/** @typedef {import('./relay-servers.js').Program} Program */
/** @typedef {{ name: string } & ({ program: Program } | { reason: string })} Client */
/** @typedef {import('./rounds.js').Output} Output */

/** @typedef {'rate' | 'cpu' | 'rtt-p50' | 'rtt-p99'} Metric */

/**
 * What the two kinds of measurements tell, and how long they are: some tenths of a second each.
 *
 * @type {readonly { inFlight: number, count: number, metrics: readonly Metric[] }[]}
 */
const MEASUREMENTS = [
  { inFlight: 32, count: 5000, metrics: ['rate', 'cpu'] },
  { inFlight: 1, count: 1000, metrics: ['rtt-p50', 'rtt-p99'] },
];
/** @type {Record<Metric, { unit: string, key: string }>} */
const METRICS = {
  rate: { unit: 'echoes/s', key: 'round_trips_per_second' },
  cpu: { unit: 'us of CPU/echo', key: 'cpu_us_per_round_trip' },
  'rtt-p50': { unit: 'us', key: 'p50_us' },
  'rtt-p99': { unit: 'us', key: 'p99_us' },
};
/** What is measured beside clients of TURN. @type {Record<string, string>} */
const SOCKETS = {
  dgram: 'no TURN, straight to the peer',
  'dgram-forwarded': 'no TURN, through one process more, as a relay is',
  'dgram-relayed': 'no client, through the relay: frames made beforehand',
};
/** Channel: ChannelData; send: Send and Data indications. */
const SETTINGS = ['channel', 'send'].flatMap((mode) =>
  [160, 1200].map((payload) => ({ mode, payload, suffix: `${mode}-${payload}` })),
);
/** V8 goes on optimising for tens of thousands of messages, which takes as much processor as they do. */
const WARM_UP = 40_000;
/** What a round takes is a second and more. */
const MAX_ROUNDS = 11;
/** Each starts a process anew. */
const PROTOCOL_ROUNDS = 3;
const PROTOCOL_WARM_UP = 50_000;
const RELAYS = 1000;
const MEBIBYTE = 2 ** 20;
/** For the warm-up and a measurement; more and it hangs. */
const ANSWER_MS = 60_000;

const echoBench = (/** @type {Metric} */ metric, /** @type {string} */ suffix) =>
  `relay-${metric}-${suffix}`;
const protocolBench = (/** @type {string} */ suffix) => `relay-protocol-${suffix}`;
const MEMORY = 'relay-memory';

export const RELAY_BENCHES = [
  ...SETTINGS.map(({ suffix }) => protocolBench(suffix)),
  MEMORY,
  ...SETTINGS.flatMap(({ suffix }) =>
    MEASUREMENTS.flatMap(({ metrics }) => metrics.map((metric) => echoBench(metric, suffix))),
  ),
];

/**
 * @param {readonly string[]} names of RELAY_BENCHES
 * @param {number} rounds
 * @param {Output} output
 * @returns {Promise<boolean>} false when postern did not do its work
 */
export async function benchRelays(names, rounds, output) {
  let works = await benchProtocol(names, output);
  const throughServer = names.filter((name) => !name.startsWith(protocolBench('')));
  if (throughServer.length === 0) return works;
  if (relaysMissing) {
    const note = `skipped: ${relaysMissing}`;
    for (const bench of throughServer) {
      output.print({ bench, impl: 'postern', value: null, unit: '', runs: 0, note });
    }
    return works;
  }
  const servers = await RelayServers.start();
  try {
    if (names.includes(MEMORY)) works = (await benchMemory(servers, output)) && works;
    const wanted = throughServer.filter((name) => name !== MEMORY);
    const clients = wanted.length > 0 ? findClients(servers, output.say) : [];
    for (const setting of SETTINGS) {
      const isWanted = (/** @type {Metric} */ metric) =>
        wanted.includes(echoBench(metric, setting.suffix));
      const measurements = MEASUREMENTS.filter(({ metrics }) => metrics.some(isWanted));
      if (measurements.length === 0) continue;
      output.say(`relay-*-${setting.suffix}`);
      const turns = Math.min(rounds, MAX_ROUNDS);
      const results = await alternate(clients, setting, measurements, turns);
      for (const metric of measurements.flatMap(({ metrics }) => metrics.filter(isWanted))) {
        const { unit, key } = METRICS[metric];
        const what = {
          name: metric,
          unit,
          valueIn: (/** @type {any} */ result) => result[key],
          notesOf,
        };
        const judge = (/** @type {any} */ ratioTo) => judgeRelay(metric, ratioTo);
        const bench = echoBench(metric, setting.suffix);
        works = tell(bench, what, results, output, judge) && works;
      }
    }
  } finally {
    await servers.stop();
  }
  return works;
}

/** @param {RelayServers} servers @param {(sentence: string) => void} say @returns {Client[]} ours first */
function findClients({ flags, peer, forwarder }, say) {
  const peersMissing = installPeers(say);
  const pion = buildPionTurnEcho(say);
  const toPeer = [...flags, '--peer', peer];
  /** @param {string} name @param {Program} program @param {string[]} args @returns {Client} */
  const client = (name, { command, args: first }, args) => ({
    name,
    program: { command, args: [...first, ...args] },
  });
  const socket = nodeProgram('dgram-echo.js');
  return [
    client('postern', nodeProgram('postern-turn-echo.js'), toPeer),
    client('dgram', socket, toPeer),
    client('dgram-forwarded', socket, [...flags, '--peer', forwarder]),
    client('dgram-relayed', nodeProgram('dgram-relayed-echo.js'), toPeer),
    'reason' in pion ? { name: 'pion', reason: pion.reason } : client('pion', pion, [...toPeer]),
    peersMissing
      ? { name: 'werift', reason: peersMissing }
      : client('werift', nodeProgram('werift-turn-echo.js'), toPeer),
  ];
}

/**
 * Each client in a process of its own, and one measuring at a time.
 *
 * @param {readonly Client[]} clients
 * @param {{ mode: string, payload: number }} setting
 * @param {readonly typeof MEASUREMENTS[number][]} measurements
 * @param {number} rounds
 * @returns {Promise<import('./rounds.js').Entry[]>}
 */
async function alternate(clients, { mode, payload }, measurements, rounds) {
  const flags = ['--mode', mode, '--payload', String(payload), '--warm-up', String(WARM_UP)];
  const all = clients.map((client) => ({
    name: client.name,
    results: {},
    note: 'reason' in client ? `skipped: ${client.reason}` : '',
    client,
    child: /** @type {LineChild | undefined} */ (undefined),
  }));
  try {
    await takeTurns(all, rounds, {
      enter: async (entry) => {
        if ('reason' in entry.client) return;
        const { command, args } = entry.client.program;
        entry.child = new LineChild(command, [...args, ...flags]);
        await entry.child.ask('1 1', ANSWER_MS);
      },
      measure: async ({ child }) => {
        /** @type {Record<string, any>} */
        const results = {};
        for (const { inFlight, count, metrics } of measurements) {
          const result = await child?.ask(`${count} ${inFlight}`, ANSWER_MS);
          for (const metric of metrics) results[metric] = result;
        }
        return results;
      },
    });
  } finally {
    for (const { child } of all) child?.kill();
  }
  return all;
}

/** @param {{ name: string }} entry @param {any[]} results */
function notesOf({ name }, results) {
  const lost = results.reduce((sum, result) => sum + result.lost, 0);
  return [results[0].version, SOCKETS[name] ?? '', lost > 0 ? `${lost} lost` : ''];
}

/** @param {readonly string[]} names @param {Output} output */
async function benchProtocol(names, output) {
  let works = true;
  const unit = 'us of CPU/echo';
  for (const { mode, payload, suffix } of SETTINGS) {
    const bench = protocolBench(suffix);
    if (!names.includes(bench)) continue;
    output.say(bench);
    const flags = ['--mode', mode, '--payload', payload, '--warm-up', PROTOCOL_WARM_UP].map(String);
    try {
      const values = [];
      let version = '';
      for (let round = 0; round < PROTOCOL_ROUNDS; round += 1) {
        const result = await runProgram(nodeProgram('relay-protocol.js'), flags);
        values.push(result.us_per_echo);
        version = result.version;
      }
      const value = median(values);
      const note = `${version}; JavaScript and wasm, no socket`;
      output.print({ bench, impl: 'postern', value, unit, runs: values.length, note });
      output.conclude(concluding(bench, values.length, judgeRelayProtocol(value)));
    } catch (error) {
      works = false;
      const note = `excluded: ${reasonOf(error)}`;
      output.print({ bench, impl: 'postern', value: null, unit, runs: 0, note });
    }
  }
  return works;
}

/** @param {{ credentials: string[] }} servers @param {Output} output */
async function benchMemory({ credentials }, { print, conclude, say }) {
  say(MEMORY);
  const unit = `MiB/${RELAYS}`;
  const program = nodeProgram('relay-memory.js', ['--expose-gc']);
  for (const impl of ['postern', 'dgram']) {
    try {
      const { rss, heap } = await runProgram(program, [impl, String(RELAYS), ...credentials]);
      const value = rss / MEBIBYTE;
      const what = impl === 'postern' ? 'relays' : 'sockets';
      const heapText = (heap / MEBIBYTE).toFixed(1);
      const note = `resident memory of ${RELAYS} ${what} above the idle process; ${heapText} MiB of it live in the JavaScript heap`;
      print({ bench: MEMORY, impl, value, unit, runs: 1, note });
      if (impl === 'postern') conclude(concluding(MEMORY, 1, judgeRelayMemory(value, unit)));
    } catch (error) {
      const note = `excluded: ${reasonOf(error)}`;
      print({ bench: MEMORY, impl, value: null, unit, runs: 0, note });
      if (impl === 'postern') return false;
    }
  }
  return true;
}
