// Two connections of this page with a relay between them: what one sends goes to the server, through the relay, and
// comes back to this page.
import { IceAgent, within } from './ice-agent.js';

/** @typedef {import('./ice-agent.js').Bounds} Bounds */

/**
 * 'open': data passes. 'no-far-end': the far end has no relay, such as with a quota of one. 'no-way': not even checks of ICE
 * pass. 'lost': these do, and nothing else.
 *
 * @typedef {'open' | 'no-far-end' | 'no-way' | 'lost'} Outcome
 */

/** Ours: checks, and the permissions of the server before them, several times over where packets are lost. */
const CHECK_MS = 8000;
/** DTLS and SCTP after that: packets do pass, so that it takes as long as it takes, where many are lost. */
const HANDSHAKE_MS = 30_000;

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
   * @returns {Promise<Outcome>}
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
    const { signal } = bounds;
    if (!(await near.connected({ timeoutMs: CHECK_MS, signal }))) return 'no-way';
    const channels = [near.reliable, near.datagrams, far.reliable, far.datagrams];
    const isOpen = await within(
      (/** @type {(value: boolean) => void} */ resolve) =>
        void Promise.all(channels.map(whenOpen)).then(() => resolve(true)),
      { timeoutMs: HANDSHAKE_MS, signal },
    );
    if (!isOpen) return 'lost';
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
 * @returns {Promise<{ path: RelayPath, relay: RTCIceCandidate | undefined, outcome: Outcome }>} without `relay`: its near
 *   end tells why
 */
export async function openRelayPath(server, bounds, onPath) {
  const path = new RelayPath(server);
  onPath(path);
  const relay = await path.allocate(bounds);
  if (relay === undefined) return { path, relay, outcome: 'no-way' };
  let outcome = await path.connect('relay', bounds);
  if (outcome === 'no-far-end') outcome = await path.connect('all', bounds);
  else if (outcome === 'no-way') {
    path.close();
    // An offer is answered once.
    const other = new RelayPath(server);
    onPath(other);
    const again = await other.allocate(bounds);
    if (again !== undefined) outcome = await other.connect('all', bounds);
    if (outcome === 'open') return { path: other, relay: again, outcome };
  }
  return { path, relay, outcome };
}
