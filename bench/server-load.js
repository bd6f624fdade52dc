// What loads the servers: the program in native/load, and the requests that make its relays.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { LineChild } from './line-child.js';

// 'postern/codec' in Node; by its path, because bench/ is a package of its own.
const CODEC = new URL('../dist/codec.inline.js', import.meta.url).href;
/** @type {typeof import('../js/codec/index.js')} */
const { decode, encode, prepareKey } = await import(CODEC);

const SOURCES = join(import.meta.dirname, 'native', 'load');
const BUILT = join(import.meta.dirname, '..', 'build', 'bench');
const PROGRAM = join(BUILT, 'server_load');

const UDP = 17;
const CHANNEL = 0x4000;
/** Of ChannelData (RFC 8656 section 12.4). */
const CHANNEL_HEAD_BYTES = 4;
const ANSWER_MS = 10_000;
/** Beyond the time that a run may take. */
const RUN_MS = 120_000;

/**
 * Builds the program where that is needed.
 *
 * @param {(sentence: string) => void} say
 * @returns {string | undefined} why it is not there, as a clause, or undefined when it is
 */
export function buildLoad(say) {
  const sources = readdirSync(SOURCES).map((name) => join(SOURCES, name));
  const newest = Math.max(...sources.map((path) => statSync(path).mtimeMs));
  if (existsSync(PROGRAM) && statSync(PROGRAM).mtimeMs > newest) return undefined;
  say('building bench/native/load');
  mkdirSync(BUILT, { recursive: true });
  const files = sources.filter((path) => path.endsWith('.cpp'));
  const args = ['-std=c++20', '-O2', ...files, '-o', PROGRAM];
  const { status } = spawnSync('g++', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  return status === 0 ? undefined : 'g++ could not build bench/native/load';
}

/** @typedef {{ address: string, port: number, path?: string }} At with a path: a WebSocket */
/** @typedef {{ username: string, password: string }} User */
/** @typedef {{ round_trips: number, lost: number, elapsed_us: number, p50_us: number, p99_us: number }} LoadTimes */

/** @typedef {'channel' | 'send'} Mode ChannelData, or Send and Data indications */

/** Clients of one server, and their peer. */
export class Load {
  #child;
  #sockets = 0;
  /** Of each socket with a relay. @type {Map<number, { key: any, signed: any }>} */
  #relays = new Map();

  static async start() {
    return new Load(await LineChild.start(PROGRAM, []));
  }

  /** @param {LineChild} child */
  constructor(child) {
    this.#child = child;
    const [address, port] = /** @type {any} */ (child.hello).peer.split(':');
    /** Where everything has to go. @type {At} */
    this.peer = { address, port: Number(port) };
  }

  /** @param {At} server @returns {Promise<number>} a socket more */
  async #open({ address, port, path = '' }) {
    await this.#child.ask(`open 1 ${address} ${port} ${path}`, ANSWER_MS);
    return this.#sockets++;
  }

  /** @param {number} socket @param {Uint8Array} bytes @returns {Promise<Buffer>} the first datagram that comes */
  async #ask(socket, bytes) {
    const sent = Buffer.from(bytes).toString('hex');
    const { hex } = await this.#child.ask(`ask ${socket} ${sent}`, ANSWER_MS);
    return Buffer.from(hex, 'hex');
  }

  /**
   * @param {number} socket
   * @param {import('../js/codec/encode.js').MessageInput['method']} method
   * @param {any} attributes
   * @param {{ key?: any, expected?: 'success' | 'error' }} [options]
   * @returns {Promise<any>} attributes of the answer
   */
  async #request(socket, method, attributes, { key, expected = 'success' } = {}) {
    const answer = decode(
      await this.#ask(socket, encode({ class: 'request', method, attributes, key })),
    );
    if (answer.class === expected) return answer.attributes;
    const { code, reason } = /** @type {any} */ (answer.attributes.errorCode ?? {});
    throw new Error(`${method} was answered with: ${answer.class} ${code ?? ''} ${reason ?? ''}`);
  }

  /** @param {number} count relays, each on a socket of its own @param {At} server @param {User} user */
  async allocate(count, server, { username, password }) {
    for (let i = 0; i < count; i += 1) {
      const socket = await this.#open(server);
      const wanted = { requestedTransport: UDP };
      const { realm, nonce } = await this.#request(socket, 'Allocate', wanted, {
        expected: 'error',
      });
      const key = prepareKey({ username, realm, password, algorithm: 'MD5' });
      const signed = { username, realm, nonce };
      await this.#request(socket, 'Allocate', { ...signed, ...wanted }, { key });
      this.#relays.set(socket, { key, signed });
    }
  }

  /** Sockets to something that only forwards. @param {number} count @param {At} server */
  async connect(count, server) {
    for (let i = 0; i < count; i += 1) await this.#open(server);
  }

  /**
   * Binds channels, or makes permissions; shows with a message of each socket that the way to the peer and back is
   * open, and where in what comes back the message is. Then all of them take part in runs.
   *
   * @param {Mode} mode
   * @param {number} payload bytes of a message, a multiple of 4
   */
  async open(mode, payload) {
    if (this.#sockets === 0) throw new Error('there are no sockets');
    const message = Buffer.from(Array.from({ length: payload }, (_, i) => (i * 7 + 5) & 0xff));
    for (let socket = 0; socket < this.#sockets; socket += 1) {
      const relay = this.#relays.get(socket);
      const head = relay ? await this.#permit(socket, relay, mode, message) : Buffer.alloc(0);
      const back = await this.#ask(socket, Buffer.concat([head, message]));
      const offset = back.indexOf(message);
      if (offset < 0) throw new Error('the first message did not come back');
      const command = `head ${socket} ${back.length} ${offset} ${head.toString('hex')}`;
      await this.#child.ask(command, ANSWER_MS);
    }
  }

  /**
   * @param {number} socket
   * @param {{ key: any, signed: any }} relay
   * @param {Mode} mode
   * @param {Buffer} message
   * @returns {Promise<Buffer>} what stands before the message
   */
  async #permit(socket, { key, signed }, mode, message) {
    const xorPeerAddress = this.peer;
    if (mode === 'channel') {
      const binding = { ...signed, channelNumber: CHANNEL, xorPeerAddress };
      await this.#request(socket, 'ChannelBind', binding, { key });
      const head = Buffer.alloc(CHANNEL_HEAD_BYTES);
      head.writeUInt16BE(CHANNEL);
      head.writeUInt16BE(message.length, 2);
      return head;
    }
    await this.#request(socket, 'CreatePermission', { ...signed, xorPeerAddress }, { key });
    const attributes = { xorPeerAddress, data: message };
    const whole = Buffer.from(encode({ class: 'indication', method: 'Send', attributes }));
    if (!whole.subarray(-message.length).equals(message)) {
      throw new Error('DATA is not the last of the Send indication');
    }
    return whole.subarray(0, -message.length);
  }

  /** Asks each relay whether it is still there. @returns {Promise<number>} how many are */
  async refresh() {
    let there = 0;
    for (const [socket, { key, signed }] of this.#relays) {
      try {
        const { lifetime } = await this.#request(socket, 'Refresh', signed, { key });
        if (lifetime > 0) there += 1;
      } catch {} // told by the number
    }
    return there;
  }

  /** Gives all relays back. */
  async release() {
    for (const [socket, { key, signed }] of this.#relays) {
      await this.#request(socket, 'Refresh', { ...signed, lifetime: 0 }, { key });
    }
    this.#relays.clear();
  }

  /**
   * @param {number} count there and back, in all
   * @param {number} inFlight
   * @param {number} payload as for open()
   * @returns {Promise<LoadTimes>}
   */
  run(count, inFlight, payload) {
    return this.#child.ask(`run ${count} ${inFlight} ${payload}`, RUN_MS);
  }

  kill() {
    this.#child.kill();
  }
}
