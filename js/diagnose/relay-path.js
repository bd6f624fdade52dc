// Two connections of this page with a relay between them: what one sends goes to the server, through the relay, and
// comes back to this page.
import { IceAgent, within } from './ice-agent.js';

/** @typedef {{ timeoutMs: number, signal: AbortSignal }} Bounds */

/** Ours: DTLS and SCTP are five round trips, with time for some that are lost. */
const CONNECT_MS = 6000;

/** @param {RTCDataChannel} channel @param {(resolve: (value: true) => void) => void} resolve */
function whenOpen(channel, resolve) {
  const told = () => /** @type {any} */ (resolve)(true);
  if (channel.readyState === 'open') told();
  else channel.addEventListener('open', told, { once: true });
}

/**
 * `near` uses nothing but the relay. `far` uses a relay of the same server; or, where that leads nowhere, whatever it
 * finds, as a server may let no relay reach its own addresses.
 */
export class RelayPath {
  /** Milliseconds of each step that was done. @type {Record<string, number>} */ phases = {};
  /** @type {IceAgent | undefined} */ #far;

  /**
   * @param {RTCIceServer} server with one URL
   * @throws {import('../errors.js').PosternError} ERR_WEBRTC_UNAVAILABLE
   */
  constructor(server) {
    this.server = server;
    this.near = new IceAgent({ iceServers: [server], iceTransportPolicy: 'relay' });
  }

  get far() {
    if (this.#far === undefined) throw new Error('not connected');
    return this.#far;
  }

  /** @param {Bounds} bounds @returns {Promise<RTCIceCandidate | undefined>} the relay; undefined: `near` tells why not */
  async allocate(bounds) {
    await this.near.offer();
    const relay = await this.near.gathered('relay', bounds);
    if (relay !== undefined) this.phases.gathering = this.near.elapsedMs;
    return relay;
  }

  /**
   * @param {RTCIceTransportPolicy} policy of the far end
   * @param {AbortSignal} signal
   * @returns {Promise<boolean>} whether data passes
   */
  async connect(policy, signal) {
    const start = performance.now();
    this.#far = new IceAgent({ iceServers: [this.server], iceTransportPolicy: policy });
    await this.near.connect(this.#far);
    const { near, far } = this;
    const isOpen = await within(
      (/** @type {(value: true) => void} */ resolve) => {
        const channels = [near.reliable, near.datagrams, far.reliable, far.datagrams];
        Promise.all(
          channels.map((channel) => new Promise((done) => whenOpen(channel, () => done(true)))),
        ).then(() => resolve(true));
      },
      { timeoutMs: CONNECT_MS, signal },
    );
    if (isOpen) this.phases.connected = performance.now() - start;
    return isOpen === true;
  }

  close() {
    this.near.close();
    this.#far?.close();
  }
}

/**
 * A relay that data passes. Both ends are relayed, or else the near one only.
 *
 * @param {RTCIceServer} server with one URL
 * @param {Bounds} bounds of its making
 * @param {(path: RelayPath) => void} onPath told of each path before it is used, to close it
 * @returns {Promise<{ path: RelayPath, relay: RTCIceCandidate | undefined, isOpen: boolean }>}
 */
export async function openRelayPath(server, bounds, onPath) {
  /** @type {{ path: RelayPath, relay: RTCIceCandidate | undefined, isOpen: boolean } | undefined} */
  let first;
  for (const policy of /** @type {const} */ (['relay', 'all'])) {
    const path = new RelayPath(server);
    onPath(path);
    const relay = await path.allocate(bounds);
    const isOpen = relay !== undefined && (await path.connect(policy, bounds.signal));
    const found = { path, relay, isOpen };
    if (isOpen || relay === undefined) return first === undefined || isOpen ? found : first;
    first = found;
    path.close();
  }
  return /** @type {NonNullable<typeof first>} */ (first);
}
