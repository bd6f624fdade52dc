// One instance of the engine's WebAssembly core drives all clients of the process: it gathers what the transports
// deliver, and what is to be sent, within one turn of the event loop, makes one call, and hands out what comes back.

import { PLATFORM_CLOCK } from '../clock.js';
import { argumentError } from '../errors.js';
import { AddressPacker, NO_ADDRESS, PeerBook } from './addresses.js';
import { Core } from './core.js';
import { engineError } from './engine-error.js';
import { Inbox } from './inbox.js';
import { COMMAND, INPUT, KIND, STATS, TURN_STATS } from './layout.js';
import { Outbox } from './outbox.js';
import {
  writeAllocate,
  writeBinding,
  writeCredentials,
  writeOpen,
  writePeer,
  writeWords,
} from './requests.js';

/** @typedef {import('./client-types.js').BindingOptions} BindingOptions */
/** @typedef {import('./client-types.js').ClientOwner} ClientOwner */
/** @typedef {import('./client-types.js').ClientSettings} ClientSettings */
/** @typedef {import('./turn-types.js').AllocateRequest} AllocateRequest */
/** @typedef {import('./turn-types.js').BinderOwner} BinderOwner */
/** @typedef {import('./turn-types.js').PeerInput} PeerInput */
/** @typedef {import('./turn-types.js').TurnCredentials} TurnCredentials */
/** @typedef {import('./turn-types.js').TurnEngine} TurnEngine */
/** @typedef {import('./turn-types.js').TurnOwner} TurnOwner */
/** @typedef {import('./turn-types.js').TurnSettings} TurnSettings */

/**
 * What is known of a handle.
 *
 * @typedef {object} Client
 * @property {ClientOwner | TurnOwner | BinderOwner} owner
 * @property {PeerBook} peers
 * @property {boolean} isOpen
 * @property {number} tooLong how much of what was to be sent did not even fit into the inbox
 */

/** Node's timers hold 31 bits of milliseconds. */
const MAX_TIMER_MS = 0x7fffffff;
const NOTHING = new Uint8Array();
/** Its then() is a microtask for a tenth of what queueMicrotask() costs in Node.js, which makes an async resource of each. */
const RESOLVED = Promise.resolve();

/**
 * Drives one instance of the core.
 *
 * @implements {TurnEngine}
 */
