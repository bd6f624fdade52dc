// Quality through a relay, against what was done to the path: each number that is reported beside what was injected.
//
// What is sent in a circle crosses the path twice, up and down. So a round trip is the sum of the delays each way, and of
// two losses p and q it loses 1 - (1 - p)(1 - q).
import { getPriority } from 'node:os';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { measureQuality } from '../../js/measure/quality/measure-quality.js';
import { openReflector } from '../../js/measure/reflector/open-reflector.js';
import { createServer } from '../../js/server/index.js';
import { cleanUp as cleanUpReflector, startReflector } from '../js/reflector/support.js';
import { coturnVersion, startCoturn } from '../support/coturn.js';
import { labMissing } from '../support/nat-lab.js';
import { startWire } from '../support/wire.js';
import { describeWith } from './describe-with.js';
import { Bench, DATA_BYTES, LOAD_BYTES, QUALITY, TURN_HEADER, USER } from './quality-lab-bench.js';
import {
  countReordered,
  delaysOf,
  isNear,
  jitterOf,
  measureUntilNear,
  median,
  prefer,
  runAll,
  tableOf,
} from './quality-lab-numbers.js';

/** @typedef {import('../../js/report/measurements/types.js').QualityMeasurement} QualityMeasurement */
/** @typedef {import('../support/wire.js').Impairment} Impairment */
/** @typedef {import('./quality-lab-bench.js').KernelCase} KernelCase */
/** @typedef {import('./quality-lab-numbers.js').Row} Row */
/** @typedef {import('../support/wire.js').Wire} Wire */

jest.setTimeout(120_000);

const HOST = '127.0.0.1';
const SERVERS = /** @type {const} */ (
  coturnVersion === undefined ? ['postern'] : ['postern', 'coturn']
);

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
        injected: jitterOf(up.map(({ atMs }, i) => down[i].sentMs[0] - atMs)),
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
  // Data on a channel (RFC 8656 section 12).
  const isMeasured = (/** @type {Uint8Array} */ data) =>
    data.length === DATA_BYTES && data[0] >> 4 === 4;
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

/** @type {KernelCase[]} */
const KERNEL_CASES = SERVERS.flatMap((server) => [
  { name: '5 % lost each way', server, loss: 0.05 },
  { name: '1,000 kbit/s up', server, rate: { way: 'up', kbps: 1000, queueMs: 100 } },
  { name: '2,000 kbit/s down', server, rate: { way: 'down', kbps: 2000, queueMs: 100 } },
  {
    name: '1,500 kbit/s up, over TCP',
    server,
    transport: 'tcp',
    // What is lost in a short queue halts a stream.
    rate: { way: 'up', kbps: 1500, queueMs: 400 },
  },
]);

const WIRES_AT_A_TIME = 5;

/** Fails with the table of what is too far off. @param {Row[]} rows */
function expectNear(rows) {
  expect(rows.length).toBeGreaterThan(0);
  const wrong = rows.filter((row) => !isNear(row));
  expect(wrong.length === 0 ? '' : tableOf(wrong)).toBe('');
}

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
      const measure = () => throughWire(one, server, port, reflector.url);
      found.set(`${one.name} ${server}`, await measureUntilNear(measure));
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
const AT_A_TIME = 4;

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
