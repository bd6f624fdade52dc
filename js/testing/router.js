// Carries packets from host to host: out through NATs when they are sent, in through others when they arrive.

import { PacketLog } from './packet-log.js';

/** @typedef {import('./host.js').Host} Host */
/** @typedef {import('./nat.js').Nat} Nat */
/** @typedef {import('./nat-words.js').Place} Place */
/** @typedef {import('./options.js').Conditions} Conditions */
/** @typedef {import('./packet-log.js').Because} Because */
/** @typedef {import('./packet-log.js').Packet} Packet */
/** @typedef {import('./segment.js').Segment} Segment */

const NETWORK = 'network';

export class Router {
  log = new PacketLog();
  /** What is inside each NAT or firewall. @type {Map<Nat, Segment>} */ insides = new Map();
  /** Called when a packet has arrived, or was dropped. @type {() => void} */ onend = () => {};
  #clock;
  #random;
  #isClosed = false;

  /** @param {import('../clock.js').Clock} clock @param {() => number} random @param {Conditions} conditions */
  constructor(clock, random, conditions) {
    this.#clock = clock;
    this.#random = random;
    this.conditions = conditions;
  }

  close() {
    this.#isClosed = true;
  }

  /** @param {Host} host @param {Segment} segment where it is @param {Place} source @param {Place} destination @param {Uint8Array} bytes */
  send(host, segment, source, destination, bytes) {
    const packet = this.log.sent({
      sentAt: this.#clock.now(),
      sender: host.name,
      source,
      destination,
      bytes,
    });
    const out = this.#leave(packet, segment);
    if (out === undefined) return;
    const { duplication } = this.conditions;
    const copy =
      duplication > 0 && this.#random() < duplication ? this.log.duplicated(packet) : undefined;
    this.#carry(packet, out);
    if (copy !== undefined) this.#carry(copy, out);
  }

  /**
   * Through all NATs on the way out, to where the destination is.
   *
   * @param {Packet} packet
   * @param {Segment} segment
   * @returns {{ source: Place, node: Host | Nat } | undefined} undefined: dropped
   */
  #leave(packet, segment) {
    const { destination, bytes } = packet;
    let { source } = packet;
    for (let here = segment; ; ) {
      const node = here.nodeAt(destination.address);
      if (node !== undefined) return { source, node };
      const { gateway, outer } = here;
      if (gateway === undefined || outer === undefined) {
        return this.#drop(packet, NETWORK, 'no-route');
      }
      const result = gateway.outbound(source, destination, bytes);
      if ('because' in result) return this.#drop(packet, gateway.name, result.because);
      source = result.source;
      packet.hops.push({ name: gateway.name, source, destination });
      if (gateway.addresses.includes(destination.address)) {
        if (!gateway.hairpins) return this.#drop(packet, gateway.name, 'hairpinning');
        return { source, node: gateway };
      }
      here = outer;
    }
  }

  /** @param {Packet} packet @param {{ source: Place, node: Host | Nat }} out */
  #carry(packet, out) {
    const { latencyMs, jitterMs, loss, reordering, heldBackMs } = this.conditions;
    if (loss > 0 && this.#random() < loss) {
      this.#drop(packet, NETWORK, 'loss');
      return;
    }
    const jitter = jitterMs > 0 ? this.#random() * jitterMs : 0;
    const held = reordering > 0 && this.#random() < reordering ? heldBackMs : 0;
    this.#clock.setTimeout(() => this.#arrive(packet, out), latencyMs + jitter + held);
  }

  /** @param {Packet} packet @param {{ source: Place, node: Host | Nat }} out */
  #arrive(packet, { source, node: first }) {
    if (this.#isClosed) {
      this.#drop(packet, NETWORK, 'closed');
      return;
    }
    let { destination } = packet;
    let node = first;
    for (let inside = this.#insideOf(node); inside !== undefined; inside = this.#insideOf(node)) {
      const nat = /** @type {Nat} */ (node);
      const result = nat.inbound(source, destination, packet.bytes);
      if ('because' in result) {
        this.#drop(packet, nat.name, result.because);
        return;
      }
      destination = result.destination;
      packet.hops.push({ name: nat.name, source, destination });
      // Whoever had that place inside is there still: nobody is ever taken away.
      node = /** @type {Host | Nat} */ (inside.nodeAt(destination.address));
    }
    const host = /** @type {Host} */ (node);
    const { because, receive } = host.accept(destination, source);
    if (because !== undefined) {
      this.#drop(packet, host.name, because);
      return;
    }
    this.log.delivered(packet, this.#clock.now(), host.name);
    this.onend();
    receive(packet.bytes.slice());
  }

  /** @param {Host | Nat} node @returns {Segment | undefined} undefined: a host */
  #insideOf(node) {
    return this.insides.get(/** @type {Nat} */ (node));
  }

  /** @param {Packet} packet @param {string} by @param {Because} because @returns {undefined} */
  #drop(packet, by, because) {
    this.log.dropped(packet, this.#clock.now(), by, because);
    this.onend();
  }
}