export class Engine {
  #core;
  #inbox;
  #outbox;
  #addresses;
  /** @type {Map<number, Client>} */
  #clients = new Map();
  /** Those of them that do not keep the process alive. @type {Set<number>} */
  #unreferenced = new Set();
  #isScheduled = false;
  #isTelling = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #timerAt = Infinity;
  #onTick = () => {
    this.#isScheduled = false;
    this.#flush();
  };
  #onTimer = () => {
    this.#timerAt = Infinity;
    this.#flush();
  };

  /** @param {Uint8Array} wasm @param {import('../clock.js').Clock} [clock] */
  constructor(wasm, clock = PLATFORM_CLOCK) {
    this.clock = clock;
    this.#core = new Core(wasm, () => this.#loseAll());
    this.#inbox = new Inbox(this.#core);
    this.#outbox = new Outbox(this.#core, this.#clients);
    this.#addresses = new AddressPacker(this.#core);
  }

  get isDead() {
    return this.#core.death !== undefined;
  }

  // Clients of Binding transactions.

  /** @param {ClientSettings} settings @param {ClientOwner} owner @returns {number} handle */
  open(settings, owner) {
    return this.#open(KIND.stun, owner, () => this.#writeOpen(settings));
  }

  /** @param {number} handle @param {BindingOptions} [options] @returns {number} transaction */
  startBinding(handle, options = {}) {
    return this.#command(handle, COMMAND.startBinding, () => writeBinding(this.#core, options));
  }

  /** @param {number} handle */
  sendIndication(handle) {
    this.#command(handle, COMMAND.sendIndication);
  }

  /** Ends a transaction; its event follows. @param {number} handle @param {number} transaction */
  cancel(handle, transaction) {
    if (!this.#clients.has(handle) || this.isDead) return;
    this.#beginRequest();
    const bytes = writeWords(this.#core, transaction);
    this.#call(handle, COMMAND.cancel, bytes);
  }

  /** What was dropped, by reason. @param {number} handle @returns {Record<typeof STATS[number], number>} */
  stats(handle) {
    return this.#stats(handle, STATS);
  }

  // Relays: see TurnEngine in turn-types.js.

  /** @param {TurnSettings} settings @param {TurnOwner} owner @returns {number} handle */
  openTurn(settings, owner) {
    return this.#open(KIND.turn, owner, () => this.#writeOpen(settings));
  }

  /** @param {number} relay @param {number} connectionId @param {BinderOwner} owner @returns {number} handle */
  openBinder(relay, connectionId, owner) {
    const handle = this.#open(KIND.binder, owner, () =>
      writeWords(this.#core, relay, connectionId),
    );
    this.#schedule();
    return handle;
  }

  /** @param {number} handle @param {AllocateRequest} [request] */
  allocate(handle, request = {}) {
    this.#command(handle, COMMAND.allocate, () => writeAllocate(this.#core, request));
  }

  /** @param {number} handle @param {PeerInput} peer */
  permit(handle, peer) {
    this.#commandPeer(handle, COMMAND.permit, peer);
  }

  /** @param {number} handle @param {PeerInput} peer */
  releasePermission(handle, peer) {
    this.#commandPeer(handle, COMMAND.releasePermission, peer);
  }

  /** @param {number} handle @param {PeerInput} peer @returns {number} */
  bindChannel(handle, peer) {
    return this.#commandPeer(handle, COMMAND.bindChannel, peer);
  }

  /** @param {number} handle @param {number} channel */
  releaseChannel(handle, channel) {
    this.#command(handle, COMMAND.releaseChannel, () => writeWords(this.#core, channel));
  }

  /** @param {number} handle @param {PeerInput} peer @returns {number} token */
  connect(handle, peer) {
    return this.#commandPeer(handle, COMMAND.connect, peer);
  }

  /** @param {number} handle @param {number} [lifetimeSeconds] */
  refresh(handle, lifetimeSeconds = 0) {
    this.#command(handle, COMMAND.refresh, () => writeWords(this.#core, lifetimeSeconds));
  }

  /** @param {number} handle */
  move(handle) {
    this.#command(handle, COMMAND.move);
  }

  /** @param {number} handle @param {TurnCredentials} credentials */
  setCredentials(handle, credentials) {
    this.#command(handle, COMMAND.setCredentials, () => writeCredentials(this.#core, credentials));
  }

  /** @param {number} handle */
  closeAllocation(handle) {
    this.#command(handle, COMMAND.closeAllocation);
  }

  /** @param {number} handle @param {Uint8Array} bytes @param {PeerInput} peer @param {boolean} dontFragment */
  send(handle, bytes, peer, dontFragment) {
    const input = dontFragment ? INPUT.sendUnfragmented : INPUT.send;
    const address = this.#addresses.pack(peer.address);
    if (!this.#push(input, handle, bytes, peer.port, address)) this.#countTooLong(handle);
    this.#flushLater();
  }

  /** @param {number} handle @param {Uint8Array} bytes @param {number} channel */
  sendChannel(handle, bytes, channel) {
    if (!this.#push(INPUT.sendChannel, handle, bytes, channel, NO_ADDRESS)) {
      this.#countTooLong(handle);
    }
    this.#flushLater();
  }

  /** @param {number} handle @returns {Record<typeof TURN_STATS[number], number>} */
  turnStats(handle) {
    const stats = this.#stats(handle, TURN_STATS);
    stats.sendFailed += this.#clients.get(handle)?.tooLong ?? 0;
    return stats;
  }

  // Clients of all kinds.

  /** Nothing is told any more. Idempotent. @param {number} handle */
  close(handle) {
    const client = this.#clients.get(handle);
    if (client === undefined) return;
    // What came before is worked off first: other clients may be in it.
    this.#turn();
    client.isOpen = false;
    this.#clients.delete(handle);
    this.#unreferenced.delete(handle);
    this.#holdProcess();
    this.#core.guard((call) => call.close(handle));
    this.#schedule();
  }

  /** What is due for the client keeps the process alive, which is the default. @param {number} handle */
  ref(handle) {
    this.#unreferenced.delete(handle);
    this.#holdProcess();
  }

  /** Lets the process end in spite of the client. @param {number} handle */
  unref(handle) {
    if (this.#clients.has(handle)) this.#unreferenced.add(handle);
    this.#holdProcess();
  }

  /**
   * Owners are told before this returns, or, while one is being told, after that.
   *
   * @param {number} handle
   * @param {Uint8Array} bytes one whole message of the server
   */
  datagram(handle, bytes) {
    this.#push(INPUT.datagram, handle, bytes, 0, NO_ADDRESS);
    this.#flush();
  }

  /** The same, from elsewhere. @param {number} handle @param {Uint8Array} bytes @param {PeerInput} source */
  datagramFrom(handle, bytes, source) {
    const address = this.#addresses.pack(source.address);
    this.#push(INPUT.datagramFrom, handle, bytes, source.port, address);
    this.#flush();
  }

  /** Tells as datagram() does. @param {number} handle @param {Uint8Array} bytes any piece of a stream */
  stream(handle, bytes) {
    for (let rest = bytes; rest.length > 0 && !this.isDead; ) {
      const piece = rest.subarray(0, Math.max(0, this.#inbox.room));
      if (piece.length === 0) this.#turn();
      else this.#push(INPUT.stream, handle, piece, 0, NO_ADDRESS);
      rest = rest.subarray(piece.length);
    }
    this.#flush();
  }

  /** @param {number} handle @param {boolean} isHard see client::TransportError */
  transportError(handle, isHard) {
    this.#push(isHard ? INPUT.hardError : INPUT.softError, handle, NOTHING, 0, NO_ADDRESS);
    this.#flushLater();
  }

  /** @param {number} handle */
  transportClosed(handle) {
    this.#push(INPUT.closed, handle, NOTHING, 0, NO_ADDRESS);
    this.#flushLater();
  }

  /** @param {ClientSettings} settings */
  #writeOpen(settings) {
    return writeOpen(this.#core, this.#addresses.pack(settings.server.address), settings);
  }

  /** @param {number} kind @param {Client['owner']} owner @param {() => number} write */
  #open(kind, owner, write) {
    this.#beginRequest();
    const bytes = write();
    const handle = this.#checked(
      this.#core.guard((call) => call.open(kind, this.clock.now(), bytes)),
    );
    this.#clients.set(handle, {
      owner,
      peers: new PeerBook(this.#core),
      isOpen: true,
      tooLong: 0,
    });
    this.#holdProcess();
    return handle;
  }

  /** @param {number} handle @param {number} command @param {() => number} [write] lays down the arguments */
  #command(handle, command, write = () => 0) {
    this.#beginRequest();
    return this.#checked(this.#call(handle, command, write()));
  }

  /** @param {number} handle @param {number} command @param {PeerInput} peer */
  #commandPeer(handle, command, peer) {
    const address = this.#addresses.pack(peer.address);
    if (address === NO_ADDRESS && !this.isDead)
      throw argumentError('peer.address', 'an IP address');
    return this.#command(handle, command, () => writePeer(this.#core, address, peer.port));
  }

  /** @param {number} handle @param {number} command @param {number} bytes of arguments */
  #call(handle, command, bytes) {
    const result = this.#core.guard((call) =>
      call.command(handle, command, this.clock.now(), bytes),
    );
    this.#schedule();
    return result;
  }

  /** The inbox is about to be used for a request: what waits in it goes first. */
  #beginRequest() {
    if (!this.#inbox.isEmpty) this.#turn();
    if (this.isDead) throw this.#core.lossError();
  }

  /** @param {number | undefined} result @returns {number} */
  #checked(result) {
    if (result === undefined) throw this.#core.lossError();
    if (result < 0) throw engineError(-result);
    return result;
  }

  /**
   * @template {string} Name
   * @param {number} handle
   * @param {readonly Name[]} names
   * @returns {Record<Name, number>}
   */
  #stats(handle, names) {
    this.#turn();
    const core = this.#core;
    const count = core.guard((call) => call.stats(handle)) ?? 0;
    const start = core.outbox >> 3;
    return /** @type {Record<Name, number>} */ (
      Object.fromEntries(names.map((name, i) => [name, i < count ? core.floats[start + i] : 0]))
    );
  }

  /** @param {number} handle */
  #countTooLong(handle) {
    const client = this.#clients.get(handle);
    if (client !== undefined) client.tooLong += 1;
  }

  /**
   * @param {number} input
   * @param {number} handle
   * @param {Uint8Array} bytes
   * @param {number} port
   * @param {import('./addresses.js').PackedAddress} address
   * @returns {boolean} false: dropped, as it is longer than anything that a network carries
   */
  #push(input, handle, bytes, port, address) {
    if (this.isDead) return true;
    const length = bytes.length + address.bytes;
    if (length > this.#inbox.room) this.#turn();
    if (length > this.#inbox.room) return false;
    this.#inbox.push(input, handle, bytes, port, address);
    return true;
  }

  /** What is in the inbox is not for now. */
  #flushLater() {
    // Who is told asks for it: it is worked off when they all are.
    if (!this.#isTelling) this.#schedule();
  }

  #schedule() {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    RESOLVED.then(this.#onTick);
  }

  /** Works off the inbox and what is due, and keeps what comes of it in the outbox' queue. */
  #turn(now = this.clock.now()) {
    const core = this.#core;
    const inbox = this.#inbox;
    let bytes = inbox.take();
    do {
      this.#outbox.read(core.process(bytes, now), inbox.inputs);
      bytes = 0;
    } while (core.death === undefined && core.hasMore);
    inbox.forgetInputs();
    if (!this.#outbox.isEmpty && !this.#isTelling) this.#schedule();
  }

  #flush() {
    // Who is told something may ask for more: that is told in its turn.
    if (this.#isTelling) return;
    this.#isTelling = true;
    const now = this.clock.now();
    try {
      do {
        this.#turn(now);
        while (!this.#outbox.isEmpty) this.#outbox.tellNext();
      } while (!this.#inbox.isEmpty);
    } catch (error) {
      // An owner's, not that of who delivered something: the others are told all the same.
      queueMicrotask(() => {
        throw error;
      });
      this.#schedule();
    }
    this.#isTelling = false;
    this.#arm();
  }

  /** One timer for all clients. */
  #arm() {
    if (this.isDead) return;
    const at = this.#core.nextTimeout;
    if (at === this.#timerAt) return;
    this.clock.clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = undefined;
    if (at === Infinity) return;
    const wait = Math.max(0, Math.ceil(at - this.clock.now()));
    this.#timer = this.clock.setTimeout(this.#onTimer, Math.min(wait, MAX_TIMER_MS));
    if (this.#unreferenced.size > 0) this.#holdProcess();
  }

  /** The timer keeps a process of Node alive while one of the clients does. */
  #holdProcess() {
    const timer = /** @type {{ ref?: () => void, unref?: () => void } | undefined} */ (this.#timer);
    if (this.#unreferenced.size < this.#clients.size) timer?.ref?.();
    else timer?.unref?.();
  }

  /** The core has died. */
  #loseAll() {
    this.clock.clearTimeout(this.#timer);
    for (const { owner } of this.#clients.values()) {
      queueMicrotask(() => owner.lost(this.#core.lossError()));
    }
    this.#clients.clear();
  }
}
