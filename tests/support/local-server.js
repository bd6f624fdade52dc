// Programs that serve on loopback for a test: ports of their own, a folder, a life, and what they have said.
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { encode } from '../../js/codec/index.js';

/** Far more than it takes to start or to end: what is awaited longer than that will not come. */
const PATIENCE_MS = 20_000;
const PROBE_EVERY_MS = 20;
const PORT_TRIES = 50;
const START_TRIES = 5;
const LOG_LENGTH = 200_000;

/** What the servers say, each in its own words, when a port is somebody else's. */
const PORT_TAKEN = /address already in use|eaddrinuse/i;

/**
 * Where the blocks of ports lie: below those that systems hand out for port 0 (32768 and up on Linux), so that
 * neither sockets of other tests nor relays are given one of them.
 */
const FIRST_BLOCK = 10_000;
const BLOCKS = 1400;
const BLOCK_SIZE = 16;
const LISTENING_PORTS = { first: 2, count: 4 };
const RELAY_PORTS = { first: 8, count: 8 };

/**
 * @typedef {object} Ports a block that is nobody else's among these tests until it is released
 * @property {number} port an even number; port + 1 is free, too: coturn serves RFC 5780 there
 * @property {number} tlsPort port + 2; port + 3 is free, too
 * @property {readonly number[]} relayPorts eight in a row, the first of them even
 * @property {() => Promise<void>} release
 */

/** @param {string} host */
const socketType = (host) => (host.includes(':') ? 'udp6' : 'udp4');

/** @param {string} host @param {number} port */
async function listenTcp(host, port) {
  const server = createServer().listen({ host, port, exclusive: true });
  await once(server, 'listening');
  return server;
}

/** @param {string} host @param {number} port */
async function listenUdp(host, port) {
  const socket = createSocket(socketType(host));
  socket.bind({ address: host, port, exclusive: true });
  await once(socket, 'listening');
  return socket;
}

/** @param {{ close(done: () => void): unknown }} held */
const close = (held) =>
  new Promise((/** @type {(value?: undefined) => void} */ done) => held.close(() => done()));

/**
 * Takes a block of ports that are free for UDP and TCP on all hosts. A listener on the block's first port,
 * which no server is given, keeps other processes that run these tests away; it goes with the process.
 *
 * @param {readonly string[]} hosts
 * @returns {Promise<Ports>}
 */
export async function reservePorts(hosts) {
  for (let tries = 1; ; tries++) {
    const base = FIRST_BLOCK + BLOCK_SIZE * Math.floor(Math.random() * BLOCKS);
    /** @type {import('node:net').Server | undefined} */
    let reservation;
    /** @type {{ close(done: () => void): unknown }[]} */
    const held = [];
    try {
      reservation = await listenTcp('127.0.0.1', base);
      reservation.unref();
      for (const host of hosts) {
        for (const { first, count } of [LISTENING_PORTS, RELAY_PORTS]) {
          for (let port = base + first; port < base + first + count; port++) {
            held.push(await listenTcp(host, port), await listenUdp(host, port));
          }
        }
      }
    } catch (problem) {
      await Promise.all(held.map(close));
      if (reservation) await close(reservation);
      if (tries === PORT_TRIES) throw problem;
      continue;
    }
    await Promise.all(held.map(close));
    const taken = reservation;
    return {
      port: base + LISTENING_PORTS.first,
      tlsPort: base + LISTENING_PORTS.first + 2,
      relayPorts: Array.from({ length: RELAY_PORTS.count }, (_, i) => base + RELAY_PORTS.first + i),
      release: async () => {
        if (taken.listening) await close(taken);
      },
    };
  }
}

