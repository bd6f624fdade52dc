// A part of the network in which everybody reaches everybody: the Internet, or what is inside a NAT.

import { argumentError } from '../errors.js';

/** @typedef {import('./host.js').Host} Host */
/** @typedef {import('./nat.js').Nat} Nat */

export class Segment {
  /** By address. @type {Map<string, Host | Nat>} */ #nodes = new Map();

  /**
   * @param {Nat} [gateway] the way out
   * @param {Segment} [outer] where that leads
   */
  constructor(gateway, outer) {
    this.gateway = gateway;
    this.outer = outer;
  }

  /** @param {string} address */
  nodeAt(address) {
    return this.#nodes.get(address);
  }

  /**
   * Who is behind a firewall, which translates nothing, is seen before it too.
   *
   * @param {string} address
   * @param {Host | Nat} node
   * @param {string} name of the option that has the address
   */
  add(address, node, name) {
    if (this.#nodes.has(address)) {
      throw argumentError(name, `an address that is not taken there, as ${address} is`);
    }
    const { gateway } = this;
    if (gateway !== undefined && !gateway.translates) this.outer?.add(address, gateway, name);
    this.#nodes.set(address, node);
  }
}
