// The ports of a reflector: a UDP socket for each, and for SIP a TCP port of the same number.

import { familyOf } from '../address.js';
import { PosternError } from '../errors.js';
import { openUdpListener } from '../server/udp-listener.js';
import { codeOf } from '../system-error.js';
import { ConnectionCounts, openTcpListener } from './tcp-listener.js';

/** @typedef {import('../server/udp-listener.js').UdpListener} UdpListener */
/** @typedef {import('./core.js').Endpoint} Endpoint */
/** @typedef {import('./core.js').Family} Family */
/** @typedef {import('./core.js').FamilyPorts} FamilyPorts */
/** @typedef {import('./options.js').ReflectorSettings} ReflectorSettings */
/** @typedef {import('./tcp-listener.js').TcpListener} TcpListener */

/**
 * @typedef {object} SocketHandlers
 * @property {(family: Family, port: number, bytes: Uint8Array, from: Endpoint) => void} ondatagram
 * @property {(family: Family, port: number, bytes: Uint8Array, from: Endpoint) => Uint8Array | undefined} onmessage over TCP
 */

/** A port that is free for UDP need not be so for TCP. */
const TRIES = 16;

export class ReflectorSockets {
  /** @type {Map<string, UdpListener>} */ #udp = new Map();
  /** @type {TcpListener[]} */ #tcp = [];
  #counts;
  #settings;
  #handlers;
  /** @type {Map<Family, FamilyPorts>} */ places = new Map();

  /** @param {ReflectorSettings} settings @param {SocketHandlers} handlers */
  constructor(settings, handlers) {
    this.#settings = settings;
    this.#handlers = handlers;
    this.#counts = new ConnectionCounts(settings.limits);
  }

  /** @returns {Promise<void>} rejects with ERR_SERVER_LISTEN */
  async open() {
    const { addresses, external, udp, sip } = this.#settings;
    for (const address of addresses) {
      const family = /** @type {Family} */ (familyOf(address));
      /** @type {FamilyPorts} */
      const ports = { address: external[address] ?? address, udp: [], sip: [] };
      for (const port of udp) ports.udp.push(this.#add(family, await this.#bind(address, port)));
      for (const port of sip) ports.sip.push(await this.#openBoth(family, address, port));
      this.places.set(family, ports);
    }
  }

  /** @param {string} address @param {number} port @returns {Promise<UdpListener>} */
  #bind(address, port) {
    const family = /** @type {Family} */ (familyOf(address));
    return this.#opened('UDP', address, port, () =>
      openUdpListener({ protocol: 'udp', address, port, family }),
    );
  }

  /** @param {Family} family @param {UdpListener} socket @returns {number} its port */
  #add(family, socket) {
    const { port } = socket.address;
    this.#udp.set(`${family} ${port}`, socket);
    socket.onmessage = (bytes, from) => this.#handlers.ondatagram(family, port, bytes, from);
    return port;
  }

  /** @param {Family} family @param {string} address @param {number} wanted 0: any @returns {Promise<number>} */
  async #openBoth(family, address, wanted) {
    for (let tries = 1; ; tries += 1) {
      const socket = await this.#bind(address, wanted);
      const { port } = socket.address;
      try {
        this.#tcp.push(
          await this.#opened('TCP', address, port, () =>
            openTcpListener({ address, port, family }, this.#counts, (bytes, from) =>
              this.#handlers.onmessage(family, port, bytes, from),
            ),
          ),
        );
        return this.#add(family, socket);
      } catch (error) {
        await socket.close();
        if (wanted !== 0 || tries === TRIES) throw error;
      }
    }
  }

  /**
   * @template T
   * @param {string} what
   * @param {string} address
   * @param {number} port
   * @param {() => Promise<T>} open
   * @returns {Promise<T>}
   */
  async #opened(what, address, port, open) {
    try {
      return await open();
    } catch (cause) {
      throw new PosternError(
        'ERR_SERVER_LISTEN',
        `The reflector can't use ${what} at ${address}, port ${port} (${codeOf(cause)}).`,
        { cause },
      );
    }
  }

  /** @param {Family} family @param {number} port @param {Uint8Array} bytes @param {Endpoint} to */
  send(family, port, bytes, to) {
    this.#udp.get(`${family} ${port}`)?.send(bytes, { ...to, family, isForbidden: false });
  }

  /** @returns {Promise<void>} */
  async close() {
    await Promise.all([...this.#udp.values(), ...this.#tcp].map((socket) => socket.close()));
  }
}
