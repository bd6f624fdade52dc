// UDP for Node.

import { createSocket } from 'node:dgram';
import { BaseTransport } from './base-transport.js';
import { connectError, datagramError } from './open-errors.js';
import { checkTarget } from './target.js';
import { whenReady } from './when-ready.js';

/** @typedef {import('../address.js').TransportAddress} TransportAddress */
/** @typedef {import('./transport.js').OpenOptions} OpenOptions */
/** @typedef {import('./transport.js').OpenPhases} OpenPhases */
/** @typedef {import('./transport.js').Transport} Transport */
/** @typedef {import('./transport.js').TransportTarget} TransportTarget */

// Node.js tells only who asks whether a datagram has left, and its answer costs a good part of the sending. So one in
// many asks for all before it: they leave in their order.
const ASK_EVERY = 16;
/** Who sends little hears of each that fails. */
const ASK_AFTER_MS = 100;
/** What is longer than Ethernet takes (1,500 bytes less the headers of IPv4 and UDP) may be refused for its length. */
const ASK_BEYOND_BYTES = 1472;
/** Unanswered questions at which the sender should wait: some 64 datagrams that the system has not taken yet. */
const HIGH_WATER_MARK = 5;

/** @implements {Transport} */
class UdpTransport extends BaseTransport {
  kind = 'udp';
  reliable = false;
  framed = true;
  /** @type {Transport['onbytes']} */ onbytes = undefined;

  #socket;
  #connected;
  #isOpen = true;
  /** Questions that are not answered yet. */
  #asked = 0;
  /** Datagrams since the last question. */
  #unasked = 0;
  #askedAt = Number.NEGATIVE_INFINITY;

  /**
   * @param {import('node:dgram').Socket} socket
   * @param {TransportAddress} remoteAddress
   * @param {boolean} connected
   * @param {OpenPhases} phases
   */
  constructor(socket, remoteAddress, connected, phases) {
    super();
    this.#socket = socket;
    this.#connected = connected;
    this.remoteAddress = remoteAddress;
    this.phases = phases;
    this.localAddress = /** @type {TransportAddress} */ (socket.address());
    socket.on('message', (bytes, source) => this.onbytes?.(bytes, source));
    // A connected socket hears of ICMP errors. Anybody can forge those, and routes come back: they
    // are for the client to judge (RFC 8489 section 6.2.1).
    socket.on('error', (error) => this.#report(error));
    socket.on('close', () => this.ended(undefined));
  }

  /** @param {Error} cause */
  #report(cause) {
    if (this.#isOpen) this.onerror?.(datagramError(cause));
  }

  // One function for all datagrams, not one each.
  #answer = (/** @type {Error | null} */ error) => {
    this.#asked--;
    if (error) this.#report(error);
    if (this.#asked === HIGH_WATER_MARK - 1 && this.#isOpen) this.ondrain?.();
  };

  /** @type {Transport['send']} */
  send(bytes, destination = this.remoteAddress) {
    if (!this.#isOpen) return false;
    const answer = this.#asks(bytes.length) ? this.#answer : undefined;
    if (this.#connected) this.#socket.send(bytes, answer);
    else this.#socket.send(bytes, destination.port, destination.address, answer);
    return this.#asked < HIGH_WATER_MARK;
  }

  /** Whether the next datagram asks. @param {number} length */
  #asks(length) {
    const now = performance.now();
    this.#unasked++;
    if (
      this.#unasked < ASK_EVERY &&
      length <= ASK_BEYOND_BYTES &&
      now - this.#askedAt < ASK_AFTER_MS
    ) {
      return false;
    }
    this.#asked++;
    this.#unasked = 0;
    this.#askedAt = now;
    return true;
  }

  close() {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#socket.close();
  }

  ref() {
    this.#socket.ref();
  }

  unref() {
    this.#socket.unref();
  }
}

/**
 * Opens a UDP socket for one server.
 *
 * @param {TransportTarget} target
 * @param {OpenOptions & { connected?: boolean }} [options] `connected: false`: takes datagrams from
 *   anywhere and can send anywhere (RFC 5780 needs it), but hears of no ICMP error
 * @returns {Promise<UdpTransport>}
 * @throws {import('../errors.js').PosternError} ERR_TRANSPORT_CONNECT: no route, or a local address
 *   or port that can't be had. That nothing listens over there shows later, in `onerror`
 */
export async function openUdp(target, options = {}) {
  const { signal, localAddress, localPort, connected = true } = options;
  const remote = checkTarget(target, options);
  signal?.throwIfAborted();
  const start = performance.now();
  const isIPv6 = remote.family === 'IPv6';
  const socket = createSocket({ type: isIPv6 ? 'udp6' : 'udp4', ipv6Only: isIPv6 });
  const ready = whenReady(socket, {
    event: connected ? 'connect' : 'listening',
    signal,
    open: () => new UdpTransport(socket, remote, connected, { connect: performance.now() - start }),
    destroy: () => socket.close(),
    toError: (cause) => connectError(target, 'udp', cause),
  });
  if (connected) socket.once('listening', () => socket.connect(remote.port, remote.address));
  // Exclusive: in a cluster, the primary would share one socket between the workers.
  socket.bind({ address: localAddress, port: localPort ?? 0, exclusive: true });
  return ready;
}
