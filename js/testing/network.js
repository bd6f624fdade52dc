// A simulated internet: hosts, NATs and firewalls, and what happens to the packets between them.

import { PLATFORM_CLOCK } from '../clock.js';
import { requireObject } from '../codec/arguments.js';
import { argumentError } from '../errors.js';
import { checkInteger, checkSignal } from '../option-checks.js';
import { Host } from './host.js';
import { Nat } from './nat.js';
import {
  checkAddresses,
  checkClock,
  checkConditions,
  checkName,
  checkNatOptions,
  checkSeed,
} from './options.js';
import { PlatformTime } from './platform-time.js';
import { seeded } from './random.js';
import { Router } from './router.js';
import { Segment } from './segment.js';
import { VirtualClock } from './virtual-clock.js';
import { VirtualTime } from './virtual-time.js';

/** @typedef {import('../address.js').AddressFamily} AddressFamily */
/** @typedef {import('./nat-words.js').FirewallOptions} FirewallOptions */
/** @typedef {import('./nat-words.js').NatOptions} NatOptions */
/** @typedef {import('./options.js').Conditions} Conditions */
/** @typedef {import('./options.js').HostOptions} HostOptions */
/** @typedef {import('./options.js').NetworkOptions} NetworkOptions */
/** @typedef {import('./packet-log.js').NetworkStats} NetworkStats */
/** @typedef {import('./packet-log.js').Packet} Packet */
/** @typedef {import('./virtual-time.js').RunOptions} RunOptions */

/**
 * @template T
 * @typedef {import('./virtual-time.js').Condition<T>} Condition
 */

const DEFAULT_LIMIT_MS = 600_000;
const LONGEST_MS = 0x7fffffff;
/** RFC 2544 appendix C.2.2 has them for tests; what is inside has those of RFC 1918. */
const MADE_UP = { host: '198.18', nat: '198.19', inside: '10.0' };
const SHOWN_PACKETS = 20;

export class Network {
  /** Of all that happens in the network, with setTimeout() for programs that are to live by it. */
  clock;
  #random;
  #router;
  #time;
  #internet = new Segment();
  /** @type {Host[]} */ #hosts = [];
  #nats = 0;
  /** Of made-up addresses. @type {Map<Segment, number>} */ #made = new Map();

  /** @param {NetworkOptions} options @internal */
  constructor(options) {
    const clock = checkClock(options.clock);
    const explain = () => this.explain();
    const underWay = () => this.#router.log.underWay;
    this.#random = seeded(checkSeed(options.seed));
    if (clock === 'virtual') {
      const virtual = new VirtualClock();
      this.clock = virtual;
      this.#time = new VirtualTime(virtual, underWay, explain);
    } else {
      this.clock = clock === 'platform' ? PLATFORM_CLOCK : clock;
      this.#time = new PlatformTime(this.clock, underWay, explain);
    }
    this.#router = new Router(this.clock, this.#random, checkConditions(options));
  }

  /** The network's time, in milliseconds; virtual time begins at 0. */
  get now() {
    return this.clock.now();
  }

  /** @returns {Readonly<Conditions>} */
  get conditions() {
    return this.#router.conditions;
  }

  /**
   * For packets that are sent from now on; what is left out stays as it is.
   *
   * @param {Partial<Conditions>} conditions
   * @throws {TypeError} ERR_INVALID_ARGUMENT
   */
  setConditions(conditions) {
    this.#router.conditions = checkConditions(conditions, this.#router.conditions);
  }

  /** A number from 0 to less than 1, of the network's seed. */
  random() {
    return this.#random();
  }

  /**
   * @param {HostOptions} [options]
   * @returns {Host}
   * @throws {TypeError} ERR_INVALID_ARGUMENT, also for a name that is taken, and an address that is taken there
   */
  addHost(options = {}) {
    const { address, name, nat } = requireObject(options, 'options');
    const segment = this.#segmentOf(nat, 'options.nat');
    if (this.#hosts.some((host) => host.name === name)) {
      throw argumentError('options.name', `one that no other host has, as one has ${name}`);
    }
    const addresses =
      address === undefined
        ? [this.#makeUp(segment, nat === undefined ? 'host' : 'inside')]
        : checkAddresses(address, 'options.address');
    const host = new Host(checkName(name, `host ${this.#hosts.length + 1}`), addresses, {
      send: (source, destination, bytes) =>
        this.#router.send(host, segment, source, destination, bytes),
      lookUp: (wanted, family) => this.#lookUp(wanted, family),
      clock: this.clock,
    });
    for (const one of addresses) segment.add(one, host, 'options.address');
    this.#hosts.push(host);
    return host;
  }

  /**
   * A NAT, with its own addresses on the Internet, or inside another NAT (`behind`).
   *
   * @param {NatOptions} [options]
   * @returns {Nat}
   * @throws {TypeError} ERR_INVALID_ARGUMENT, also for an address that is taken there
   */
  addNat(options = {}) {
    return this.#addNat(options, 'NAT', true);
  }

  /**
   * A stateful firewall: it lets in what answers, and leaves addresses as they are.
   *
   * @param {FirewallOptions} [options]
   * @returns {Nat}
   * @throws {TypeError} ERR_INVALID_ARGUMENT
   */
  addFirewall(options = {}) {
    const { name, filtering, mappingLifetimeMs, refresh, fragments, blocks, behind } =
      requireObject(options, 'options');
    const own = { name, filtering, mappingLifetimeMs, refresh, fragments, blocks, behind };
    return this.#addNat(own, 'firewall', false);
  }

  /** @param {NatOptions} options @param {string} kind @param {boolean} translates */
  #addNat(options, kind, translates) {
    const { behind } = requireObject(options, 'options');
    const outer = this.#segmentOf(behind, 'options.behind');
    const settings = checkNatOptions(options, {
      name: `${kind} ${this.#nats + 1}`,
      translates,
      address: () => this.#makeUp(outer, behind === undefined ? 'nat' : 'inside'),
    });
    const nat = new Nat(settings, this.clock, this.#random);
    this.#nats += 1;
    for (const address of settings.addresses) outer.add(address, nat, 'options.addresses');
    this.#router.insides.set(nat, new Segment(nat, outer));
    return nat;
  }

  /** @param {unknown} nat @param {string} name */
  #segmentOf(nat, name) {
    if (nat === undefined) return this.#internet;
    const segment = this.#router.insides.get(/** @type {Nat} */ (nat));
    if (segment !== undefined) return segment;
    throw argumentError(name, 'what addNat() or addFirewall() of this network has returned');
  }

