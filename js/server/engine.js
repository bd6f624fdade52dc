// Drives the core of one server: what arrives on its sockets goes in, what is to be sent comes out in the same call, and
// then what there is to do.

import { AddressPacker, NO_ADDRESS, PeerBook } from '../engine/addresses.js';
import { Inbox } from '../engine/inbox.js';
import { HEAD, HEAD_WORDS, NO_INPUT } from '../engine/layout.js';
import { RecordTexts } from '../engine/record-texts.js';
import { copyOut } from '../engine/slab.js';
import {
  writeKey,
  writeLink,
  writeNumbers,
  writeOpen,
  writePolicy,
  writeRelay,
  writeTexts,
  writeTokenKeys,
} from './commands.js';
import { ServerCore } from './core.js';
import {
  SERVER_COMMAND,
  SERVER_EVENT,
  SERVER_EVENT_WORDS,
  SERVER_EVENTS,
  SERVER_INPUT,
  SERVER_OUTPUT,
  SERVER_STATS,
  TO_PEER,
  TO_PEER_WORDS,
  TRANSMIT,
  TRANSMIT_WORDS,
} from './layout.js';
import { MACHINE } from './platform.js';

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('./commands.js').CoreSettings} CoreSettings */

/**
 * A place to send to, made once for each.
 *
 * @typedef {object} Destination
 * @property {string} address
 * @property {number} port
 * @property {import('../address.js').AddressFamily} family
 * @property {boolean} isForbidden
 */

/**
 * What the core asks for, or tells: see ServerEventKind in src/server/server_event.h.
 *
 * @typedef {object} CoreEvent
 * @property {typeof SERVER_EVENTS[number]} kind
 * @property {number} relay
 * @property {number} reserved
 * @property {number} link
 * @property {number} connection
 * @property {number} question
 * @property {number} family 4 or 6
 * @property {number} protocol
 * @property {number} portWish
 * @property {number} lifetimeSeconds
 * @property {TransportAddress | undefined} peer
 * @property {TransportAddress | undefined} client
 * @property {TransportAddress[]} relayed
 * @property {string} username
 */

/**
 * Who owns the sockets. `transmit` and `toPeer` are called while the outbox is read, and call nothing here; the others
 * may.
 *
 * @typedef {object} EngineOwner
 * @property {(link: number, bytes: Uint8Array, to: Destination) => void} transmit a message for a client
 * @property {(relay: number, buffer: Uint8Array, offset: number, length: number, peer: Destination) => void} toPeer
 * @property {(link: number, bytes: Uint8Array) => void} leftover what came on a link after it was joined to a peer
 * @property {(link: number) => void} closeLink its stream makes no sense
 * @property {(event: CoreEvent) => void} event
 * @property {(error: Error) => void} lost the core has died
 * @property {(address: string, port: number) => boolean} isForbidden whether nothing may be sent there
 */

/**
 * @typedef {object} LinkSettings
 * @property {TransportAddress} local
 * @property {TransportAddress} [remote] of a connection
 * @property {boolean} isStream
 * @property {boolean} isReliable
 * @property {readonly [number, number, number]} [others]
 */

/** Clients and peers whose address is kept as an object. */
const MAX_DESTINATIONS = 65_536;
const MAX_TIMER_MS = 0x7fffffff;

