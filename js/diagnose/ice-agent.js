// A connection of WebRTC that is watched: what it gathers, and what goes wrong.
import { PosternError } from '../errors.js';

/** @typedef {import('./ice-errors.js').IceError} IceError */
/** @typedef {{ timeoutMs: number, signal: AbortSignal }} Bounds */

/** What no channel of ours needs: each side makes it by itself, with the same number. */
const RELIABLE = Object.freeze({ negotiated: true, id: 0 });
const DATAGRAMS = Object.freeze({ negotiated: true, id: 1, ordered: false, maxRetransmits: 0 });

/**
 * Waits for something that an agent does.
 *
 * @template T
 * @param {(resolve: (value: T) => void) => void} subscribe
 * @param {Bounds} bounds
 * @returns {Promise<T | undefined>} undefined: the time was over
 * @throws `signal.reason`
 */
export const within = (subscribe, { timeoutMs, signal }) =>
  new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    };
    const abort = () => {
      end();
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      end();
      resolve(undefined);
    }, timeoutMs);
    signal.addEventListener('abort', abort, { once: true });
    subscribe((value) => {
      end();
      resolve(value);
    });
  });

export class IceAgent {
  /** @type {RTCIceCandidate[]} */ candidates = [];
  /** @type {IceError[]} */ errors = [];
  /** Told of each candidate. @type {((candidate: RTCIceCandidate) => void) | undefined} */ #taker;
  /** @type {Set<() => void>} */ #watchers = new Set();
  #startedAt = performance.now();
  #connection;

  /**
   * @param {RTCConfiguration} configuration
   * @throws {PosternError} ERR_WEBRTC_UNAVAILABLE; with `cause`: the browser takes no such configuration
   */
  constructor(configuration) {
    if (typeof RTCPeerConnection === 'undefined') throw new PosternError('ERR_WEBRTC_UNAVAILABLE');
    try {
      this.#connection = new RTCPeerConnection(configuration);
    } catch (cause) {
      throw new PosternError('ERR_WEBRTC_UNAVAILABLE', undefined, { cause });
    }
    this.reliable = this.#connection.createDataChannel('proof', RELIABLE);
    this.datagrams = this.#connection.createDataChannel('datagrams', DATAGRAMS);
    for (const channel of [this.reliable, this.datagrams]) channel.binaryType = 'arraybuffer';
    this.#connection.addEventListener('icecandidate', ({ candidate }) => {
      // Firefox says with an empty one that there are no more of them.
      if (!candidate?.candidate) return;
      this.candidates.push(candidate);
      this.#taker?.(candidate);
      this.#tell();
    });
    this.#connection.addEventListener('icecandidateerror', (event) => {
      const { errorCode, errorText, url } = event;
      const atMs = performance.now() - this.#startedAt;
      this.errors.push({ errorCode, errorText: errorText ?? '', url: url ?? '', atMs });
    });
    for (const event of ['icegatheringstatechange', 'iceconnectionstatechange']) {
      this.#connection.addEventListener(event, () => this.#tell());
    }
  }

  #tell() {
    for (const watcher of [...this.#watchers]) watcher();
  }

  get isComplete() {
    return this.#connection.iceGatheringState === 'complete';
  }

  get elapsedMs() {
    return performance.now() - this.#startedAt;
  }

  /** @param {RTCIceCandidateType} type */
  candidateOf(type) {
    return this.candidates.find((one) => one.type === type);
  }

  /** Begins to gather. */
  async offer() {
    this.#startedAt = performance.now();
    await this.#connection.setLocalDescription();
  }

  /**
   * Waits until there is a candidate of a type, or gathering has ended.
   *
   * @param {RTCIceCandidateType | undefined} type undefined: until it has ended
   * @param {Bounds} bounds
   * @returns {Promise<RTCIceCandidate | undefined>}
   * @throws `signal.reason`
   */
  async gathered(type, bounds) {
    const found = () => (type === undefined ? undefined : this.candidateOf(type));
    await this.#until(() => found() !== undefined || this.isComplete, bounds);
    return found();
  }

  /**
   * Waits until a check of ICE has been answered, or the browser has given up.
   *
   * @param {Bounds} bounds
   * @returns {Promise<boolean>} whether one was
   * @throws `signal.reason`
   */
  async connected(bounds) {
    const isIn = (/** @type {string[]} */ ...states) =>
      states.includes(this.#connection.iceConnectionState);
    await this.#until(() => isIn('connected', 'completed', 'failed', 'closed'), bounds);
    return isIn('connected', 'completed');
  }

  /** @param {() => boolean} isDone asked at each event @param {Bounds} bounds */
  async #until(isDone, bounds) {
    /** @type {(() => void) | undefined} */
    let watcher;
    try {
      await within((resolve) => {
        watcher = () => {
          if (isDone()) resolve(true);
        };
        this.#watchers.add(watcher);
        watcher();
      }, bounds);
    } finally {
      if (watcher !== undefined) this.#watchers.delete(watcher);
    }
  }

  /**
   * Takes another agent of this page, which has made an offer, for the other end, and begins to gather.
   *
   * @param {IceAgent} other
   */
  async answer(other) {
    const { localDescription } = other.#connection;
    const offer = /** @type {RTCSessionDescription} */ (localDescription);
    await this.#connection.setRemoteDescription(offer);
    this.#startedAt = performance.now();
    await this.#connection.setLocalDescription();
  }

  /** Takes the answer to its offer: both try to connect now. @param {IceAgent} other */
  async accept(other) {
    const { localDescription } = other.#connection;
    const answer = /** @type {RTCSessionDescription} */ (localDescription);
    await this.#connection.setRemoteDescription(answer);
    this.#tellCandidatesTo(other.#connection);
    other.#tellCandidatesTo(this.#connection);
  }

  /** Those that there are, and those to come. @param {RTCPeerConnection} to */
  #tellCandidatesTo(to) {
    this.#taker = (candidate) => {
      // Late ones of a connection that is closed meanwhile are of no use.
      to.addIceCandidate(candidate).catch(() => {});
    };
    for (const candidate of this.candidates) this.#taker(candidate);
  }

  /** @returns {Promise<{ local: string, remote: string } | undefined>} types of the pair that is in use */
  async selectedPair() {
    const stats = [...(await this.#connection.getStats()).values()];
    const transport = stats.find(({ type }) => type === 'transport');
    const pair = stats.find(
      ({ type, id, selected, nominated, state }) =>
        type === 'candidate-pair' &&
        (transport?.selectedCandidatePairId === undefined
          ? selected === true || (nominated === true && state === 'succeeded')
          : id === transport.selectedCandidatePairId),
    );
    const typeOf = (/** @type {string} */ wanted) =>
      stats.find(({ id }) => id === wanted)?.candidateType;
    const local = typeOf(pair?.localCandidateId);
    const remote = typeOf(pair?.remoteCandidateId);
    return local && remote ? { local, remote } : undefined;
  }

  close() {
    this.#taker = undefined;
    this.#watchers.clear();
    this.#connection.close();
  }
}
