// The servers that are loaded: each a process of its own, whose processor, memory and sockets are read from /proc.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { coturnVersion, startCoturn } from '../tests/support/coturn.js';
import { onInterruption } from './interruption.js';
import { LineChild } from './line-child.js';
import { installPeers } from './peers.js';

const SERVERS = join(import.meta.dirname, 'servers');
const DIST = join(import.meta.dirname, '..', 'dist');
const HOST = '127.0.0.1';
const REALM = 'example.org';
export const USER = { username: 'bench', password: 'relayed load' };
const ANSWER_MS = 20_000;
const NS_PER_US = 1000;
const BYTES_PER_KIB = 1024;

/** @typedef {import('./server-load.js').At} At */
/** @typedef {{ rss: number, sockets: number, heapUsed?: number, stats?: any }} Held bytes; `sockets`: open files */

/**
 * @typedef {object} Server
 * @property {At} at
 * @property {string} version
 * @property {boolean} relays false: it only forwards
 * @property {() => number} cpuUs of all its threads, in microseconds
 * @property {() => Promise<Held>} held after a garbage collection where it has one
 * @property {() => Promise<void> | void} stop
 */

/** Of all threads that still are, to the nanosecond, which /proc/PID/stat has not. @param {number} pid */
function cpuUs(pid) {
  let ns = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      ns += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')[0]);
    } catch {} // it has just ended
  }
  return ns / NS_PER_US;
}

/** @param {number} pid @returns {Held} */
function heldBy(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const kib = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]);
  return { rss: kib * BYTES_PER_KIB, sockets: readdirSync(`/proc/${pid}/fd`).length };
}

/**
 * @param {string} file of servers/
 * @param {At} peer
 * @param {{ relays: boolean, option?: string }} how
 * @returns {Promise<Server>}
 */
async function startProgram(file, peer, { relays, option = '' }) {
  const { username, password } = USER;
  const to = `${peer.address}:${peer.port}`;
  const args = ['--expose-gc', join(SERVERS, file), username, password, REALM, to, option];
  const child = await LineChild.start(process.execPath, args);
  const { address, port, path, version } = /** @type {any} */ (child.hello);
  const pid = Number(child.process.pid);
  return {
    at: { address, port, path },
    version,
    relays,
    cpuUs: () => cpuUs(pid),
    held: async () => ({ ...(await child.ask('held', ANSWER_MS)), ...heldBy(pid) }),
    stop: () => child.kill(),
  };
}

/** @returns {Promise<Server>} */
async function startCoturnServer() {
  const { username, password } = USER;
  const starting = startCoturn({
    hosts: [HOST],
    transports: ['udp'],
    realm: REALM,
    users: { [username]: password },
  });
  const forget = onInterruption(async () => (await starting).stop());
  const coturn = await starting;
  const pid = Number(coturn.pid);
  return {
    at: { address: HOST, port: coturn.port },
    version: `coturn ${coturnVersion}`,
    relays: true,
    cpuUs: () => cpuUs(pid),
    held: async () => heldBy(pid),
    stop: async () => {
      await coturn.stop();
      forget();
    },
  };
}

/**
 * @typedef {object} Contender
 * @property {string} name
 * @property {string} [reason] why it cannot be started
 * @property {(peer: At) => Promise<Server>} start
 */

/** @type {Record<string, string>} */
export const NOTES = {
  dgram: 'no protocol, the same sockets',
  coturn: 'one thread for each core',
  'ws-echo': 'no server behind it: sends back what it is sent',
  'ws-dgram': 'no gateway: a socket for each WebSocket, nothing is looked at',
  'postern-server': 'no gateway: the server takes WebSockets itself',
};
/** @type {Record<string, Partial<Record<import('./server-load.js').Mode, string>>>} */
const CANNOT = { 'node-turn': { channel: 'it takes no ChannelData from clients' } };

/** Why it is not measured, empty where it is. @param {Contender} contender @param {import('./server-load.js').Mode} mode */
export function skipped({ name, reason }, mode) {
  const why = reason ?? CANNOT[name]?.[mode];
  return why === undefined ? '' : `skipped: ${why}`;
}

const coturnMissing = coturnVersion === undefined ? 'coturn is not installed' : undefined;

/** @param {string} file */
const missingEntry = (file) =>
  existsSync(join(DIST, file)) ? undefined : `dist/${file} is not there`;

/** @param {(sentence: string) => void} say @returns {Contender[]} ours first */
export function serverContenders(say) {
  const peersMissing = installPeers(say);
  /** @param {string} name @param {string | undefined} reason @returns {Contender} */
  const program = (name, reason, relays = true) => ({
    name,
    reason,
    start: (peer) => startProgram(`${name}.js`, peer, { relays }),
  });
  return [
    program('postern', missingEntry('server.js')),
    program('dgram', undefined, false),
    {
      name: 'coturn',
      reason: coturnMissing,
      start: startCoturnServer,
    },
    program('node-turn', peersMissing),
    program('turn-server', peersMissing),
  ];
}

/**
 * A program with coturn behind it, which is told where that is; only the program is measured.
 *
 * @param {string} file of servers/
 * @param {At} peer
 * @returns {Promise<Server>}
 */
async function startBefore(file, peer) {
  const coturn = await startCoturnServer();
  try {
    const option = `${coturn.at.address}:${coturn.at.port}`;
    const server = await startProgram(file, peer, { relays: true, option });
    return {
      ...server,
      stop: async () => {
        await server.stop();
        await coturn.stop();
      },
    };
  } catch (error) {
    await coturn.stop();
    throw error;
  }
}

/** For clients over WebSocket. @returns {Contender[]} ours first */
export const gatewayContenders = () => [
  {
    name: 'postern',
    reason: missingEntry('gateway.js') ?? coturnMissing,
    start: (peer) => startBefore('gateway.js', peer),
  },
  {
    name: 'ws-echo',
    start: (peer) => startProgram('ws-echo.js', peer, { relays: false }),
  },
  {
    name: 'ws-dgram',
    reason: coturnMissing,
    start: (peer) => startBefore('ws-dgram.js', peer),
  },
  {
    name: 'postern-server',
    reason: missingEntry('server.js'),
    start: (peer) => startProgram('postern.js', peer, { relays: true, option: 'ws' }),
  },
];
