// What the relayed echoes go through: coturn and a peer, each a process of its own.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { coturnVersion, startCoturn } from '../tests/support/coturn.js';
import { onInterruption } from './interruption.js';
import { LineChild } from './line-child.js';

const USER = 'bench';
const PASSWORD = 'relayed echo';
const REALM = 'example.org';
const IMPL = join(import.meta.dirname, 'impl');
/** A program that takes longer than this hangs. */
const PATIENCE_MS = 120_000;

/** Why there is no relay to measure, as a clause, or undefined where there is one. */
export const relaysMissing =
  coturnVersion === undefined
    ? 'coturn is not installed (Debian: apt-get install coturn)'
    : undefined;

/** @typedef {{ command: string, args: string[] }} Program */

/** @param {string} file of impl/ @param {readonly string[]} [flags] of Node's @returns {Program} */
export const nodeProgram = (file, flags = []) => ({
  command: process.execPath,
  args: [...flags, join(IMPL, file)],
});

/**
 * Runs a program to its end.
 *
 * @param {Program} program
 * @param {readonly string[]} args more of them
 * @returns {Promise<any>} the line of JSON that it prints
 */
export function runProgram({ command, args: first }, args) {
  const child = spawn(command, [...first, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: PATIENCE_MS,
  });
  const forget = onInterruption(() => child.kill());
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    printed += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      forget();
      if (code === 0) resolve(JSON.parse(printed));
      else reject(new Error(`ended (${signal ?? code})`));
    });
  });
}

/** @param {string} file @param {readonly string[]} [args] */
async function startPeer(file, args = []) {
  const program = nodeProgram(file);
  const child = await LineChild.start(program.command, [...program.args, ...args]);
  const { address, port } = /** @type {any} */ (child.hello);
  return { child, at: `${address}:${port}` };
}

export class RelayServers {
  #coturn;
  #children;
  #forget;

  /**
   * @param {import('../tests/support/coturn.js').Coturn} coturn
   * @param {Awaited<ReturnType<typeof startPeer>>} peer
   * @param {Awaited<ReturnType<typeof startPeer>>} forwarder
   * @param {() => void} forget that an interruption is to stop coturn
   */
  constructor(coturn, peer, forwarder, forget) {
    this.#coturn = coturn;
    this.#forget = forget;
    this.#children = [forwarder.child, peer.child];
    /** Arguments of impl/relay-memory.js. */
    this.credentials = [`127.0.0.1:${coturn.port}`, USER, PASSWORD];
    /** Where the echo is. */
    this.peer = peer.at;
    /** The same through a UDP hop without TURN. */
    this.forwarder = forwarder.at;
  }

  static async start() {
    const starting = startCoturn({
      hosts: ['127.0.0.1'],
      transports: ['udp'],
      realm: REALM,
      users: { [USER]: PASSWORD },
    });
    const forget = onInterruption(async () => (await starting).stop());
    const coturn = await starting;
    /** @type {Awaited<ReturnType<typeof startPeer>> | undefined} */
    let peer;
    try {
      peer = await startPeer('echo-peer.js');
      const forwarder = await startPeer('udp-forwarder.js', [peer.at]);
      return new RelayServers(coturn, peer, forwarder, forget);
    } catch (error) {
      peer?.child.kill();
      await coturn.stop();
      forget();
      throw error;
    }
  }

  /** Flags of echo-client.js. */
  get flags() {
    const [server] = this.credentials;
    return ['--server', server, '--user', USER, '--password', PASSWORD, '--realm', REALM];
  }

  async stop() {
    for (const child of this.#children) child.kill();
    await this.#coturn.stop();
    this.#forget();
  }
}
