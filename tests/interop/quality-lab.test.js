// Quality through a relay, against what was done to the path: each number that is reported beside what was injected.
//
// What is sent in a circle crosses the path twice, up and down. So a round trip is the sum of the delays each way, and of
// two losses p and q it loses 1 - (1 - p)(1 - q).
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { constants, getPriority, setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { measureQuality } from '../../js/measure/quality/measure-quality.js';
import { openReflector } from '../../js/measure/reflector/open-reflector.js';
import { createServer } from '../../js/server/index.js';
import { cleanUp as cleanUpReflector, startReflector } from '../js/reflector/support.js';
import { coturnVersion, startCoturn } from '../support/coturn.js';
import { countLost, limitRate, losePackets } from '../support/impairments.js';
import { KINDS, labMissing, NatLab, SERVER_ADDRESSES } from '../support/nat-lab.js';
import { startWire } from '../support/wire.js';
import { describeWith } from './describe-with.js';

/** @typedef {import('../../js/report/measurements/types.js').QualityMeasurement} QualityMeasurement */
/** @typedef {import('../support/wire.js').Impairment} Impairment */
/** @typedef {import('../support/wire.js').Wire} Wire */

jest.setTimeout(120_000);

const PORT = 3478;
const HOST = '127.0.0.1';
const USER = { username: 'user', credential: 'pass' };
const QUALITY = {
  seconds: 6,
  packetsPerSecond: 50,
  payloadBytes: 160,
  throughputSeconds: 0,
  maxKbps: 4000,
};
/** ChannelData. */
const TURN_HEADER = 4;
/** Of packets that try how much a path takes, where that is not little. */
const LOAD_BYTES = 1200;
const IS_DATA = QUALITY.payloadBytes + TURN_HEADER;
const SERVERS = /** @type {const} */ (
  coturnVersion === undefined ? ['postern'] : ['postern', 'coturn']
);

/**
 * What measures times comes before what else this machine does, as far as that is allowed.
 *
 * @param {number | undefined} pid 0: this process
 * @param {number} [priority]
 */
function prefer(pid, priority = constants.priority.PRIORITY_HIGHEST) {
  try {
    if (pid !== undefined) setPriority(pid, priority);
  } catch {}
}

/**
 * Runs tasks, so many at once.
 *
 * @template T
 * @param {readonly T[]} items
 * @param {number} atOnce
 * @param {(item: T) => Promise<void>} task
 */
async function runAll(items, atOnce, task) {
  const waiting = [...items];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await task(next);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}

/**
 * One number.
 *
 * @typedef {object} Row
 * @property {string} what was done, and where
 * @property {string} unit
 * @property {number} injected
 * @property {number | null | undefined} reported
 * @property {number} [points] how far it may be off; a tenth of what was injected if left out
 */

/** @param {number[]} values */
const median = (values) => values.toSorted((a, b) => a - b)[(values.length - 1) >> 1];

/** How long it took to pass. @param {import('../support/wire.js').Passage[]} log */
const delaysOf = (log) => log.map(({ atMs, sentMs }) => sentMs[0] - atMs);

/** RFC 3550 appendix A.8, of transit times. @param {number[]} transits */
const jitterOf = (transits) =>
  transits.reduce(
    (jitter, transit, i) =>
      i === 0 ? 0 : jitter + (Math.abs(transit - transits[i - 1]) - jitter) / 16,
    0,
  );

/** RFC 4737 section 3.3, of the order in which a wire passed them on. @param {import('../support/wire.js').Passage[]} log */
function countReordered(log) {
  const order = log.map((_, i) => i).toSorted((a, b) => log[a].places[0] - log[b].places[0]);
  let nextExpected = 0;
  return order.filter((sequence) => {
    const isLate = sequence < nextExpected;
    nextExpected = Math.max(nextExpected, sequence + 1);
    return isLate;
  }).length;
}

/**
 * @typedef {object} WireCase
 * @property {string} name
 * @property {'udp' | 'tcp'} [transport]
 * @property {Impairment} [up]
 * @property {Impairment} [down]
 * @property {Partial<typeof QUALITY>} [quality]
 * @property {true} [eachWay] with a reflector
 * @property {number} [haltMs] in the middle of the flow
 * @property {(measured: QualityMeasurement, log: Wire['log']) => Omit<Row, 'what'>[]} rows
 */

/** @type {WireCase[]} */
const WIRE_CASES = [
  {
    name: 'delay of 300 and 200 ms',
    up: { delayMs: 300 },
    down: { delayMs: 200 },
    rows: ({ roundTrips }, { up, down }) => [
      {
        unit: 'ms, round trip',
        injected: median(delaysOf(up)) + median(delaysOf(down)),
        reported: roundTrips?.medianMs,
      },
    ],
  },
  {
    name: 'delay of 300 and 200 ms, over TCP',
    transport: 'tcp',
    up: { delayMs: 300 },
    down: { delayMs: 200 },
    rows: ({ roundTrips }, { up, down }) => [
      {
        unit: 'ms, round trip',
        injected: median(delaysOf(up)) + median(delaysOf(down)),
        reported: roundTrips?.medianMs,
      },
    ],
  },
  {
    name: 'jitter: up to 90 ms more each way',
    up: { delayMs: 20, jitterMs: 90, keepsOrder: true },
    down: { delayMs: 20, jitterMs: 90, keepsOrder: true },
    quality: { packetsPerSecond: 10 },
    rows: ({ jitter }, { up, down }) => [
      {
        unit: 'ms, jitter',
        injected: jitterOf(delaysOf(up).map((delay, i) => delay + delaysOf(down)[i])),
        reported: jitter?.jitterMs,
      },
    ],
  },
  {
    name: 'copies: 5 % up, 3 % down',
    up: { duplicates: 0.05 },
    down: { duplicates: 0.03 },
    rows: ({ arrivals }, { up, down }) => [
      {
        unit: 'duplicates',
        injected: down.flatMap(({ sentMs }) => sentMs).length - up.length,
        reported: arrivals?.duplicates,
      },
    ],
  },
  {
    name: 'order: 5 % held back by 90 ms',
    up: { held: 0.05, heldMs: 90 },
    rows: ({ arrivals }, { up }) => [
      { unit: 'reordered', injected: countReordered(up), reported: arrivals?.reordered },
    ],
  },
  {
    name: 'bursts: 3 in a row of every 50 lost',
    up: { loss: (index) => index % 50 < 3 },
    rows: ({ arrivals }, { up }) => [
      {
        unit: '% loss',
        injected: (100 * up.filter(({ sentMs }) => sentMs.length === 0).length) / up.length,
        reported: 100 * (arrivals?.lossRatio ?? Number.NaN),
        points: 2,
      },
      { unit: 'packets in a burst', injected: 3, reported: arrivals?.bursts.burstPackets },
      {
        // Three in a row, where a chance of 6 % would make it 1 / (1 - 0.06).
        unit: 'burst ratio',
        injected: 3 * (1 - 0.06),
        reported: arrivals?.bursts.burstRatio,
      },
    ],
  },
  {
    name: '600 kbit/s up and 1,800 down',
    up: { kbps: 600 },
    down: { kbps: 1800 },
    quality: { seconds: 2, throughputSeconds: 3 },
    eachWay: true,
    rows: ({ throughput, throughputUp, throughputDown }) =>
      /** @type {const} */ ([
        ['both', 600, throughput],
        ['up', 600, throughputUp],
        ['down', 1800, throughputDown],
      ]).map(([way, kbps, summary]) => ({
        unit: `kbit/s of payload, ${way}`,
        injected: (kbps * LOAD_BYTES) / (LOAD_BYTES + TURN_HEADER),
        reported: summary?.kbps,
      })),
  },
  {
    name: 'a halt of 2 s, over TCP',
    transport: 'tcp',
    haltMs: 2000,
    rows: ({ stalls }) => [
      { unit: 'ms, longest stall', injected: 2000, reported: stalls?.longestMs },
    ],
  },
];

/**
 * On loopback, with the wire in this process.
 *
 * @param {WireCase} one
 * @param {(typeof SERVERS)[number]} server
 * @param {number} port
 * @param {string} reflector URL
 */
async function throughWire({ name, haltMs, eachWay, rows, ...one }, server, port, reflector) {
  const { transport = 'udp', up, down, quality } = one;
  const to = { address: HOST, port };
  const isMeasured = (/** @type {Uint8Array} */ data) => data.length === IS_DATA;
  const wire = await startWire({ to, transport, up, down, isMeasured });
  let samples = 0;
  try {
    const measured = await measureQuality({
      server: { urls: `turn:${HOST}:${wire.port}?transport=${transport}`, ...USER },
      transport,
      quality: { ...QUALITY, ...quality },
      timeoutMs: 10_000,
      signal: new AbortController().signal,
      openReflector: eachWay && ((signal) => openReflector(reflector, { signal })),
      onSample: () => {
        samples += 1;
        if (samples === 8 && haltMs !== undefined) wire.halt(haltMs);
      },
    });
    expect([name, measured.status, measured.error]).toEqual([name, 'ok', undefined]);
    return rows(measured, wire.log).map((row) => ({ ...row, what: `${name} (${server})` }));
  } finally {
    await wire.close();
  }
}

/**
 * Bytes besides the payload: of Ethernet, IPv4, UDP or TCP with time stamps, and ChannelData. What is paced mostly leaves in
 * a segment of its own. The 2 to 3 % that acknowledgements of TCP take besides are left out.
 */
const HEADERS = { udp: 14 + 20 + 8 + TURN_HEADER, tcp: 14 + 20 + 32 + TURN_HEADER };
/** What of a rate of frames is left for the application. @param {number} kbps @param {'udp' | 'tcp'} transport */
function goodput(kbps, transport) {
  const { payloadBytes, packetsPerSecond } = QUALITY;
  const more = HEADERS[transport];
  // The small packets have their share of it.
  const small = (packetsPerSecond * (payloadBytes + more) * 8) / 1000;
  const ofSmall = (packetsPerSecond * payloadBytes * 8) / 1000;
  return ofSmall + ((kbps - small) * LOAD_BYTES) / (LOAD_BYTES + more);
}

/**
 * @typedef {object} KernelCase
 * @property {string} name
 * @property {'udp' | 'tcp'} [transport]
 * @property {(typeof SERVERS)[number]} server
 * @property {number} [loss] share, each way
 * @property {{ way: 'up' | 'down', kbps: number, queueMs: number }} [rate]
 */

/** @type {KernelCase[]} */
const KERNEL_CASES = SERVERS.flatMap((server) => [
  { name: '5 % lost each way', server, loss: 0.05 },
  { name: '1,000 kbit/s up', server, rate: { way: 'up', kbps: 1000, queueMs: 100 } },
  { name: '2,000 kbit/s down', server, rate: { way: 'down', kbps: 2000, queueMs: 100 } },
  {
    name: '1,500 kbit/s up, over TCP',
    server,
    transport: 'tcp',
    rate: { way: 'up', kbps: 1500, queueMs: 100 },
  },
]);

const script = (/** @type {string} */ name) => fileURLToPath(new URL(name, import.meta.url));

/** A laboratory: the measuring host, two routers, and a server. */
class Bench {
  lab = new NatLab();
  folder = mkdtempSync(join(tmpdir(), 'postern-quality-'));
  #isClosed = false;
  /** @type {import('node:child_process').ChildProcess[]} */ children = [];

  /** @param {KernelCase} one @returns {Promise<Row[]>} */
  async run({ name, server, transport = 'udp', loss, rate }) {
    this.lab.open().setKind(KINDS.none);
    if (loss) losePackets(this.lab, 'inner', { share: loss, bytes: IS_DATA });
    if (rate) limitRate(this.lab, 'inner', rate);
    await (server === 'coturn' ? this.#startCoturn() : this.#startServer());
    const quality = rate
      ? { ...QUALITY, seconds: 2, throughputSeconds: 5 }
      : { ...QUALITY, seconds: 8, packetsPerSecond: 200 };
    const urls = `turn:${SERVER_ADDRESSES[0]}:${PORT}?transport=${transport}`;
    const options = JSON.stringify({ server: { urls, ...USER }, transport, quality });
    const client = this.#spawn('client', process.execPath, [
      script('quality-lab-client.js'),
      options,
    ]);
    const [output, errors] = await Promise.all([textOf(client.stdout), textOf(client.stderr)]);
    /** @type {QualityMeasurement} */
    const measured = JSON.parse(output || '{}');
    expect([name, measured.status, measured.error, errors]).toEqual([name, 'ok', undefined, '']);
    const what = `${name} (${server})`;
    if (rate) {
      const { kbps, way } = rate;
      const injected = goodput(kbps, transport);
      const unit = `kbit/s of payload, ${way}`;
      return [{ what, unit, injected, reported: measured.throughput?.kbps }];
    }
    const { up, down } = countLost(this.lab, 'inner');
    return [
      {
        what,
        unit: '% loss',
        injected: (100 * (up.lost + down.lost)) / up.all,
        reported: 100 * (measured.arrivals?.lossRatio ?? Number.NaN),
        points: 2,
      },
    ];
  }

  async #startServer() {
    const args = [script('quality-lab-server.js'), String(PORT), SERVER_ADDRESSES[0]];
    const child = this.#spawn('server', process.execPath, args);
    await once(/** @type {import('node:stream').Readable} */ (child.stdout), 'data');
  }

  async #startCoturn() {
    const child = this.#spawn('server', 'turnserver', [
      ...['-n', '--no-cli', '-L', SERVER_ADDRESSES[0], '-E', SERVER_ADDRESSES[0]],
      ...['-p', String(PORT), '-r', 'example.org', '--lt-cred-mech'],
      ...['-u', `${USER.username}:${USER.credential}`],
      ...['-l', 'stdout', '--simple-log', '--no-tls', '--no-dtls'],
      ...['--pidfile', join(this.folder, 'turn.pid'), '--db', join(this.folder, 'turndb')],
    ]);
    for (let open = ''; !open.includes(`${SERVER_ADDRESSES[0]}:${PORT}`); ) {
      if (child.exitCode !== null) throw new Error(`coturn has ended with ${child.exitCode}`);
      open = await textOf(this.#spawn('server', 'ss', ['-Hltn']).stdout);
    }
  }

  /** @param {import('../support/nat-lab.js').LabHost} host @param {string} command @param {string[]} args */
  #spawn(host, command, args) {
    const child = this.lab.spawn(host, command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    prefer(child.pid);
    this.children.push(child);
    return child;
  }

  kill() {
    for (const child of this.children) child.kill('SIGKILL');
  }

  /** Idempotent. */
  async close() {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const running = this.children.filter(
      ({ exitCode, signalCode }) => exitCode === null && signalCode === null,
    );
    const ends = running.map((child) => once(child, 'exit'));
    this.kill();
    await Promise.all(ends);
    this.lab.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** @param {import('node:stream').Readable | null} stream */
async function textOf(stream) {
  let text = '';
  for await (const part of stream ?? []) text += part;
  return text;
}

/** @param {Row} row */
const isNear = ({ injected, reported, points = injected / 10 }) =>
  typeof reported === 'number' && Math.abs(reported - injected) <= points;

/** @param {Row[]} rows */
function tableOf(rows) {
  const number = (/** @type {number} */ value) => value.toFixed(2);
  const cells = rows.map(({ what, unit, injected, reported, points }) => {
    const difference = (reported ?? Number.NaN) - injected;
    const shown = points ? difference : (100 * difference) / injected;
    return [
      `${what}: ${unit}`,
      number(injected),
      number(reported ?? Number.NaN),
      `${number(shown)} ${points ? 'points' : '%'}`,
    ];
  });
  const all = [['', 'injected', 'reported', 'difference'], ...cells];
  const widths = all[0].map((_, i) => Math.max(...all.map((row) => row[i].length)));
  return all
    .map((row) =>
      row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))),
    )
    .map((row) => row.join('  '))
    .join('\n');
}

