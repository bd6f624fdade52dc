// A laboratory in which quality is measured: the measuring host, two routers that lose packets or are slow, and a server.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from '@jest/globals';
import { countLost, limitRate, losePackets } from '../support/impairments.js';
import { KINDS, NatLab, SERVER_ADDRESSES } from '../support/nat-lab.js';
import { measureUntilNear, prefer } from './quality-lab-numbers.js';

/** @typedef {import('../../js/report/measurements/types.js').QualityMeasurement} QualityMeasurement */
/** @typedef {import('./quality-lab-numbers.js').Row} Row */

const PORT = 3478;
export const USER = { username: 'user', credential: 'pass' };
export const QUALITY = {
  seconds: 6,
  packetsPerSecond: 50,
  payloadBytes: 160,
  throughputSeconds: 0,
  maxKbps: 4000,
};
/** ChannelData. */
export const TURN_HEADER = 4;
/** Of packets that try how much a path takes, where that is not little. */
export const LOAD_BYTES = 1200;
export const DATA_BYTES = QUALITY.payloadBytes + TURN_HEADER;
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
 * @property {'postern' | 'coturn'} server
 * @property {number} [loss] share, each way
 * @property {{ way: 'up' | 'down', kbps: number, queueMs: number }} [rate]
 */

const script = (/** @type {string} */ name) => fileURLToPath(new URL(name, import.meta.url));

/**
 * Of what went up, the share that was lost there or on the way down.
 *
 * @param {ReturnType<typeof countLost> | undefined} before
 * @param {ReturnType<typeof countLost>} after
 */
function lossBetween(before, { up, down }) {
  const { up: upBefore = { all: 0, lost: 0 }, down: downBefore = { lost: 0 } } = before ?? {};
  return (up.lost - upBefore.lost + down.lost - downBefore.lost) / (up.all - upBefore.all);
}

/** A laboratory: the measuring host, two routers, and a server. */
export class Bench {
  lab = new NatLab();
  folder = mkdtempSync(join(tmpdir(), 'postern-quality-'));
  #isClosed = false;
  /** @type {import('node:child_process').ChildProcess[]} */ children = [];

  /** @param {KernelCase} one @returns {Promise<Row[]>} */
  async run(one) {
    const { server, loss, rate } = one;
    this.lab.open().setKind(KINDS.none);
    if (loss) losePackets(this.lab, 'inner', { share: loss, bytes: DATA_BYTES });
    if (rate) limitRate(this.lab, 'inner', rate);
    await (server === 'coturn' ? this.#startCoturn() : this.#startServer());
    return measureUntilNear(() => this.#measure(one));
  }

  /** @param {KernelCase} one @returns {Promise<Row[]>} */
  async #measure({ name, server, transport = 'udp', rate }) {
    const before = rate ? undefined : countLost(this.lab, 'inner');
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
    return [
      {
        what,
        unit: '% loss',
        injected: 100 * lossBetween(before, countLost(this.lab, 'inner')),
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
