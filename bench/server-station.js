// A server and what loads it.

import { Load } from './server-load.js';
import { USER } from './server-programs.js';

/** A round trip is two messages that are relayed. */
export const MESSAGES = 2;
export const CLIENTS = 8;
/** Round trips under way of all clients together. */
export const IN_FLIGHT = 32;
/** Round trips: V8 goes on optimising for tens of thousands of messages. */
export const WARM_UP = 40_000;

/** @typedef {import('./server-load.js').Mode} Mode */
/** @typedef {import('./server-programs.js').Contender} Contender */
/** @typedef {import('./server-programs.js').Server} Server */

/** A server, and the clients that load it. */
export class Station {
  /** @param {Server} server @param {Load} load */
  constructor(server, load) {
    this.server = server;
    this.load = load;
  }

  /** @param {Contender} contender */
  static async start({ start }) {
    const load = await Load.start();
    try {
      return new Station(await start(load.peer), load);
    } catch (error) {
      load.kill();
      throw error;
    }
  }

  /** @param {number} clients @param {Mode} mode @param {number} payload */
  async enter(clients, mode, payload) {
    const { server, load } = this;
    if (server.relays) await load.allocate(clients, server.at, USER);
    else await load.connect(clients, server.at);
    await load.open(mode, payload);
  }

  async stop() {
    this.load.kill();
    await this.server.stop();
  }
}

/**
 * @template T
 * @param {Contender} contender
 * @param {(station: Station) => Promise<T>} work
 */
export async function withStation(contender, work) {
  const station = await Station.start(contender);
  try {
    return await work(station);
  } finally {
    await station.stop();
  }
}
