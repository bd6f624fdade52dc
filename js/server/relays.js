// The sockets of relayed transport addresses, by the core's numbers: opens what it asks for, and closes it again.

import { isIPv6 } from 'node:net';
import { PORT_WISH } from './layout.js';
import { PortRange } from './port-range.js';
import { openTcpRelay } from './tcp-relay.js';
import { openUdpRelay } from './udp-relay.js';

/** @typedef {import('./engine.js').CoreEvent} CoreEvent */
/** @typedef {import('./engine.js').Destination} Destination */
/** @typedef {import('./engine.js').ServerEngine} ServerEngine */
/** @typedef {import('./tcp-relay.js').TcpRelay} TcpRelay */
/** @typedef {import('./udp-relay.js').UdpRelay} UdpRelay */

/**
 * @typedef {object} RelaySettings
 * @property {readonly string[]} addresses of this machine
 * @property {Readonly<Record<string, string>>} external what clients are told instead of an address of `addresses`
 * @property {readonly [number, number]} ports the first and the last
 */

/** Ports to try when others than this server use some of the range. */
const MAX_TRIES = 16;
const UDP = 17;

export class Relays {
  #engine;
  #settings;
  #onconnection;
  #bindUdp;
  /** @type {Map<number, UdpRelay>} */
  #udp = new Map();
  /** @type {Map<number, TcpRelay>} */
  #tcp = new Map();
  /** Those that are being opened; closed meanwhile if they are not in here any more. @type {Set<number>} */
  #opening = new Set();
  /** Where the relay was opened: to give the port back. @type {Map<number, { range: PortRange, port: number }>} */
  #ports = new Map();
  /** @type {Map<string, PortRange>} */
  #ranges = new Map();
  /** Turns among the addresses of a family. */
  #next = 0;

  /**
   * @param {ServerEngine} engine
   * @param {RelaySettings} settings
   * @param {(relay: number, socket: import('node:net').Socket) => void} onconnection a peer has connected to a TCP relay
   * @param {import('./platform.js').ServerPlatform['bindUdp']} bindUdp
   */
  constructor(engine, settings, onconnection, bindUdp) {
    this.#engine = engine;
    this.#settings = settings;
    this.#onconnection = onconnection;
    this.#bindUdp = bindUdp;
  }

  get size() {
    return this.#udp.size + this.#tcp.size;
  }

  /** What the relay has carried. @param {number} relay */
  traffic(relay) {
    const { sentMessages, sentBytes, receivedMessages, receivedBytes } =
      this.#udp.get(relay) ?? this.#tcp.get(relay) ?? NO_TRAFFIC;
    return { sentMessages, sentBytes, receivedMessages, receivedBytes };
  }

  /** @param {number} relay */
  tcp(relay) {
    return this.#tcp.get(relay);
  }

  /** @param {number} relay @param {Uint8Array} buffer @param {number} offset @param {number} length @param {Destination} peer */
  send(relay, buffer, offset, length, peer) {
    this.#udp.get(relay)?.send(buffer, offset, length, peer);
  }

  /** Opens what the event asks for, and tells the core. @param {CoreEvent} event */
  async open({ relay, reserved, family, protocol, portWish }) {
    this.#opening.add(relay);
    if (portWish === PORT_WISH.evenAndNext) this.#opening.add(reserved);
    const address = this.#chooseAddress(family);
    const opened =
      address === undefined
        ? undefined
        : await this.#openAt(address, relay, reserved, protocol, portWish);
    if (opened === undefined) {
      this.#opening.delete(relay);
      this.#opening.delete(reserved);
      this.#engine.relayFailed(relay);
      return;
    }
    // The core has done without it meanwhile.
    if (!this.#opening.delete(relay)) this.close(relay);
    if (reserved !== 0 && !this.#opening.delete(reserved)) this.close(reserved);
    const shown = this.#settings.external[opened.address] ?? opened.address;
    this.#engine.relayOpened(relay, {
      address: shown,
      port: opened.port,
      family: isIPv6(shown) ? 'IPv6' : 'IPv4',
    });
  }

  /** @param {number} family 4 or 6 */
  #chooseAddress(family) {
    const ofFamily = this.#settings.addresses.filter((one) => isIPv6(one) === (family === 6));
    if (ofFamily.length === 0) return undefined;
    this.#next = (this.#next + 1) % ofFamily.length;
    return ofFamily[this.#next];
  }

  /**
   * @param {string} address
   * @param {number} relay
   * @param {number} reserved
   * @param {number} protocol
   * @param {number} portWish
   */
  async #openAt(address, relay, reserved, protocol, portWish) {
    const range = this.#range(address, protocol);
    const isPair = portWish === PORT_WISH.evenAndNext;
    /** Ports that are somebody else's. @type {number[]} */
    const foreign = [];
    try {
      for (let tries = 0; tries < MAX_TRIES; tries += 1) {
        const port = range.take(isPair ? 'pair' : portWish === PORT_WISH.even ? 'even' : 'any');
        if (port === undefined) return undefined;
        if (await this.#openPort(address, port, relay, protocol, range)) {
          if (!isPair || (await this.#openPort(address, port + 1, reserved, protocol, range)))
            return { address, port };
          this.close(relay);
        }
        foreign.push(port);
        if (isPair) foreign.push(port + 1);
      }
      return undefined;
    } finally {
      for (const port of foreign) range.give(port);
    }
  }

  /**
   * @param {string} address
   * @param {number} port
   * @param {number} relay
   * @param {number} protocol
   * @param {PortRange} range
   */
  async #openPort(address, port, relay, protocol, range) {
    try {
      if (protocol === UDP) {
        const family = isIPv6(address) ? 'IPv6' : 'IPv4';
        const opened = await openUdpRelay(address, port, family, this.#bindUdp);
        opened.ondata = (bytes, peer) => this.#engine.peerData(relay, bytes, peer);
        this.#udp.set(relay, opened);
      } else {
        const opened = await openTcpRelay(address, port);
        opened.onconnection = (socket) => this.#onconnection(relay, socket);
        this.#tcp.set(relay, opened);
      }
    } catch {
      return false;
    }
    this.#ports.set(relay, { range, port });
    return true;
  }

  /** @param {string} address @param {number} protocol */
  #range(address, protocol) {
    const key = `${protocol} ${address}`;
    const known = this.#ranges.get(key);
    if (known !== undefined) return known;
    const range = new PortRange(...this.#settings.ports);
    this.#ranges.set(key, range);
    return range;
  }

  /** @param {number} relay */
  close(relay) {
    this.#opening.delete(relay);
    this.#udp.get(relay)?.close();
    this.#udp.delete(relay);
    this.#tcp.get(relay)?.close();
    this.#tcp.delete(relay);
    const place = this.#ports.get(relay);
    place?.range.give(place.port);
    this.#ports.delete(relay);
  }

  closeAll() {
    for (const relay of [...this.#opening, ...this.#udp.keys(), ...this.#tcp.keys()]) {
      this.close(relay);
    }
  }
}

const NO_TRAFFIC = { sentMessages: 0, sentBytes: 0, receivedMessages: 0, receivedBytes: 0 };