/** Fails with the table of what is too far off. @param {Row[]} rows */
function expectNear(rows) {
  expect(rows.length).toBeGreaterThan(0);
  const wrong = rows.filter((row) => !isNear(row));
  expect(wrong.length === 0 ? '' : tableOf(wrong)).toBe('');
}

const WIRES_AT_A_TIME = 7;

describe('delay, jitter, copies, order and bursts: by a wire on loopback', () => {
  /** @type {Map<string, Row[]>} */
  const found = new Map();
  /** @type {(() => Promise<void>)[]} */
  const closers = [];
  const priority = getPriority();

  beforeAll(async () => {
    /** @type {Record<string, number[]>} */
    const ports = {};
    for (const name of SERVERS) {
      if (name === 'coturn') {
        const users = { [USER.username]: USER.credential };
        const coturn = await startCoturn({ hosts: [HOST], users });
        prefer(coturn.pid);
        closers.push(() => coturn.stop());
        ports[name] = [coturn.port, coturn.port];
      } else {
        const server = await createServer({
          listen: [`udp://${HOST}:0`, `tcp://${HOST}:0`],
          credentials: { [USER.username]: USER.credential },
          realm: 'example.org',
          relay: { addresses: [HOST] },
          policy: { allow: ['127.0.0.0/8'] },
        });
        closers.push(() => server.close());
        ports[name] = server.addresses.map(({ port }) => port);
      }
    }
    const reflector = await startReflector();
    closers.push(cleanUpReflector);
    const all = WIRE_CASES.flatMap((one) => SERVERS.map((server) => ({ one, server })));
    prefer(0);
    await runAll(all, WIRES_AT_A_TIME, async ({ one, server }) => {
      const port = ports[server][one.transport === 'tcp' ? 1 : 0];
      found.set(`${one.name} ${server}`, await throughWire(one, server, port, reflector.url));
    });
    console.log(tableOf([...found.values()].flat()));
  });
  afterAll(async () => {
    prefer(0, priority);
    for (const close of closers) await close();
  });

  test.each(SERVERS.flatMap((server) => WIRE_CASES.map(({ name }) => ({ name, server }))))(
    '$name ($server)',
    ({ name, server }) => {
      expectNear(found.get(`${name} ${server}`) ?? []);
    },
  );
});

/** Benches at a time: what measures a rate needs some of the machine. */
const AT_A_TIME = 3;

describeWith('loss by nftables, rate by tbf', labMissing())('between namespaces', () => {
  /** @type {Map<KernelCase, Row[]>} */
  const found = new Map();
  const benches = KERNEL_CASES.map((one) => ({ one, bench: new Bench() }));
  const killAll = () => {
    for (const { bench } of benches) bench.kill();
  };

  beforeAll(async () => {
    process.once('exit', killAll);
    await runAll(benches, AT_A_TIME, async ({ one, bench }) => {
      found.set(one, await bench.run(one));
      await bench.close();
    });
    console.log(tableOf([...found.values()].flat()));
  });
  afterAll(async () => {
    await Promise.all(benches.map(({ bench }) => bench.close()));
    process.off('exit', killAll);
  });

  test.each(KERNEL_CASES)('$name ($server)', (one) => {
    expectNear(found.get(one) ?? []);
  });
});
