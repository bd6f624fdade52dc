// npm run bench [-- --only NAME] [--rounds N] [--ms N]: see README.md.

import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { participants } from './implementations.js';
import { BENCHES } from './inputs.js';
import { PEERS } from './peers.js';
import { benchRelays, RELAY_BENCHES } from './relay.js';
import { concluding } from './rounds.js';
import { benchServers, SERVER_BENCHES } from './server.js';
import { measureSize, SIZES } from './size.js';
import { timeBench } from './speed.js';
import { timeStartup } from './startup.js';
import { median, round } from './statistics.js';
import { judgeSize, judgeSpeed, judgeStartup } from './targets.js';

const US = 'us/op';
const NS_PER_US = 1000;
const WARM_UP_MS = 400;
const STARTUP_ROUNDS_AT_LEAST = 15;

/** @param {string} sentence */
const say = (sentence) => process.stderr.write(`bench: ${sentence}\n`);

/** @typedef {import('./rounds.js').Line} Line */

/** Ratios and verdicts; they come last. @type {Line[]} */
const conclusions = [];
let failed = false;

/** @param {Line} line */
function print({ value, ...rest }) {
  const { bench, impl, unit, runs, note } = rest;
  const line = { bench, impl, value: value === null ? null : round(value), unit, runs, note };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** @param {string} bench @param {number} runs @param {import('./targets.js').Verdict} verdict */
function conclude(bench, runs, verdict) {
  conclusions.push(concluding(bench, runs, verdict));
}

/**
 * @param {string} bench
 * @param {import('./implementations.js').Participant[]} everyone
 * @param {import('./speed.js').Effort} effort
 */
async function benchSpeed(bench, everyone, effort) {
  const timings = await timeBench(bench, everyone, effort);
  for (const { name, nsPerOp, note, failed: wrong } of timings) {
    if (wrong || (name === 'postern' && nsPerOp.length === 0)) failed = true;
    const value = nsPerOp.length > 0 ? median(nsPerOp) / NS_PER_US : null;
    print({ bench, impl: name, value, unit: US, runs: nsPerOp.length, note });
  }

  const ours = timings.find(({ name }) => name === 'postern')?.nsPerOp ?? [];
  if (ours.length === 0) return;
  /** @type {Map<string, number>} */
  const speeds = new Map();
  for (const { name, nsPerOp } of timings) {
    if (name === 'postern' || nsPerOp.length === 0) continue;
    // Pairs of one round, which saw the same machine.
    const speed = median(nsPerOp.map((ns, i) => ns / ours[i]));
    speeds.set(name, speed);
    const note = `postern is ${round(speed)} times as fast (median over the rounds)`;
    const impl = `ratio postern/${name}`;
    conclusions.push({ bench, impl, value: speed, unit: 'x', runs: ours.length, note });
  }
  for (const verdict of judgeSpeed(bench, PEERS, (name) => speeds.get(name))) {
    conclude(bench, ours.length, verdict);
  }
}

/** @param {import('./implementations.js').Participant[]} everyone @param {number} rounds */
function benchStartup(everyone, rounds) {
  const bench = 'startup';
  const inNode = ['postern', ...PEERS];
  for (const { name, reason } of everyone) {
    if (!reason || !inNode.includes(name)) continue;
    print({ bench, impl: name, value: null, unit: 'ms', runs: 0, note: `skipped: ${reason}` });
  }
  const names = everyone.filter(({ name, reason }) => !reason && inNode.includes(name));
  const [empty, ...startups] = timeStartup(
    names.map(({ name }) => name),
    rounds,
  );
  const runs = empty.wallMs.length;
  const emptyMs = median(empty.wallMs);
  const emptyNote = `${process.version}, a process with an empty module, start to exit`;
  print({ bench, impl: 'node', value: emptyMs, unit: 'ms', runs, note: emptyNote });
  for (const { name: impl, aboveEmptyMs, insideMs, note } of startups) {
    if (aboveEmptyMs.length === 0) {
      if (impl === 'postern') failed = true;
      print({ bench, impl, value: null, unit: 'ms', runs: 0, note });
      continue;
    }
    const above = median(aboveEmptyMs);
    const wallNote = 'above the empty process of the same round';
    print({ bench, impl, value: above, unit: 'ms', runs, note: wallNote });
    const inside = median(insideMs);
    const insideNote = 'from import to the first decoded message';
    const line = { impl, value: inside, unit: 'ms', runs, note: insideNote };
    print({ bench: 'startup-in-process', ...line });
    if (impl === 'postern') conclude(bench, runs, judgeStartup(above));
  }
}

/** @param {string} bench */
async function benchSize(bench) {
  try {
    for (const { encoding, bytes, note } of await measureSize(bench)) {
      const line = { impl: 'postern', value: bytes, unit: 'bytes', runs: 1, note };
      print({ bench: `${bench}-${encoding}`, ...line });
      const verdict = encoding === 'gzip' ? judgeSize(bench, bytes) : undefined;
      if (verdict) conclude(`${bench}-gzip`, 1, verdict);
    }
  } catch (error) {
    failed = true;
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error);
    print({
      bench,
      impl: 'postern',
      value: null,
      unit: 'bytes',
      runs: 0,
      note: `excluded: ${why}`,
    });
  }
}

