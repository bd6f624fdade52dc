// One NAT, or a firewall that translates nothing: what becomes of a packet, and what is remembered of it.

import { familyOf, formatTransportAddress } from '../address.js';
import { checkBlocks } from './options.js';

/** @typedef {import('../address.js').AddressFamily} AddressFamily */
/** @typedef {import('./nat-words.js').Dependence} Dependence */
/** @typedef {import('./nat-words.js').Place} Place */
/** @typedef {import('./packet-log.js').Because} Because */
/** @typedef {import('./options.js').NatSettings} NatSettings */

/** Ethernet's 1,500 bytes less the headers of IPv4 and UDP. */
const MAX_UNFRAGMENTED_BYTES = 1472;

/**
 * A socket inside, as the NAT knows it.
 *
 * @typedef {object} Endpoint
 * @property {Place} inside
 * @property {Map<string, Mapping>} mappings by what of the remote place they depend on
 * @property {Map<string, number>} sentTo when something was last sent there, by what of it the filter depends on
 */

/**
 * @typedef {object} Mapping
 * @property {Endpoint} endpoint
 * @property {string} key
 * @property {Place} outside
 * @property {Place} remote for which it was made
 * @property {number} usedAt
 */

/**
 * A mapping, as tests see it.
 *
 * @typedef {object} MappingInfo
 * @property {Place} inside
 * @property {Place} outside
 * @property {Place} remote the first to whom something was sent through it
 * @property {number} expiresAt unless it is used before
 */

/** @param {Place} place */
const keyOf = ({ address, port }) => `${address} ${port}`;

/** @param {Dependence} dependence @param {Place} remote */
function partOf(dependence, remote) {
  if (dependence === 'endpoint-independent') return '';
  return dependence === 'address-dependent' ? remote.address : keyOf(remote);
}

export class Nat {
  #settings;
  #random;
  #clock;
  /** By the inside place. @type {Map<string, Endpoint>} */ #endpoints = new Map();
  /** By the outside place; several only where ports are overloaded, the newest last. @type {Map<string, Mapping[]>} */
  #byOutside = new Map();
  /** Of paired pooling, by the inside address. @type {Map<string, string>} */ #paired = new Map();
  /** Of sequential ports, by the outside address. @type {Map<string, number>} */ #nextPort =
    new Map();

  /**
   * @param {NatSettings} settings
   * @param {import('../clock.js').Clock} clock
   * @param {() => number} random
   */
  constructor(settings, clock, random) {
    this.name = settings.name;
    this.#settings = settings;
    this.#clock = clock;
    this.#random = random;
  }

  /** On the outside; none of a firewall. @returns {readonly string[]} */
  get addresses() {
    return this.#settings.addresses;
  }

  /** @returns {boolean} false: a firewall */
  get translates() {
    return this.#settings.translates;
  }

  /** @returns {boolean} */
  get hairpins() {
    return this.#settings.hairpinning;
  }

