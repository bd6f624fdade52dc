// The UDP sockets of a mirror, by family and place.

import { familyOf } from '../address.js';
import { PosternError } from '../errors.js';
import { openUdpListener } from '../server/udp-listener.js';
import { codeOf } from '../system-error.js';
import { placeOfPort } from './port-test.js';

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('../server/udp-listener.js').UdpListener} UdpListener */
/** @typedef {import('./core.js').Family} Family */
/** @typedef {import('./core.js').FamilyPlaces} FamilyPlaces */
/** @typedef {import('./options.js').MirrorSettings} MirrorSettings */

/** @typedef {(family: Family, place: string, bytes: Uint8Array, source: { address: string, port: number }) => void} OnPacket */

/** Ports that are free at one address need not be so at the other. */
const TRIES = 16;
/** @type {readonly Family[]} */
const FAMILIES = ['IPv4', 'IPv6'];

export class MirrorSockets {
  /** @type {Map<string, UdpListener>} */ #sockets = new Map();
  #settings;
  #onpacket;
  /** @type {Map<Family, FamilyPlaces>} */ places = new Map();

  /** @param {MirrorSettings} settings @param {OnPacket} onpacket */
  constructor(settings, onpacket) {
    this.#settings = settings;
    this.#onpacket = onpacket;
  }

  /** @returns {Promise<void>} rejects with ERR_SERVER_LISTEN */
  async open() {
    const { addresses, ports, portMap } = this.#settings;
    for (const family of FAMILIES) {
      const [a, b] = addresses.filter((address) => familyOf(address) === family);
      if (a === undefined) continue;
      for (const [name, port] of Object.entries(ports)) {
        const withB = b !== undefined && name !== 'second';
        await this.#openPair(family, name, port, withB ? [a, b] : [a]);
      }
      for (const port of portMap) {
        this.#add(family, placeOfPort(port), await this.#bind(family, a, port));
      }
      this.places.set(family, {
        hasSecondAddress: b !== undefined,
        advertised: (place) => this.#advertised(family, place),
      });
    }
  }

  /**
   * The same port at one address or two.
   *
   * @param {Family} family
   * @param {string} name
   * @param {number} port 0: any
   * @param {readonly string[]} addresses
   */
  async #openPair(family, name, port, [a, b]) {
    for (let tries = 1; ; tries += 1) {
      const atA = await this.#bind(family, a, port);
      if (b === undefined) {
        this.#add(family, `A:${name}`, atA);
        return;
      }
      try {
        this.#add(family, `B:${name}`, await this.#bind(family, b, atA.address.port));
        this.#add(family, `A:${name}`, atA);
        return;
      } catch (error) {
        await atA.close();
        if (port !== 0 || tries === TRIES) throw error;
      }
    }
  }

  /** @param {Family} family @param {string} address @param {number} port */
  async #bind(family, address, port) {
    try {
      return await openUdpListener({ protocol: 'udp', address, port, family });
    } catch (cause) {
      throw new PosternError(
        'ERR_SERVER_LISTEN',
        `The mirror can't use UDP at ${address}, port ${port} (${codeOf(cause)}).`,
        { cause },
      );
    }
  }

  /** @param {Family} family @param {string} place @param {UdpListener} socket */
  #add(family, place, socket) {
    this.#sockets.set(`${family} ${place}`, socket);
    socket.onmessage = (bytes, source) => this.#onpacket(family, place, bytes, source);
  }

  /** @param {Family} family @param {string} place @returns {TransportAddress[]} */
  #advertised(family, place) {
    const socket = this.#sockets.get(`${family} ${place}`);
    if (socket === undefined) return [];
    const { address, port } = socket.address;
    return [{ address: this.#settings.external[address] ?? address, port, family }];
  }

  /** @param {Family} family @param {string} place @param {Uint8Array} bytes @param {TransportAddress} to */
  send(family, place, bytes, to) {
    this.#sockets.get(`${family} ${place}`)?.send(bytes, { ...to, isForbidden: false });
  }

  /** @returns {Promise<void>} */
  async close() {
    await Promise.all([...this.#sockets.values()].map((socket) => socket.close()));
  }
}