/** @param {string} name @param {string | undefined} value @param {number} otherwise */
function positive(name, value, otherwise) {
  if (value === undefined) return otherwise;
  const number = Number(value);
  if (Number.isInteger(number) && number > 0) return number;
  say(`--${name} takes a whole number above 0, not '${value}'`);
  process.exit(2);
}

/** @param {string | undefined} only @returns {string[]} */
function chosen(only) {
  const all = [...Object.keys(BENCHES), 'startup', ...SIZES, ...RELAY_BENCHES, ...SERVER_BENCHES];
  if (only === undefined) return all;
  const pattern = new RegExp(`^${only.replace(/[^\w*-]/g, '').replaceAll('*', '.*')}$`);
  const names = all.filter((name) => pattern.test(name));
  if (names.length > 0) return names;
  say(`there is no bench '${only}'; there are ${all.join(', ')}`);
  process.exit(2);
}

const { values: options } = parseArgs({
  options: { only: { type: 'string' }, rounds: { type: 'string' }, ms: { type: 'string' } },
});
const names = chosen(options.only);
const rounds = positive('rounds', options.rounds, 11);
const roundMs = positive('ms', options.ms, 60);
const relayNames = names.filter((name) => RELAY_BENCHES.includes(name));
const serverNames = names.filter((name) => SERVER_BENCHES.includes(name));
const ofCodec = names.filter((name) => Object.hasOwn(BENCHES, name) || name === 'startup');
const everyone = ofCodec.length === 0 ? [] : participants(say);

const [load] = loadavg();
if (load > availableParallelism() / 2) {
  say(
    `the machine is busy (load ${load.toFixed(1)}): times and ratios will wander, run it again when it is quiet`,
  );
}

for (const name of names) {
  if (relayNames.includes(name) || serverNames.includes(name)) continue;
  say(name);
  if (Object.hasOwn(BENCHES, name)) {
    await benchSpeed(name, everyone, { rounds, roundMs, warmUpMs: WARM_UP_MS });
  } else if (name === 'startup') {
    benchStartup(everyone, options.rounds ? rounds : Math.max(rounds, STARTUP_ROUNDS_AT_LEAST));
  } else {
    await benchSize(name);
  }
}
const output = { print, conclude: (/** @type {Line} */ line) => void conclusions.push(line), say };
if (relayNames.length > 0 && !(await benchRelays(relayNames, rounds, output))) failed = true;
if (serverNames.length > 0 && !(await benchServers(serverNames, rounds, output))) failed = true;
conclusions.forEach(print);
process.exitCode = failed ? 1 : 0;