  /** Mappings that are alive. @returns {MappingInfo[]} */
  mappings() {
    return [...this.#byOutside.values()]
      .flat()
      .filter((mapping) => this.#isAlive(mapping.usedAt))
      .map(({ endpoint, outside, remote, usedAt }) => ({
        inside: endpoint.inside,
        outside,
        remote,
        expiresAt: usedAt + this.#settings.mappingLifetimeMs,
      }));
  }

  /** Forgets all mappings, as after a restart. */
  forget() {
    this.#endpoints.clear();
    this.#byOutside.clear();
    this.#paired.clear();
  }

  /** From now on. @param {import('./nat-words.js').Blocks} blocks @throws {TypeError} ERR_INVALID_ARGUMENT */
  setBlocks(blocks) {
    this.#settings = { ...this.#settings, blocks: checkBlocks(blocks, 'blocks') };
  }

  /**
   * A packet from inside.
   *
   * @param {Place} inside
   * @param {Place} remote
   * @param {Uint8Array} bytes
   * @returns {{ source: Place } | { because: Because }} as whose it leaves
   * @internal
   */
  outbound(inside, remote, bytes) {
    const { refresh, mapping: dependence, filtering, translates } = this.#settings;
    const stopped = this.#stops('out', inside, remote, bytes);
    if (stopped !== undefined) return { because: stopped };
    const endpoint = this.#endpointOf(inside);
    const key = translates ? partOf(dependence, remote) : '';
    let mapping = endpoint.mappings.get(key);
    if (mapping === undefined) {
      const outside = translates ? this.#assign(inside) : inside;
      if (typeof outside === 'string') return { because: outside };
      mapping = { endpoint, key, outside, remote, usedAt: this.#clock.now() };
      endpoint.mappings.set(key, mapping);
      const others = this.#byOutside.get(keyOf(outside)) ?? [];
      this.#byOutside.set(keyOf(outside), [...others, mapping]);
    } else if (refresh !== 'inbound') mapping.usedAt = this.#clock.now();
    const to = partOf(filtering, remote);
    if (refresh !== 'inbound' || !this.#isAlive(endpoint.sentTo.get(to))) {
      endpoint.sentTo.set(to, this.#clock.now());
    }
    return { source: mapping.outside };
  }

  /**
   * A packet that arrives at an outside address.
   *
   * @param {Place} remote whose it is
   * @param {Place} outside
   * @param {Uint8Array} bytes
   * @returns {{ destination: Place } | { because: Because }} whom it is for, inside
   * @internal
   */
  inbound(remote, outside, bytes) {
    const { filtering, refresh } = this.#settings;
    const mappings = this.#aliveAt(outside);
    if (mappings.length === 0) return { because: 'no-mapping' };
    const from = partOf(filtering, remote);
    const mapping = mappings.findLast(
      ({ endpoint }) =>
        filtering === 'endpoint-independent' || this.#isAlive(endpoint.sentTo.get(from)),
    );
    if (mapping === undefined) return { because: 'filtered' };
    const { endpoint } = mapping;
    const stopped = this.#stops('in', endpoint.inside, remote, bytes);
    if (stopped !== undefined) return { because: stopped };
    if (refresh !== 'outbound') {
      mapping.usedAt = this.#clock.now();
      endpoint.sentTo.set(from, this.#clock.now());
    }
    return { destination: endpoint.inside };
  }

  /**
   * @param {'out' | 'in'} direction
   * @param {Place} local
   * @param {Place} remote
   * @param {Uint8Array} bytes
   * @returns {Because | undefined}
   */
  #stops(direction, local, remote, bytes) {
    const { blocks, fragments } = this.#settings;
    if (blocks({ direction, local, remote, bytes })) return 'blocked';
    const isDropped = fragments === 'drop' && bytes.length > MAX_UNFRAGMENTED_BYTES;
    return isDropped ? 'fragment' : undefined;
  }

  /** @param {number | undefined} usedAt */
  #isAlive(usedAt) {
    return usedAt !== undefined && this.#clock.now() - usedAt < this.#settings.mappingLifetimeMs;
  }

  /** With its mappings that are alive; without any, it is a new one. @param {Place} inside @returns {Endpoint} */
  #endpointOf(inside) {
    const known = this.#endpoints.get(keyOf(inside));
    for (const mapping of known?.mappings.values() ?? []) {
      if (!this.#isAlive(mapping.usedAt)) this.#remove(mapping);
    }
    if (known !== undefined && known.mappings.size > 0) return known;
    const made = { inside, mappings: new Map(), sentTo: new Map() };
    this.#endpoints.set(keyOf(inside), made);
    return made;
  }

  /** @param {Mapping} mapping */
  #remove(mapping) {
    mapping.endpoint.mappings.delete(mapping.key);
    const at = keyOf(mapping.outside);
    const others = this.#byOutside.get(at)?.filter((one) => one !== mapping) ?? [];
    if (others.length > 0) this.#byOutside.set(at, others);
    else this.#byOutside.delete(at);
  }

  /** @param {Place} outside @returns {Mapping[]} */
  #aliveAt(outside) {
    const mappings = this.#byOutside.get(keyOf(outside)) ?? [];
    for (const mapping of mappings) if (!this.#isAlive(mapping.usedAt)) this.#remove(mapping);
    return this.#byOutside.get(keyOf(outside)) ?? [];
  }

  /** @param {Place} inside @returns {Place | Because} */
  #assign(inside) {
    const address = this.#chooseAddress(inside.address);
    if (address === undefined) return 'no-address';
    const { portAssignment, portParity, ports } = this.#settings;
    if (portAssignment === 'overloading') return { address, port: inside.port };
    const isFree = (/** @type {number} */ port) => this.#aliveAt({ address, port }).length === 0;
    if (portAssignment === 'preserving' && isFree(inside.port)) {
      return { address, port: inside.port };
    }
    const [first, last] = ports;
    const size = last - first + 1;
    const start =
      portAssignment === 'sequential'
        ? (this.#nextPort.get(address) ?? 0)
        : Math.floor(this.#random() * size);
    for (let i = 0; i < size; i += 1) {
      const place = (start + i) % size;
      const port = first + place;
      if ((portParity && (port ^ inside.port) % 2 !== 0) || !isFree(port)) continue;
      this.#nextPort.set(address, place + 1);
      return { address, port };
    }
    return 'no-port';
  }

  /** @param {string} inside */
  #chooseAddress(inside) {
    const { addresses, pooling } = this.#settings;
    const paired = this.#paired.get(inside);
    if (pooling === 'paired' && paired !== undefined) return paired;
    const ofFamily = addresses.filter((one) => familyOf(one) === familyOf(inside));
    const chosen = ofFamily[Math.floor(this.#random() * ofFamily.length)];
    if (chosen !== undefined) this.#paired.set(inside, chosen);
    return chosen;
  }

  /** For people. */
  toString() {
    const lines = this.mappings().map(
      ({ inside, outside, remote }) =>
        `${formatTransportAddress(inside)} = ${formatTransportAddress(outside)}, first to ${formatTransportAddress(remote)}`,
    );
    return `${this.name}: ${lines.join('; ') || 'no mapping'}`;
  }
}