  /** @param {Segment} segment @param {keyof typeof MADE_UP} kind */
  #makeUp(segment, kind) {
    for (;;) {
      const number = (this.#made.get(segment) ?? 0) + 1;
      this.#made.set(segment, number);
      const address = `${MADE_UP[kind]}.${number >> 8}.${number & 255}`;
      if (segment.nodeAt(address) === undefined) return address;
    }
  }

  /** @param {string} name @param {AddressFamily | undefined} family */
  #lookUp(name, family) {
    const host = this.#hosts.find((one) => one.name === name);
    return family === undefined ? host?.addresses[0] : host?.addressOf(family);
  }

  /**
   * Lets so much time pass. Virtual time goes from one event to the next, without waiting.
   *
   * @param {number} ms
   * @param {{ signal?: AbortSignal }} [options]
   * @returns {Promise<void>}
   * @throws {TypeError} ERR_INVALID_ARGUMENT
   * @throws {import('../errors.js').PosternError} ERR_SIMULATION_LIMIT: something is due again and again at once; or
   *   `signal.reason`
   */
  async advance(ms, options = {}) {
    if (ms === undefined) throw argumentError('ms', `an integer from 0 to ${LONGEST_MS}`);
    checkInteger(ms, 'ms', 0, LONGEST_MS);
    const { signal } = this.#checkRun(options);
    await this.#time.advance(ms, signal);
  }

  /**
   * Lets time pass until no packet is under way.
   *
   * @param {RunOptions} [options]
   * @returns {Promise<void>}
   * @throws {TypeError} ERR_INVALID_ARGUMENT
   * @throws {import('../errors.js').PosternError} ERR_SIMULATION_LIMIT, with the last packets in its message; or `signal.reason`
   */
  async run(options = {}) {
    const { limitMs, signal } = this.#checkRun(options);
    await this.#time.run(limitMs, signal);
  }

  /**
   * Lets time pass until a promise is settled, or a function gives something true.
   *
   * @template T
   * @param {Condition<T>} condition
   * @param {RunOptions} [options]
   * @returns {Promise<T>} what it has come to
   * @throws {TypeError} ERR_INVALID_ARGUMENT
   * @throws {import('../errors.js').PosternError} ERR_SIMULATION_LIMIT, ERR_SIMULATION_STALLED (in virtual time: nothing is due
   *   any more), with the last packets in their messages; what the promise is rejected with; or `signal.reason`
   */
  async runUntil(condition, options = {}) {
    if (typeof condition !== 'function' && typeof condition?.then !== 'function') {
      throw argumentError('condition', 'a promise or a function');
    }
    const { limitMs, signal } = this.#checkRun(options);
    return this.#time.runUntil(condition, limitMs, signal);
  }

  /** @param {RunOptions} options */
  #checkRun(options) {
    const { limitMs = DEFAULT_LIMIT_MS, signal } = requireObject(options, 'options');
    checkSignal(signal, 'options.signal');
    return { limitMs: checkInteger(limitMs, 'options.limitMs', 1, LONGEST_MS), signal };
  }

  /** Each packet that was sent, and what became of it, in the order of sending; the last 10,000. @returns {Packet[]} */
  get packets() {
    return this.#router.log.packets;
  }

  /** @returns {NetworkStats} */
  stats() {
    return this.#router.log.stats();
  }

  /** The last packets, a line each: for who wonders why a test has failed. @param {number} [count] default 20 @returns {string} */
  explain(count = SHOWN_PACKETS) {
    return this.#router.log.text(count);
  }

  /** Closes all sockets; packets under way are dropped. Idempotent. */
  async close() {
    this.#router.close();
    for (const host of this.#hosts) host.close();
  }

  async [Symbol.asyncDispose]() {
    await this.close();
  }
}

/**
 * A simulated internet for tests: hosts, NATs and firewalls with the behaviours of RFC 4787, and packets of UDP between them
 * that take time and get lost. It opens no socket, and needs no rights.
 *
 * @param {NetworkOptions} [options]
 * @returns {Network}
 * @throws {TypeError} ERR_INVALID_ARGUMENT with the argument's name
 */
export function createNetwork(options = {}) {
  return new Network(requireObject(options, 'options'));
}
