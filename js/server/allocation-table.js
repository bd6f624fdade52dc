// The allocations that there are, as events and lists tell of them.

import { reportException } from '../turn/report-exception.js';

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('./clients.js').Clients} Clients */
/** @typedef {import('./engine.js').CoreEvent} CoreEvent */
/** @typedef {import('./relays.js').Relays} Relays */
/** @typedef {import('./server-events.js').AllocationInfo} AllocationInfo */
/** @typedef {import('./server-events.js').ServerEvents} ServerEvents */

const TCP = 6;
/** @type {Partial<Record<CoreEvent['kind'], 'allocation' | 'refresh' | 'move'>>} */
const EVENT_OF = { allocated: 'allocation', refreshed: 'refresh', moved: 'move' };

export class AllocationTable {
  #clients;
  #relays;
  #emitter;
  #clock;
  /** By relay. @type {Map<number, { info: AllocationInfo, link: number, startedAt: number }>} */
  #allocations = new Map();
  /** Who waits until there is none any more. @type {(() => void)[]} */
  #waiting = [];

  /**
   * @param {Clients} clients
   * @param {Relays} relays
   * @param {import('node:events').EventEmitter} emitter of ServerEvents
   * @param {import('../clock.js').Clock} clock
   */
  constructor(clients, relays, emitter, clock) {
    this.#clock = clock;
    this.#clients = clients;
    this.#relays = relays;
    this.#emitter = emitter;
  }

  get size() {
    return this.#allocations.size;
  }

  /** @returns {AllocationInfo[]} */
  list() {
    return [...this.#allocations.values()].map(({ info }) => info);
  }

  /** Takes note of what happened, and tells it. @param {CoreEvent} event */
  tell(event) {
    const { kind, relay: id, link } = event;
    const known = this.#allocations.get(id);
    if (kind === 'ended') {
      this.#end(id);
      return;
    }
    const info = this.#describe(event);
    const startedAt = known?.startedAt ?? this.#clock.now();
    if (known !== undefined) this.#count(known.link, -1);
    this.#count(link, 1);
    this.#allocations.set(id, { info, link, startedAt });
    this.#emit(EVENT_OF[kind] ?? 'refresh', info);
  }

  /** @returns {Promise<void>} */
  async whenEmpty() {
    if (this.size > 0) await new Promise((resolve) => this.#waiting.push(() => resolve(undefined)));
  }

  /** The core is no more: nobody else tells of those that were left. */
  endAll() {
    for (const id of [...this.#allocations.keys()]) this.#end(id);
  }

  /** @param {number} id */
  #end(id) {
    const known = this.#allocations.get(id);
    if (known === undefined) return;
    this.#allocations.delete(id);
    const { info, link, startedAt } = known;
    this.#count(link, -1);
    const durationMs = this.#clock.now() - startedAt;
    this.#emit('end', { ...info, durationMs, ...this.#relays.traffic(id) });
    if (this.size === 0) for (const tell of this.#waiting.splice(0)) tell();
  }

  /** @param {CoreEvent} event @returns {AllocationInfo} */
  #describe({ relay, client, link, username, protocol, relayed, lifetimeSeconds }) {
    return {
      id: relay,
      client: /** @type {TransportAddress} */ (client),
      protocol: this.#clients.get(link)?.protocol ?? 'udp',
      username,
      transport: protocol === TCP ? 'tcp' : 'udp',
      relayedAddresses: relayed,
      lifetimeSeconds,
    };
  }

  /** @param {number} link @param {number} change */
  #count(link, change) {
    const connection = this.#clients.get(link);
    if (connection !== undefined) connection.allocations += change;
  }

  /**
   * @template {keyof ServerEvents} Name
   * @param {Name} name
   * @param {ServerEvents[Name][0]} detail
   */
  #emit(name, detail) {
    try {
      this.#emitter.emit(name, detail);
    } catch (error) {
      // A listener's, who ends nothing of ours.
      reportException(error);
    }
  }
}