/** Whether a TCP connection can be made. @param {string} host @param {number} port */
export function answersTcp(host, port) {
  return new Promise((/** @type {(answer: boolean) => void} */ resolve) => {
    const socket = connect(port, host);
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** Whether a Binding request is answered, in whatever way. @param {string} host @param {number} port */
export async function answersUdp(host, port) {
  const socket = createSocket(socketType(host));
  try {
    return await new Promise((/** @type {(answer: boolean) => void} */ resolve) => {
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
 * @typedef {object} LocalServer
 * @property {number} port for UDP and TCP
 * @property {number} tlsPort
 * @property {readonly number[]} relayPorts kept free for it; it uses them only if it was told to
 * @property {number | undefined} pid undefined while it is down
 * @property {() => string} log what it has written to stdout and stderr, restarts included
 * @property {(signal?: NodeJS.Signals) => Promise<void>} halt ends the process and keeps the ports; default
 *   SIGTERM. SIGKILL leaves it no time to say goodbye to its clients
 * @property {() => Promise<void>} resume starts it again on the same ports
 * @property {(signal?: NodeJS.Signals) => Promise<void>} restart halt() and resume()
 * @property {() => void} freeze it keeps its sockets and no longer answers, from now on until thaw()
 * @property {() => void} thaw
 * @property {() => Promise<void>} stop idempotent
 */

/**
 * @typedef {object} Program
 * @property {string} name for messages
 * @property {string} command
 * @property {(ports: Ports, folder: string) => readonly string[]} args the folder is the program's working
 *   directory, and goes when it is stopped
 * @property {readonly string[]} hosts addresses it listens on
 * @property {readonly ('udp' | 'tcp' | 'tls')[]} transports what it must answer on before it counts as started
 * @property {Ports} [ports] reserved before; otherwise a block of its own, and another if one turns out taken
 */

/**
 * Starts a server, and waits until it answers on each host and transport.
 *
 * @param {Program} program
 * @returns {Promise<LocalServer>}
 */
export async function startLocalServer(program) {
  for (let tries = 1; ; tries++) {
    const ports = program.ports ?? (await reservePorts(program.hosts));
    const server = new ServerProcess(program, ports);
    try {
      await server.resume();
      return server;
    } catch (problem) {
      await server.stop();
      if (program.ports || tries === START_TRIES || !PORT_TAKEN.test(server.log())) throw problem;
    }
  }
}

/**
 * Whether each thread of a process has stopped; where there is no /proc, as on macOS, it is taken for granted.
 *
 * @param {number} pid
 */
function isStopped(pid) {
  try {
    return readdirSync(`/proc/${pid}/task`).every((thread) => {
      const fields = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'latin1');
      // The state follows the name of the program, which is in parentheses and may hold some.
      return fields.slice(fields.lastIndexOf(')') + 2).startsWith('T');
    });
  } catch {
    return true; // nor does a process or thread run that has just ended
  }
}

/** @implements {LocalServer} */
class ServerProcess {
  #program;
  #ports;
  #folder;
  #args;
  #log = '';
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #child;
  /** So that nothing outlives a test process that ends early. */
  #endNow = () => void this.#child?.kill('SIGKILL');

  /** @param {Program} program @param {Ports} ports */
  constructor(program, ports) {
    this.#program = program;
    this.#ports = ports;
    this.#folder = mkdtempSync(join(tmpdir(), 'postern-server-'));
    this.#args = program.args(ports, this.#folder);
    this.port = ports.port;
    this.tlsPort = ports.tlsPort;
    this.relayPorts = ports.relayPorts;
  }

  get pid() {
    return this.#child?.pid;
  }

  log = () => this.#log;

  resume = async () => {
    if (this.#child) return;
    const { name, command } = this.#program;
    const child = spawn(command, this.#args, {
      cwd: this.#folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    process.once('exit', this.#endNow);
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        said = (said + text).slice(-LOG_LENGTH);
        this.#log = (this.#log + text).slice(-LOG_LENGTH);
      });
    }
    /** @type {string | undefined} */
    let failure;
    child.once('error', (error) => {
      failure = error.message;
    });
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const answers = await this.#answers();
      // Somebody else's server on a port that this one failed to take answers, too.
      if (PORT_TAKEN.test(said)) failure = 'a port is taken';
      else if (child.exitCode !== null || child.signalCode !== null) failure ??= 'it has ended';
      else if (performance.now() > deadline) failure ??= 'it takes too long';
      if (failure === undefined && answers) return;
      if (failure !== undefined) break;
      await wait(PROBE_EVERY_MS);
    }
    await this.halt();
    throw new Error(
      `${name} does not answer: ${failure}. It was started as ${command} ${this.#args.join(' ')}\n${said}`,
    );
  };

  halt = async (/** @type {NodeJS.Signals} */ signal = 'SIGTERM') => {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    process.off('exit', this.#endNow);
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    child.kill('SIGCONT'); // a frozen one would not notice
    const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
    await ended;
    clearTimeout(timer);
  };

  restart = async (/** @type {NodeJS.Signals} */ signal = 'SIGTERM') => {
    await this.halt(signal);
    await this.resume();
  };

  freeze = () => {
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    this.#child?.kill('SIGSTOP');
    // On a busy machine the signal takes its time, and meanwhile the server would answer.
    while (!isStopped(pid));
  };
  thaw = () => void this.#child?.kill('SIGCONT');

  stop = async () => {
    await this.halt();
    await this.#ports.release();
    rmSync(this.#folder, { recursive: true, force: true });
  };

  async #answers() {
    const { hosts, transports } = this.#program;
    for (const host of hosts) {
      if (transports.includes('udp') && !(await answersUdp(host, this.port))) return false;
      if (transports.includes('tcp') && !(await answersTcp(host, this.port))) return false;
      if (transports.includes('tls') && !(await answersTcp(host, this.tlsPort))) return false;
    }
    return true;
  }
}
