// A real coturn on loopback, with a folder, ports and a life of its own.
import { spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe } from '@jest/globals';
import { encode } from '../../js/codec/index.js';

const { stdout: version, error } = spawnSync('turnserver', ['--version'], { encoding: 'utf8' });

const missing = 'turnserver is not installed (Debian: apt-get install coturn)';

if (error && process.env.CI) throw new Error(`${missing}, and in CI nothing is left out.`);

/**
 * describe() where coturn is installed; elsewhere the tests are skipped, and it is said why.
 *
 * @param {string} name
 * @param {() => void} body
 */
export function describeWithCoturn(name, body) {
  if (!error) {
    describe(`coturn ${version.trim()}: ${name}`, body);
    return;
  }
  console.warn(`Skipped, since ${missing}: ${name}`);
  describe.skip(`coturn: ${name}`, body);
}

/**
 * @typedef {object} Coturn
 * @property {number} port for UDP and TCP
 * @property {number} tlsPort
 * @property {number | undefined} pid
 * @property {() => string} log
 * @property {() => Promise<void>} restart on the same ports
 * @property {() => Promise<void>} stop idempotent
 */

/** Far more than it takes to start or to end: what is awaited longer than that will not come. */
const PATIENCE_MS = 20_000;
const PROBE_EVERY_MS = 20;
const PORT_TRIES = 20;

/** @param {string} host @param {number} port */
async function listenTcp(host, port) {
  const server = createServer().listen({ host, port, exclusive: true });
  await once(server, 'listening');
  return server;
}

/** @param {string} host @param {number} port */
async function listenUdp(host, port) {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  socket.bind({ address: host, port, exclusive: true });
  await once(socket, 'listening');
  return socket;
}

/**
 * The first of `count` neighbouring ports that are free for UDP and TCP on all `hosts`.
 *
 * @param {readonly string[]} hosts
 * @param {number} count
 */
async function freePorts(hosts, count) {
  for (let tries = 1; ; tries++) {
    /** @type {{ close(done: () => void): unknown }[]} */
    const held = [];
    try {
      const first = await listenTcp(hosts[0], 0);
      held.push(first);
      const { port } = /** @type {import('node:net').AddressInfo} */ (first.address());
      for (const host of hosts) {
        for (let i = 0; i < count; i++) {
          if (host !== hosts[0] || i > 0) held.push(await listenTcp(host, port + i));
          held.push(await listenUdp(host, port + i));
        }
      }
      return port;
    } catch (problem) {
      if (tries === PORT_TRIES) throw problem;
    } finally {
      await Promise.all(held.map((one) => new Promise((done) => one.close(() => done(undefined)))));
    }
  }
}

/** Whether a TCP connection can be made. @param {string} host @param {number} port */
function answersTcp(host, port) {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** Whether a Binding request is answered, in whatever way. @param {string} host @param {number} port */
async function answersUdp(host, port) {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  try {
    return await new Promise((resolve) => {
      socket.once('message', () => resolve(true)).once('error', () => resolve(false));
      socket.connect(port, host, () =>
        socket.send(encode({ class: 'request', method: 'Binding' })),
      );
      void wait(PROBE_EVERY_MS).then(() => resolve(false));
    });
  } finally {
    socket.close();
  }
}

/**
 * Starts coturn, and waits until it answers.
 *
 * @param {object} [options]
 * @param {readonly string[]} [options.hosts] addresses to listen on; default 127.0.0.1 and ::1. With several it
 *   opens the next port too, for the tests of RFC 5780
 * @param {readonly string[]} [options.args] more arguments
 * @param {{ certificate: string, key: string }} [options.tls] files; TLS is off when left out
 * @returns {Promise<Coturn>}
 */
export async function startCoturn({ hosts = ['127.0.0.1', '::1'], args = [], tls } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'postern-coturn-'));
  const port = await freePorts(hosts, 4);
  const tlsPort = port + 2;
  const secure = tls
    ? [
        '--tls-listening-port',
        String(tlsPort),
        '--cert',
        tls.certificate,
        '--pkey',
        tls.key,
        '--no-dtls',
      ]
    : ['--no-tls', '--no-dtls'];
  const all = [
    '-n', // no configuration file of the system
    '--no-cli',
    ...hosts.flatMap((host) => ['-L', host, '-E', host]),
    ...['-p', String(port), '-r', 'example.org'],
    ...['-l', 'stdout', '--simple-log'],
    ...['--pidfile', join(folder, 'turn.pid'), '--db', join(folder, 'turndb')],
    ...secure,
    ...args,
  ];

  let log = '';
  /** @type {import('node:child_process').ChildProcess | undefined} */
  let child;
  const end = () => void child?.kill('SIGKILL');

  const isReady = async () => {
    for (const host of hosts) {
      if (!(await answersUdp(host, port)) || !(await answersTcp(host, port))) return false;
      if (tls && !(await answersTcp(host, tlsPort))) return false;
    }
    return true;
  };

  const start = async () => {
    const started = spawn('turnserver', all, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    child = started;
    process.once('exit', end);
    for (const stream of [started.stdout, started.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        log += text;
      });
    }
    const deadline = performance.now() + PATIENCE_MS;
    while (!(await isReady())) {
      if (started.exitCode !== null || performance.now() > deadline) {
        await stop();
        throw new Error(
          `coturn does not answer. It was started as turnserver ${all.join(' ')}\n${log}`,
        );
      }
      await wait(PROBE_EVERY_MS);
    }
  };

  const endChild = async () => {
    if (child === undefined) return;
    const ending = child;
    child = undefined;
    process.off('exit', end);
    if (ending.exitCode !== null || ending.signalCode !== null) return;
    const ended = once(ending, 'exit');
    ending.kill('SIGTERM');
    const timer = setTimeout(() => ending.kill('SIGKILL'), PATIENCE_MS);
    await ended;
    clearTimeout(timer);
  };
  const stop = async () => {
    await endChild();
    rmSync(folder, { recursive: true, force: true });
  };

  await start();
  return {
    port,
    tlsPort,
    get pid() {
      return child?.pid;
    },
    log: () => log,
    async restart() {
      await endChild();
      await start();
    },
    stop,
  };
}
