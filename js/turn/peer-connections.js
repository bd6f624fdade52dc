// The TCP connections of a relay (RFC 6062): those that it makes, and those that peers make.
import { abortable } from '../resolve/abortable.js';
import { IncomingConnections } from './incoming-connections.js';
import { bindConnection } from './relay-connection.js';

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('../transports/transport.js').OpenOptions} OpenOptions */
/** @typedef {import('../transports/transport.js').Transport} Transport */
/** @typedef {import('./relay-connection.js').RelayConnection} RelayConnection */
/** @typedef {import('./turn-session.js').TurnSession} TurnSession */

export class PeerConnections {
  /** @type {IncomingConnections} */ incoming;

  #session;
  #open;
  /** @type {Set<RelayConnection>} */ #connections = new Set();
  /** Ends what is being made, with the relay. */
  #ending = new AbortController();
  #isReferenced = true;

  /**
   * @param {TurnSession} session
   * @param {(options: { signal: AbortSignal }) => Promise<Transport>} open another transport to the same server
   * @param {(peer: TransportAddress, error: unknown) => void} report a peer's connection that could not be taken
   */
  constructor(session, open, report) {
    this.#session = session;
    this.#open = open;
    this.incoming = new IncomingConnections(
      ({ connectionId, peer }) => this.#bind(connectionId, peer),
      ({ peer }, error) => report(peer, error),
    );
  }

  /** @param {TransportAddress} peer @param {AbortSignal | undefined} signal @returns {Promise<RelayConnection>} */
  async connect(peer, signal) {
    const { number } = await abortable(this.#session.connect(peer), signal);
    return this.#bind(number, peer, signal);
  }

  /** Those that are open, and those to come, keep the process alive. */
  ref() {
    this.#isReferenced = true;
    for (const connection of this.#connections) connection.ref();
  }

  unref() {
    this.#isReferenced = false;
    for (const connection of this.#connections) connection.unref();
  }

  /** @param {unknown} reason for what is being made @param {unknown} error for those who iterate, if it is one */
  end(reason, error) {
    this.#ending.abort(reason);
    this.incoming.end(error);
    for (const connection of this.#connections) connection.close();
  }

  /** @param {number} connectionId @param {TransportAddress} peer @param {AbortSignal} [givenUp] */
  async #bind(connectionId, peer, givenUp) {
    const ending = this.#ending.signal;
    // One for each: Node warns of a signal that more than ten listen to.
    const signal = AbortSignal.any(givenUp === undefined ? [ending] : [givenUp, ending]);
    const { engine, handle } = this.#session;
    const open = () => this.#open({ signal });
    const connection = await bindConnection({ engine, handle, open }, connectionId, peer, signal);
    this.#connections.add(connection);
    if (!this.#isReferenced) connection.unref();
    connection.closed.then(() => this.#connections.delete(connection));
    return connection;
  }
}