export class ServerEngine {
  #core;
  #inbox;
  #addresses;
  #destinations;
  #owner;
  #clock;
  #timeOfDay;
  /** What is to be told when the outbox was read. @type {(() => void)[]} */
  #tasks = [];
  #isTelling = false;
  /** @type {NodeJS.Timeout | undefined} */
  #timer;
  #timerAt = Infinity;
  #isClosed = false;
  #onTimer = () => {
    this.#timerAt = Infinity;
    this.#run();
  };

  /**
   * @param {Omit<CoreSettings, 'alternates'> & { alternates: readonly TransportAddress[] }} settings
   * @param {EngineOwner} owner
   * @param {Pick<import('./platform.js').ServerPlatform, 'clock' | 'timeOfDay'>} [platform]
   */
  constructor(settings, owner, { clock, timeOfDay } = MACHINE) {
    this.#owner = owner;
    this.#clock = clock;
    this.#timeOfDay = timeOfDay;
    this.#core = new ServerCore(() => owner.lost(this.#core.lossError()));
    this.#inbox = new Inbox(this.#core);
    this.#addresses = new AddressPacker(this.#core);
    this.#destinations = new PeerBook(
      this.#core,
      /** @returns {Destination} */
      (address, port, family) => ({
        address,
        port,
        family,
        isForbidden: owner.isForbidden(address, port),
      }),
      MAX_DESTINATIONS,
    );
    const alternates = settings.alternates.map(({ address, port }) => ({
      address: this.#addresses.pack(address),
      port,
    }));
    const bytes = writeOpen(this.#core, { ...settings, alternates });
    this.#core.checked(this.#core.guard((call) => call.open(this.#clock.now(), bytes)));
    this.tellTime();
  }

  // What arrives.

  /**
   * One whole message of a client's, by UDP or WebSocket.
   *
   * @param {number} link
   * @param {Uint8Array} bytes
   * @param {{ address: string, port: number }} [source] where the link is not one client's
   */
  message(link, bytes, source) {
    if (source === undefined) this.#push(SERVER_INPUT.message, link, bytes, 0, NO_ADDRESS);
    else {
      const address = this.#addresses.pack(source.address);
      this.#push(SERVER_INPUT.message, link, bytes, source.port, address);
    }
  }

  /** @param {number} link @param {Uint8Array} bytes any piece of its stream */
  stream(link, bytes) {
    for (let rest = bytes; rest.length > 0; ) {
      const piece = rest.subarray(0, this.#inbox.room);
      this.#push(SERVER_INPUT.stream, link, piece, 0, NO_ADDRESS);
      rest = rest.subarray(piece.length);
    }
  }

  /** @param {number} relay @param {Uint8Array} bytes @param {{ address: string, port: number }} peer */
  peerData(relay, bytes, peer) {
    const address = this.#addresses.pack(peer.address);
    this.#push(SERVER_INPUT.peerData, relay, bytes, peer.port, address);
  }

  // What happens to sockets.

  /** @param {number} link @param {LinkSettings} settings */
  addLink(link, { local, remote, isStream, isReliable, others }) {
    const from = this.#addresses.pack(local.address);
    const to = remote === undefined ? NO_ADDRESS : this.#addresses.pack(remote.address);
    this.#command(SERVER_COMMAND.addLink, () =>
      writeLink(this.#core, link, {
        local: from,
        localPort: local.port,
        remote: to,
        remotePort: remote?.port ?? 0,
        isStream,
        isReliable,
        others,
      }),
    );
  }

  /** @param {number} link */
  removeLink(link) {
    this.#happen(SERVER_COMMAND.removeLink, link);
  }

  /** @param {number} relay @param {TransportAddress} address that clients are told */
  relayOpened(relay, address) {
    this.#commandRelay(SERVER_COMMAND.relayOpened, relay, address);
    this.#run();
  }

  /** @param {number} relay */
  relayFailed(relay) {
    this.#happen(SERVER_COMMAND.relayFailed, relay);
  }

  /** @param {number} connection */
  peerConnected(connection) {
    this.#happen(SERVER_COMMAND.peerConnected, connection);
  }

  /** @param {number} connection */
  peerRefused(connection) {
    this.#happen(SERVER_COMMAND.peerRefused, connection);
  }

  /** @param {number} connection */
  peerClosed(connection) {
    this.#happen(SERVER_COMMAND.peerClosed, connection);
  }

  /** @param {number} relay @param {TransportAddress} peer @returns {number} its connection; 0: it may not */
  peerAccepted(relay, peer) {
    if (this.#isOver) return 0;
    this.#commandRelay(SERVER_COMMAND.peerAccepted, relay, peer);
    const { accepted } = this.#core;
    this.#run();
    return accepted;
  }

  // Users and rules.

  /** @param {string} username @param {string} password both prepared */
  setUser(username, password) {
    this.#command(SERVER_COMMAND.setUser, () => writeTexts(this.#core, username, password));
  }

  /** @param {string} username @returns {boolean} false where there is none */
  removeUser(username) {
    const command = SERVER_COMMAND.removeUser;
    const bytes = writeTexts(this.#core, username);
    return this.#core.guard((call) => call.command(command, this.#clock.now(), bytes)) === 0;
  }

  /** @param {readonly string[]} secrets */
  setSecrets(secrets) {
    this.#command(SERVER_COMMAND.setSecrets, () => writeTexts(this.#core, ...secrets));
  }

  /** @param {import('./commands.js').Policy} policy */
  setPolicy(policy) {
    this.#command(SERVER_COMMAND.setPolicy, () => writePolicy(this.#core, policy));
  }

  /** Instead of those that were there. @param {readonly import('./commands.js').TokenKey[]} keys */
  setTokenKeys(keys) {
    this.#command(SERVER_COMMAND.setTokenKeys, () => writeTokenKeys(this.#core, keys));
  }

  /** Whether nothing new is allocated. @param {boolean} isDraining */
  setDraining(isDraining) {
    this.#happen(SERVER_COMMAND.setDraining, Number(isDraining));
  }

  /** @param {number} question @param {string} password prepared; '' for none */
  answerKey(question, password) {
    if (this.#isOver) return;
    this.#command(SERVER_COMMAND.answerKey, () => writeKey(this.#core, question, password));
    this.#run();
  }

  /** Names that end need the time of day; the system's clock may be set. */
  tellTime() {
    this.#happen(SERVER_COMMAND.setTimeOfDay, Math.floor(this.#timeOfDay() / 1000));
  }

  /** Ends all allocations. */
  endAll() {
    if (this.#isOver) return;
    this.#command(SERVER_COMMAND.endAll, () => 0);
    this.#run();
  }

  /** @returns {Record<typeof SERVER_STATS[number], number>} */
  stats() {
    const core = this.#core;
    const count = core.guard((call) => call.stats()) ?? 0;
    const start = core.outbox >> 3;
    return /** @type {Record<typeof SERVER_STATS[number], number>} */ (
      Object.fromEntries(
        SERVER_STATS.map((name, i) => [name, i < count ? core.floats[start + i] : 0]),
      )
    );
  }

  /** Bytes of the core's memory. */
  get memoryBytes() {
    return this.#core.memory.buffer.byteLength;
  }

  /** Nothing is told any more. Idempotent. */
  close() {
    this.#isClosed = true;
    this.#clock.clearTimeout(this.#timer);
  }

  get #isOver() {
    return this.#isClosed || this.#core.death !== undefined;
  }

  /** @param {number} command @param {number} number */
  #happen(command, number) {
    if (this.#isOver) return;
    this.#command(command, () => writeNumbers(this.#core, number));
    this.#run();
  }

  /** @param {number} command @param {number} relay @param {TransportAddress} address */
  #commandRelay(command, relay, { address, port }) {
    const packed = this.#addresses.pack(address);
    this.#command(command, () => writeRelay(this.#core, relay, packed, port));
  }

  /** @param {number} command @param {() => number} write lays down the arguments */
  #command(command, write) {
    if (this.#isOver) return;
    const core = this.#core;
    const bytes = write();
    core.checked(core.guard((call) => call.command(command, this.#clock.now(), bytes)));
  }

  /**
   * @param {number} input
   * @param {number} handle
   * @param {Uint8Array} bytes
   * @param {number} port
   * @param {import('../engine/addresses.js').PackedAddress} address
   */
  #push(input, handle, bytes, port, address) {
    if (this.#isOver || bytes.length + address.bytes > this.#inbox.room) return;
    this.#inbox.push(input, handle, bytes, port, address);
    this.#run();
  }

  /** Works off the inbox and what is due. */
  #run() {
    if (this.#isOver) return;
    const core = this.#core;
    const inbox = this.#inbox;
    const now = this.#clock.now();
    let bytes = inbox.take();
    do {
      this.#read(core.process(bytes, now));
      bytes = 0;
    } while (core.death === undefined && core.hasMore);
    inbox.forgetInputs();
    if (this.#tasks.length > 0 && !this.#isTelling) this.#tell();
    if (core.nextTimeout !== this.#timerAt) this.#arm();
  }

  #tell() {
    this.#isTelling = true;
    // Telling may add to them.
    for (let i = 0; i < this.#tasks.length; i += 1) this.#tasks[i]();
    this.#tasks = [];
    this.#isTelling = false;
  }

  #arm() {
    this.#clock.clearTimeout(this.#timer);
    if (this.#isOver) return;
    const at = this.#core.nextTimeout;
    this.#timerAt = at;
    if (at === Infinity) return;
    const wait = Math.max(0, Math.ceil(at - this.#clock.now()));
    this.#timer = this.#clock.setTimeout(this.#onTimer, Math.min(wait, MAX_TIMER_MS));
    // The sockets keep the process alive.
    this.#timer?.unref?.();
  }

  /** @param {number} count of records in the outbox */
  #read(count) {
    const core = this.#core;
    const { words } = core;
    let word = core.outbox >> 2;
    for (let i = 0; i < count; i += 1) {
      const kind = words[word];
      const handle = words[word + HEAD.handle];
      const payloadBytes = words[word + HEAD.payloadBytes];
      let size = HEAD_WORDS;
      if (kind === SERVER_OUTPUT.transmit) {
        size = TRANSMIT_WORDS;
        const bytes = copyOut(core, (word + TRANSMIT_WORDS) * 4, payloadBytes);
        const addressBytes = words[word + TRANSMIT.addressBytes];
        const port = words[word + TRANSMIT.port];
        const to = this.#destinations.peer(word + TRANSMIT.address, addressBytes, port);
        this.#owner.transmit(handle, bytes, to);
      } else if (kind === SERVER_OUTPUT.toPeer || kind === SERVER_OUTPUT.leftover) {
        size = TO_PEER_WORDS;
        this.#readToPeer(kind, handle, word);
      } else if (kind === SERVER_OUTPUT.closeLink) {
        this.#tasks.push(() => this.#owner.closeLink(handle));
      } else {
        size = SERVER_EVENT_WORDS;
        const event = this.#readEvent(handle, word);
        this.#tasks.push(() => this.#owner.event(event));
      }
      word += size + ((payloadBytes + 3) >> 2);
    }
  }

  /** @param {number} kind @param {number} handle @param {number} word */
  #readToPeer(kind, handle, word) {
    const core = this.#core;
    const { words } = core;
    const length = words[word + TO_PEER.length];
    const input = words[word + TO_PEER.input];
    let buffer = this.#inbox.inputs[input];
    let offset = words[word + TO_PEER.offset];
    if (input === NO_INPUT) {
      buffer = copyOut(core, (word + TO_PEER_WORDS) * 4, length);
      offset = 0;
    }
    if (kind === SERVER_OUTPUT.leftover) {
      const bytes = buffer.subarray(offset, offset + length);
      this.#tasks.push(() => this.#owner.leftover(handle, bytes));
      return;
    }
    const peer = this.#destinations.peer(
      word + TO_PEER.address,
      words[word + TO_PEER.addressBytes],
      words[word + TO_PEER.port],
    );
    this.#owner.toPeer(handle, buffer, offset, length, peer);
  }

  /** @param {number} relay @param {number} word @returns {CoreEvent} */
  #readEvent(relay, word) {
    const { words } = this.#core;
    const texts = new RecordTexts(this.#core, word + SERVER_EVENT_WORDS);
    const [peer, client, ...relayed] = texts.addresses(word + SERVER_EVENT.addresses, 4);
    const [username] = texts.texts(word + SERVER_EVENT.textBytes, 1);
    return {
      kind: SERVER_EVENTS[words[word + SERVER_EVENT.event]],
      relay,
      reserved: words[word + SERVER_EVENT.reserved],
      link: words[word + SERVER_EVENT.link],
      connection: words[word + SERVER_EVENT.connection],
      question: words[word + SERVER_EVENT.question],
      family: words[word + SERVER_EVENT.family],
      protocol: words[word + SERVER_EVENT.protocol],
      portWish: words[word + SERVER_EVENT.portWish],
      lifetimeSeconds: words[word + SERVER_EVENT.lifetimeSeconds],
      peer,
      client,
      relayed: relayed.filter((address) => address !== undefined),
      username,
    };
  }
}
