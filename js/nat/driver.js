// Drives one NAT discovery: opens the sockets that the core asks for, carries what they send and hear, and wakes it.

import { PLATFORM_CLOCK } from '../clock.js';
import { AddressPacker, NO_ADDRESS, PeerBook } from '../engine/addresses.js';
import { engineError } from '../engine/engine-error.js';
import { Inbox } from '../engine/inbox.js';
import { HEAD, HEAD_WORDS } from '../engine/layout.js';
import { writeOpen } from '../engine/requests.js';
import { copyOut } from '../engine/slab.js';
import { codeOf } from '../system-error.js';
import { NatCore } from './core.js';
import {
  NAT_DONE_WORDS,
  NAT_INPUT,
  NAT_OUTPUT,
  NAT_PLACE,
  NAT_PLACE_WORDS,
  NAT_STATS,
  NAT_TEST_WORDS,
} from './layout.js';
import { readDone, readTest } from './read-records.js';

/** @typedef {import('../address.js').TransportAddress} TransportAddress */
/** @typedef {import('../engine/client-types.js').ClientSettings} ClientSettings */
/** @typedef {import('../transports/transport.js').Transport} Transport */
/** @typedef {import('./read-records.js').NatDone} NatDone */
/** @typedef {import('./read-records.js').NatTest} NatTest */

/**
 * @typedef {object} DiscoverySettings
 * @property {ClientSettings & { fingerprint: boolean }} client
 * @property {boolean} confirms
 * @property {number} longestWaitMs 0: the lifetime is not measured
 */

/**
 * Opens a socket: over TCP, connected to `remote` from `localPort`, where that is given.
 *
 * @typedef {(remote: TransportAddress | undefined, localPort: number | undefined) => Promise<Transport>} OpenSocket
 */

/** What connect() of Node.js fails with where a second connection may not share a local port. */
const LOCAL_PORT_TAKEN = new Set(['EADDRINUSE', 'EADDRNOTAVAIL']);

export class NatDriver {
  #core = new NatCore(() => this.#fail(this.#core.lossError()));
  #inbox = new Inbox(this.#core);
  #addresses = new AddressPacker(this.#core);
  #places = new PeerBook(this.#core);
  #openSocket;
  #onTest;
  #clock;
  /** @type {Map<number, Transport>} */ #sockets = new Map();
  /** Those of all sockets that there were: a NAT may still know them. @type {Set<number>} */ #ports =
    new Set();
  /** @type {(() => void)[]} */ #tasks = [];
  /** @type {any} */ #timer;
  #isRunning = false;
  #isOver = false;
  /** @type {NatTest[]} */ #tests = [];
  /** @type {(done: NatDone) => void} */ #resolve = () => {};
  /** @type {(error: unknown) => void} */ #reject = () => {};

  /**
   * @param {OpenSocket} openSocket
   * @param {(test: NatTest) => void} onTest a test has begun, or ended
   * @param {import('../clock.js').Clock} [clock] that of the sockets
   */
  constructor(openSocket, onTest, clock = PLATFORM_CLOCK) {
    this.#clock = clock;
    this.#openSocket = openSocket;
    this.#onTest = onTest;
  }

  /** In their order. */
  get tests() {
    return this.#tests;
  }

  /** Packets that were dropped, by reason. */
  stats() {
    const core = this.#core;
    const count = core.guard((call) => call.stats()) ?? 0;
    const start = core.outbox >> 3;
    return Object.fromEntries(
      NAT_STATS.map((name, i) => [name, i < count ? core.floats[start + i] : 0]),
    );
  }

  /**
   * From the first socket to the last, which are closed then.
   *
   * @param {DiscoverySettings} settings
   * @param {AbortSignal | undefined} signal
   * @returns {Promise<NatDone>}
   */
  async run({ client, confirms, longestWaitMs }, signal) {
    signal?.throwIfAborted();
    const abort = () => this.#fail(signal?.reason);
    try {
      return await new Promise((resolve, reject) => {
        this.#resolve = resolve;
        this.#reject = reject;
        signal?.addEventListener('abort', abort, { once: true });
        const core = this.#core;
        const bytes = writeOpen(
          /** @type {any} */ (core),
          this.#addresses.pack(client.server.address),
          client,
        );
        const result = core.guard((call) =>
          call.open(this.#clock.now(), bytes, confirms ? 1 : 0, longestWaitMs),
        );
        if (result === undefined) throw core.lossError();
        if (result < 0) throw engineError(-result);
        this.#work();
      });
    } finally {
      this.#end();
      signal?.removeEventListener('abort', abort);
    }
  }

  /** @param {unknown} error */
  #fail(error) {
    this.#end();
    this.#reject(error);
  }

  #end() {
    this.#isOver = true;
    this.#clock.clearTimeout(this.#timer);
    for (const transport of this.#sockets.values()) transport.close();
    this.#sockets.clear();
    this.#tasks = [];
  }

