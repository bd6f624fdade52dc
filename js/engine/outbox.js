// The outbox, and the queue of what was read from it. It is read as a whole before anybody is told, because whoever is
// told may use the core again.

import {
  BINDING_RECORD_WORDS,
  DATA,
  DATA_WORDS,
  HEAD,
  HEAD_WORDS,
  NO_INPUT,
  OUTPUT,
  TURN_RECORD_WORDS,
} from './layout.js';
import { readEvent } from './read-event.js';
import { readTurnEvent } from './read-turn-event.js';
import { copyOut } from './slab.js';

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('./core.js').Core} Core */
/** @typedef {import('./engine.js').Client} Client */
/** @typedef {import('./read-event.js').ClientEvent} ClientEvent */
/** @typedef {import('./turn-types.js').TurnEvent} TurnEvent */

/**
 * One thing to tell. They are used again, so that data in transit makes none.
 *
 * @typedef {object} Entry
 * @property {number} kind one of OUTPUT
 * @property {Client | undefined} client
 * @property {Uint8Array | undefined} bytes
 * @property {TransportAddress | undefined} peer
 * @property {number} channel
 * @property {ClientEvent | TurnEvent | undefined} event
 */

/** Entries that are kept for the next time. */
const MAX_SPARE_ENTRIES = 4096;

export class Outbox {
  #core;
  #clients;
  /** Those up to #next are told, those up to #end are not. @type {Entry[]} */
  #entries = [];
  #next = 0;
  #end = 0;

  /** @param {Core} core @param {Map<number, Client>} clients by handle */
  constructor(core, clients) {
    this.#core = core;
    this.#clients = clients;
  }

  get isEmpty() {
    return this.#next === this.#end;
  }

  /**
   * @param {number} count of records in the core's outbox
   * @param {Uint8Array[]} inputs of the batch
   */
  read(count, inputs) {
    const core = this.#core;
    const { words } = core;
    let word = core.outbox >> 2;
    for (let i = 0; i < count; i += 1) {
      const kind = words[word + HEAD.kind];
      const payloadBytes = words[word + HEAD.payloadBytes];
      const client = this.#clients.get(words[word + HEAD.handle]);
      let size = HEAD_WORDS;
      if (kind === OUTPUT.transmit) {
        if (client !== undefined) {
          this.#add(kind, client).bytes = copyOut(core, (word + HEAD_WORDS) * 4, payloadBytes);
        }
      } else if (kind === OUTPUT.data || kind === OUTPUT.leftover) {
        size = DATA_WORDS;
        if (client !== undefined) this.#readData(kind, client, word, inputs);
      } else if (kind === OUTPUT.turnEvent) {
        size = TURN_RECORD_WORDS;
        if (client !== undefined) this.#add(kind, client).event = readTurnEvent(core, word);
      } else {
        size = BINDING_RECORD_WORDS;
        if (client !== undefined) this.#add(kind, client).event = readEvent(core, word);
      }
      word += size + ((payloadBytes + 3) >> 2);
    }
  }

  /** Tells the next owner; there has to be one. */
  tellNext() {
    const entry = this.#entries[this.#next];
    const { kind, client, bytes, peer, channel, event } = entry;
    entry.client = undefined;
    entry.bytes = undefined;
    entry.peer = undefined;
    entry.event = undefined;
    this.#next += 1;
    if (this.#next === this.#end) {
      this.#next = 0;
      this.#end = 0;
      if (this.#entries.length > MAX_SPARE_ENTRIES) this.#entries.length = MAX_SPARE_ENTRIES;
    }
    if (client === undefined || !client.isOpen) return;
    // The kind of output says what kind of client it is, and with that what the owner can do.
    const owner = /** @type {any} */ (client.owner);
    if (kind === OUTPUT.data) owner.data(bytes, peer, channel);
    else if (kind === OUTPUT.transmit) owner.transmit(bytes);
    else if (kind === OUTPUT.turnEvent) owner.event(event);
    else if (kind === OUTPUT.leftover) owner.leftover(bytes);
    else owner.settle(event);
  }

  /** @param {number} kind @param {Client} client @returns {Entry} */
  #add(kind, client) {
    if (this.#end === this.#entries.length) {
      this.#entries.push({
        kind,
        client,
        bytes: undefined,
        peer: undefined,
        channel: 0,
        event: undefined,
      });
    }
    const entry = this.#entries[this.#end];
    this.#end += 1;
    entry.kind = kind;
    entry.client = client;
    return entry;
  }

  /** @param {number} kind @param {Client} client @param {number} word @param {Uint8Array[]} inputs */
  #readData(kind, client, word, inputs) {
    const { words, bytes } = this.#core;
    const length = words[word + DATA.length];
    const input = words[word + DATA.input];
    const entry = this.#add(kind, client);
    if (input === NO_INPUT) {
      const start = (word + DATA_WORDS) * 4;
      entry.bytes = bytes.slice(start, start + length);
    } else {
      const whole = inputs[input];
      entry.bytes = new Uint8Array(
        whole.buffer,
        whole.byteOffset + words[word + DATA.offset],
        length,
      );
    }
    if (kind === OUTPUT.leftover) return;
    entry.channel = words[word + DATA.channel];
    const addressBytes = words[word + DATA.addressBytes];
    entry.peer = client.peers.peer(word + DATA.address, addressBytes, words[word + DATA.port]);
  }
}
