// Two connections of this page with a relay between them: what one sends goes to the server, through the relay, and
// comes back to this page.
import { IceAgent, within } from './ice-agent.js';

/** @typedef {{ timeoutMs: number, signal: AbortSignal }} Bounds */

/** Ours: DTLS and SCTP are five round trips, with time for some that are lost. */
const CONNECT_MS = 6000;

/** @param {RTCDataChannel} channel @returns {Promise<void>} */
const whenOpen = (channel) =>
  new Promise((resolve) => {
    if (channel.readyState === 'open') resolve();
    else channel.addEventListener('open', () => resolve(), { once: true });
  });

/**
 * TURN servers answer STUN as well (RFC 8656 section 4); Firefox does not ask unless it is told to.
 *
 * @param {RTCIceServer} server with one URL
 * @returns {RTCIceServer[]}
 */
const stunOf = ({ urls }) =>
  [urls]
    .flat()
    .filter((url) => url.startsWith('turn:'))
    .map((url) => ({ urls: url.replace(/^turn/, 'stun').replace(/\?.*$/, '') }));

/**
 * `near` uses nothing but the relay. `far` uses a relay of the same server; or, where that leads nowhere, whatever it
 * finds, as a server may let no relay reach its own addresses.
 */
export class RelayPath {
  /** Milliseconds of each step that was done. @type {Record<string, number>} */ phases = {};
  /** @type {IceAgent | undefined} */ #far = undefined;

  /**
   * @param {RTCIceServer} server with one URL
   * @throws {import('../errors.js').PosternError} ERR_WEBRTC_UNAVAILABLE
   */
  constructor(server) {
    this.server = server;
    this.near = new IceAgent({ iceServers: [server], iceTransportPolicy: 'relay' });
  }

  /** There once it is connected. */
  get far() {
    return /** @type {IceAgent} */ (this.#far);
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
   * @param {Bounds} bounds of the making of its relay
   * @returns {Promise<'open' | 'closed' | 'no-far-end'>} whether data passes; 'no-far-end': the far end has no relay, such
   *   as with a quota of one, and another may be tried
   */
  async connect(policy, bounds) {
    const start = performance.now();
    const { near } = this;
    const iceServers = policy === 'relay' ? [this.server] : [this.server, ...stunOf(this.server)];
    const far = new IceAgent({ iceServers, iceTransportPolicy: policy });
    this.#far?.close();
    this.#far = far;
    await far.answer(near);
    if (policy === 'relay' && (await far.gathered('relay', bounds)) === undefined) {
      return 'no-far-end';
    }
    await near.accept(far);
    const channels = [near.reliable, near.datagrams, far.reliable, far.datagrams];
    const isOpen = await within(
      (/** @type {(value: boolean) => void} */ resolve) =>
        void Promise.all(channels.map(whenOpen)).then(() => resolve(true)),
      { timeoutMs: CONNECT_MS, signal: bounds.signal },
    );
    if (!isOpen) return 'closed';
    this.phases.connected = performance.now() - start;
    return 'open';
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
 * @returns {Promise<{ path: RelayPath, relay: RTCIceCandidate | undefined, isOpen: boolean }>} without `relay`: its near
 *   end tells why
 */
export async function openRelayPath(server, bounds, onPath) {
  const path = new RelayPath(server);
  onPath(path);
  const relay = await path.allocate(bounds);
  if (relay === undefined) return { path, relay, isOpen: false };
  let outcome = await path.connect('relay', bounds);
  if (outcome === 'no-far-end') outcome = await path.connect('all', bounds);
  else if (outcome === 'closed') {
    path.close();
    // An offer is answered once.
    const other = new RelayPath(server);
    onPath(other);
    const again = await other.allocate(bounds);
    if (again !== undefined && (await other.connect('all', bounds)) === 'open') {
      return { path: other, relay: again, isOpen: true };
    }
  }
  return { path, relay, isOpen: outcome === 'open' };
}