  /**
   * @param {number} input one of NAT_INPUT
   * @param {number} socket
   * @param {Uint8Array} [bytes]
   * @param {{ address: string, port: number }} [address]
   */
  #push(input, socket, bytes = new Uint8Array(), address = undefined) {
    if (this.#isOver) return;
    const packed = address === undefined ? NO_ADDRESS : this.#addresses.pack(address.address);
    if (bytes.length + packed.bytes > this.#inbox.room) this.#process();
    if (bytes.length + packed.bytes > this.#inbox.room) return;
    this.#inbox.push(input, socket, bytes, address?.port ?? 0, packed);
    this.#work();
  }

  /** What the core has to say may lead to more. */
  #work() {
    if (this.#isRunning) return;
    this.#isRunning = true;
    do {
      this.#process();
      for (let task = this.#tasks.shift(); task !== undefined; task = this.#tasks.shift()) task();
    } while (!this.#isOver && !this.#inbox.isEmpty);
    this.#isRunning = false;
    this.#arm();
  }

  #process() {
    const core = this.#core;
    let bytes = this.#inbox.take();
    do {
      this.#read(core.process(bytes, this.#clock.now()));
      bytes = 0;
    } while (core.death === undefined && core.hasMore);
    this.#inbox.forgetInputs();
  }

  #arm() {
    this.#clock.clearTimeout(this.#timer);
    if (this.#isOver || this.#core.nextTimeout === Infinity) return;
    const wait = Math.max(0, Math.ceil(this.#core.nextTimeout - this.#clock.now()));
    this.#timer = this.#clock.setTimeout(() => this.#work(), wait);
  }

  /** @param {number} count of records in the outbox */
  #read(count) {
    const core = this.#core;
    let word = core.outbox >> 2;
    for (let i = 0; i < count; i += 1) {
      const kind = core.words[word + HEAD.kind];
      const socket = core.words[word + HEAD.handle];
      const payloadBytes = core.words[word + HEAD.payloadBytes];
      word += this.#readRecord(kind, socket, word, payloadBytes) + ((payloadBytes + 3) >> 2);
    }
  }

  /**
   * @param {number} kind
   * @param {number} socket
   * @param {number} word
   * @param {number} payloadBytes
   * @returns {number} words of the record
   */
  #readRecord(kind, socket, word, payloadBytes) {
    const core = this.#core;
    if (kind === NAT_OUTPUT.transmit) {
      const bytes = copyOut(core, (word + NAT_PLACE_WORDS) * 4, payloadBytes);
      const to = this.#readPlace(word);
      this.#tasks.push(() => this.#send(socket, bytes, to));
      return NAT_PLACE_WORDS;
    }
    if (kind === NAT_OUTPUT.openSocket) {
      const remote = this.#readPlace(word);
      const samePortAs = core.words[word + NAT_PLACE.samePortAs];
      this.#tasks.push(() => void this.#open(socket, remote, samePortAs));
      return NAT_PLACE_WORDS;
    }
    if (kind === NAT_OUTPUT.test) {
      const { id, test } = readTest(core, word);
      this.#tests[id] = test;
      this.#tasks.push(() => this.#onTest(test));
      return NAT_TEST_WORDS;
    }
    if (kind === NAT_OUTPUT.done) {
      const done = readDone(core, word);
      this.#tasks.push(() => {
        this.#end();
        this.#resolve(done);
      });
      return NAT_DONE_WORDS;
    }
    this.#tasks.push(() => this.#close(socket));
    return HEAD_WORDS;
  }

  /** @param {number} word @returns {TransportAddress | undefined} */
  #readPlace(word) {
    const { words } = this.#core;
    const addressBytes = words[word + NAT_PLACE.addressBytes];
    if (addressBytes === 0) return undefined;
    return this.#places.peer(word + NAT_PLACE.address, addressBytes, words[word + NAT_PLACE.port]);
  }

  /** @param {number} socket @param {Uint8Array} bytes @param {TransportAddress | undefined} to */
  #send(socket, bytes, to) {
    const transport = this.#sockets.get(socket);
    try {
      if (transport?.framed) transport.send(bytes, to);
      else transport?.send(bytes);
    } catch {
      // An address that this machine's sockets do not take.
      this.#push(NAT_INPUT.sendFailed, socket);
    }
  }

  /** @param {number} socket @param {TransportAddress | undefined} remote @param {number} samePortAs */
  async #open(socket, remote, samePortAs) {
    const localPort = this.#sockets.get(samePortAs)?.localAddress.port;
    let transport;
    try {
      transport = await this.#openFresh(remote, localPort);
    } catch (error) {
      const code = codeOf(/** @type {{ cause?: unknown }} */ (error).cause) ?? '';
      const isTaken = localPort !== undefined && LOCAL_PORT_TAKEN.has(code);
      this.#push(isTaken ? NAT_INPUT.localPortTaken : NAT_INPUT.closed, socket);
      return;
    }
    if (this.#isOver) {
      transport.close();
      return;
    }
    this.#sockets.set(socket, transport);
    transport.onbytes = (bytes, source) => {
      if (transport.framed) this.#push(NAT_INPUT.message, socket, bytes, source);
      else this.#push(NAT_INPUT.stream, socket, bytes);
    };
    transport.onerror = () => this.#push(NAT_INPUT.sendFailed, socket);
    transport.onclose = () => {
      if (this.#sockets.delete(socket)) this.#push(NAT_INPUT.closed, socket);
    };
    this.#push(NAT_INPUT.opened, socket, undefined, transport.localAddress);
  }

  /**
   * A socket of a port that none had before, unless one is named.
   *
   * @param {TransportAddress | undefined} remote
   * @param {number | undefined} localPort
   * @returns {Promise<Transport>}
   */
  async #openFresh(remote, localPort) {
    const transport = await this.#openSocket(remote, localPort);
    const { port } = transport.localAddress;
    if (localPort !== undefined || !this.#ports.has(port)) {
      this.#ports.add(port);
      return transport;
    }
    // While this one is open, the system gives another port.
    try {
      return await this.#openFresh(remote, undefined);
    } finally {
      transport.close();
    }
  }

  /** @param {number} socket */
  #close(socket) {
    const transport = this.#sockets.get(socket);
    this.#sockets.delete(socket);
    transport?.close();
  }
}
