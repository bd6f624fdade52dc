// One allocation as the engine and a transport make it: commands with promises, and data without.
import { canonicalAddress } from '../address.js';
import { PosternError } from '../errors.js';
import { isHardError, systemCode } from '../transport-failure.js';
import { deferred } from './deferred.js';
import { CLOSE_TIMEOUT_MS, MAX_UNSEEN_BYTES } from './limits.js';
import { lossReason, turnError } from './turn-error.js';

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('../engine/turn-types.js').AllocateRequest} AllocateRequest */
/** @typedef {import('../engine/turn-types.js').TurnCredentials} TurnCredentials */
/** @typedef {import('../engine/turn-types.js').TurnEngine} TurnEngine */
/** @typedef {import('../engine/turn-types.js').TurnEvent} TurnEvent */
/** @typedef {import('../engine/turn-types.js').TurnSettings} TurnSettings */
/** @typedef {import('../errors.js').Phase} Phase */
/** @typedef {import('../transports/transport.js').Transport} Transport */
/** @typedef {import('./peer.js').PeerAddress} PeerAddress */

/**
 * @template T
 * @typedef {import('./deferred.js').Deferred<T>} Deferred
 */

/** @typedef {'closed' | import('./turn-error.js').LossReason} EndReason */

/**
 * How a relay ended.
 *
 * @typedef {object} RelayEnd
 * @property {EndReason} reason 'closed' by close(); 'timeout': the server does not answer; 'expired': its lifetime ran
 *   out; 'refused': the server does not go on with it; 'transport': the connection broke; 'internal': our fault
 * @property {PosternError} [error] unless it was closed
 */

/**
 * Who a session works for.
 *
 * @typedef {object} SessionOwner
 * @property {(data: Uint8Array, peer: TransportAddress, channel: number) => void} data
 * @property {(event: TurnEvent) => void} event that came unasked
 * @property {() => void} drain what is sent may be more again
 * @property {(end: RelayEnd) => void} end once; commands under way are rejected already
 */

/** @typedef {Omit<TurnSettings, 'isReliable' | 'server' | 'padsChannelData'>} SessionSettings */

export class TurnSession {
  /** Datagrams that the network refused for their length. */
  tooLong = 0;

  /** @type {TurnEngine} */ #engine;
  /** @type {Transport} */ #transport;
  /** @type {SessionOwner | undefined} */ #owner;
  #handle;
  /** @type {RelayEnd | undefined} */ #end;
  /** @type {PosternError | undefined} */ #endError;
  /** What the network had to say since the last answer. @type {Error | undefined} */ #networkError;
  #isClosing = false;
  #isTransportGone = false;
  #isReferenced = true;
  /** Resolves with the end, when the transport is gone as well. @type {Deferred<RelayEnd>} */
  #closed = deferred();
  /** @type {Deferred<void>} */ #closing = deferred();

  // Commands under way, by what their events are told apart with.
  /** @type {Deferred<TurnEvent> | undefined} */ #allocating;
  /** @type {Map<string, Deferred<TurnEvent>>} */ #permits = new Map();
  /** @type {Map<number, Deferred<TurnEvent>>} */ #binds = new Map();
  /** @type {Map<number, Deferred<TurnEvent>>} */ #connects = new Map();
  /** @type {Deferred<TurnEvent> | undefined} */ #refreshing;
  /** @type {Deferred<TurnEvent> | undefined} */ #moving;

  // Back-pressure. The engine hands on later what it is given, and only then does the transport say what it thinks of it.
  #isBlocked = false;
  /** Given to the engine since it last handed something on. */
  #unseenBytes = 0;
  #willSee = false;

  /** When the first request left, and when the first bytes came. */
  #firstSentAt = 0;
  #firstReceivedAt = 0;

  /** @param {TurnEngine} engine @param {Transport} transport @param {SessionSettings} settings */
  constructor(engine, transport, settings) {
    this.#engine = engine;
    this.#transport = transport;
    this.#handle = engine.openTurn(
      {
        ...settings,
        isReliable: transport.reliable,
        server: transport.remoteAddress,
        padsChannelData: !isFramed(transport),
        // RFC 8656 section 4: TCP's own keep-alive is left to who wants it; UDP's binding is lost without.
        keepAliveMs: transport.reliable ? 0 : settings.keepAliveMs,
      },
      {
        transmit: (bytes) => this.#transmit(bytes),
        data: (data, peer, channel) => this.#owner?.data(data, peer, channel),
        event: (event) => this.#handleEvent(event),
        lost: (error) => this.#fail(error),
      },
    );
    this.#listen(transport);
  }

  /** @param {SessionOwner} owner */
  setOwner(owner) {
    this.#owner = owner;
  }

  get engine() {
    return this.#engine;
  }

  get handle() {
    return this.#handle;
  }

  get transport() {
    return this.#transport;
  }

  get closed() {
    return this.#closed.promise;
  }

  /** Why commands are refused; undefined while they are not. */
  get endError() {
    return this.#endError;
  }

  /** From the first request to the first answer, and from there to now, in milliseconds. */
  get answerTimes() {
    const answeredAt = this.#firstReceivedAt || this.#firstSentAt;
    return {
      firstAnswerMs: answeredAt - this.#firstSentAt,
      sinceMs: performance.now() - answeredAt,
    };
  }

  // --- Commands. All throw what turnError() makes of the event, or why the session has ended.

  /** @param {AllocateRequest} request @returns {Promise<TurnEvent>} 'allocated' or 'allocate-failed' */
  allocate(request) {
    this.#allocating = this.#command(() => this.#engine.allocate(this.#handle, request));
    return this.#allocating.promise;
  }

  /** @param {string} address canonical @returns {Promise<TurnEvent>} */
  permit(address) {
    return this.#inMap(this.#permits, () => {
      this.#engine.permit(this.#handle, { address, port: 0 });
      return address;
    });
  }

  /** @param {string} address */
  releasePermission(address) {
    if (this.#endError === undefined)
      this.#engine.releasePermission(this.#handle, { address, port: 0 });
  }

  /** @param {PeerAddress} peer @returns {Promise<TurnEvent>} with the channel's number */
  bindChannel(peer) {
    return this.#inMap(this.#binds, () => this.#engine.bindChannel(this.#handle, peer));
  }

  /** @param {number} channel */
  releaseChannel(channel) {
    if (this.#endError === undefined) this.#engine.releaseChannel(this.#handle, channel);
  }

  /** @param {PeerAddress} peer @returns {Promise<TurnEvent>} with the CONNECTION-ID (RFC 6062 section 5.2) */
  connect(peer) {
    return this.#inMap(this.#connects, () => this.#engine.connect(this.#handle, peer));
  }

  /** One after the other. @param {number} lifetimeSeconds 0: as before @returns {Promise<TurnEvent>} */
  async refresh(lifetimeSeconds) {
    while (this.#refreshing !== undefined) await settled(this.#refreshing.promise);
    this.#refreshing = this.#command(() => this.#engine.refresh(this.#handle, lifetimeSeconds));
    return this.#refreshing.promise;
  }

  /** @param {TurnCredentials} credentials */
  setCredentials(credentials) {
    if (this.#endError !== undefined) throw this.#endError;
    this.#engine.setCredentials(this.#handle, credentials);
  }

  /**
   * Goes on over another transport (RFC 8016). When the server does not want that, over the one before.
   *
   * @param {Transport} next open; the session's from now on
   * @returns {Promise<TurnEvent>}
   */
  async moveTo(next) {
    const previous = this.#transport;
    let isPreviousGone = false;
    try {
      if (this.#moving !== undefined)
        throw new PosternError('ERR_CANCELLED', 'A move is under way.');
      this.#moving = this.#command(() => this.#engine.move(this.#handle));
    } catch (error) {
      next.close();
      throw error;
    }
    this.#use(next);
    previous.onclose = () => {
      isPreviousGone = true;
    };
    previous.onerror = undefined;
    previous.ondrain = undefined;
    // Two streams cannot be read as one; whole messages can.
    if (!isFramed(previous)) previous.onbytes = undefined;
    try {
      const event = await this.#moving.promise;
      discard(previous);
      return event;
    } catch (error) {
      if (this.#end === undefined) {
        discard(next);
        this.#use(previous);
        if (isPreviousGone) this.#lostTransport();
      } else discard(previous);
      throw error;
    } finally {
      this.#moving = undefined;
    }
  }

  // --- Data.

  /** @param {Uint8Array} bytes @param {PeerAddress} peer @param {boolean} dontFragment @returns {boolean} whether more may follow */
  send(bytes, peer, dontFragment) {
    this.#engine.send(this.#handle, bytes, peer, dontFragment);
    return this.#account(bytes.length);
  }

  /** @param {Uint8Array} bytes @param {number} channel @returns {boolean} whether more may follow */
  sendChannel(bytes, channel) {
    this.#engine.sendChannel(this.#handle, bytes, channel);
    return this.#account(bytes.length);
  }

  get isWritable() {
    return !this.#isBlocked && this.#unseenBytes < MAX_UNSEEN_BYTES;
  }

  /** @param {number} length */
  #account(length) {
    this.#unseenBytes += length;
    if (this.#unseenBytes >= MAX_UNSEEN_BYTES && !this.#willSee) {
      this.#willSee = true;
      // Behind the engine's own microtask, which was asked for before. It may have had nothing to hand on.
      queueMicrotask(this.#see);
    }
    return this.isWritable;
  }

  #see = () => {
    this.#willSee = false;
    this.#unseenBytes = 0;
    if (!this.#isBlocked) this.#owner?.drain();
  };

  // --- The end.

  /** Gives the allocation back (Refresh with LIFETIME 0), waits for the answer no longer than CLOSE_TIMEOUT_MS. */
  async close() {
    if (this.#end !== undefined || this.#isClosing) return this.closed;
    this.#isClosing = true;
    const error = new PosternError('ERR_TURN_NO_ALLOCATION', 'The relay was closed.');
    this.#endError = error;
    this.#rejectAll(error);
    const timer = setTimeout(this.#closing.resolve, CLOSE_TIMEOUT_MS);
    try {
      this.#engine.closeAllocation(this.#handle);
      await this.#closing.promise;
    } catch {
      // There is nothing to give back.
    } finally {
      clearTimeout(timer);
    }
    this.#finish({ reason: 'closed' });
    return this.closed;
  }

  /** Closes without a word to the server, where there is no allocation. */
  abandon() {
    this.#endError ??= new PosternError('ERR_TURN_NO_ALLOCATION', 'The relay was closed.');
    this.#finish({ reason: 'closed' });
  }

  ref() {
    this.#isReferenced = true;
    this.#transport.ref();
  }

  unref() {
    this.#isReferenced = false;
    this.#transport.unref();
  }

  /** What was dropped, by reason. @returns {Record<string, number>} */
  stats() {
    return this.#engine.turnStats(this.#handle);
  }

  /** @param {PosternError} error */
  #fail(error) {
    if (this.#end !== undefined) return;
    // While closing, it is as good as closed.
    if (this.#isClosing) this.#closing.resolve();
    else this.#finish({ reason: lossReason(error), error });
  }

  /** @param {RelayEnd} end */
  #finish(end) {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#endError ??= end.error;
    this.#rejectAll(this.#endError);
    this.#engine.close(this.#handle);
    this.#transport.close();
    if (this.#isTransportGone) this.#closed.resolve(end);
    this.#owner?.end(end);
  }

  /** @param {unknown} error */
  #rejectAll(error) {
    for (const map of [this.#permits, this.#binds, this.#connects]) {
      for (const one of map.values()) one.reject(error);
      map.clear();
    }
    this.#allocating?.reject(error);
    this.#refreshing?.reject(error);
    this.#moving?.reject(error);
    this.#allocating = this.#refreshing = undefined;
  }

  // --- The transport.

  /** @param {Transport} transport */
  #use(transport) {
    this.#transport = transport;
    this.#isTransportGone = false;
    this.#isBlocked = false;
    if (!this.#isReferenced) transport.unref();
    this.#listen(transport);
    this.#owner?.drain();
  }

  /** @param {Transport} transport */
  #listen(transport) {
    const engine = this.#engine;
    const handle = this.#handle;
    if (isFramed(transport)) {
      const { address, port } = transport.remoteAddress;
      transport.onbytes = (bytes, source) => {
        if (this.#firstReceivedAt === 0) this.#firstReceivedAt = performance.now();
        if (source === undefined || (source.port === port && source.address === address)) {
          engine.datagram(handle, bytes);
        } else engine.datagramFrom(handle, bytes, source);
      };
    } else {
      transport.onbytes = (bytes) => {
        if (this.#firstReceivedAt === 0) this.#firstReceivedAt = performance.now();
        engine.stream(handle, bytes);
      };
    }
    transport.onerror = (error) => {
      // Requests are short: this was a peer's datagram.
      if (systemCode(error) === 'EMSGSIZE') this.tooLong += 1;
      else {
        this.#networkError = error;
        engine.transportError(handle, isHardError(error));
      }
    };
    transport.ondrain = () => {
      this.#isBlocked = false;
      this.#owner?.drain();
    };
    transport.onclose = (error) => {
      this.#networkError = error ?? this.#networkError;
      this.#lostTransport();
    };
  }

  #lostTransport() {
    this.#isTransportGone = true;
    if (this.#end === undefined) this.#engine.transportClosed(this.#handle);
    else this.#closed.resolve(this.#end);
  }

  /** @param {Uint8Array} bytes */
  #transmit(bytes) {
    if (this.#firstSentAt === 0) this.#firstSentAt = performance.now();
    this.#unseenBytes = 0;
    try {
      if (!this.#transport.send(bytes)) this.#isBlocked = true;
    } catch (cause) {
      // Ours do not throw; one of the caller's may.
      const sentence = 'The transport refused to send.';
      this.#fail(new PosternError('ERR_TRANSPORT_CLOSED', sentence, { cause }));
    }
  }

  // --- Events.

  /**
   * @param {() => void} start
   * @returns {Deferred<TurnEvent>}
   */
  #command(start) {
    if (this.#endError !== undefined) throw this.#endError;
    start();
    return deferred();
  }

  /**
   * @template Key
   * @param {Map<Key, Deferred<TurnEvent>>} map
   * @param {() => Key} start
   * @returns {Promise<TurnEvent>}
   */
  async #inMap(map, start) {
    if (this.#endError !== undefined) throw this.#endError;
    const key = start();
    const waiting = map.get(key) ?? deferred();
    map.set(key, waiting);
    return waiting.promise;
  }

  /**
   * @param {Deferred<TurnEvent> | undefined} waiting
   * @param {TurnEvent} event
   * @param {Phase} [failed] in which phase, if it is one of a failure
   */
  #settle(waiting, event, failed) {
    if (failed === undefined) {
      this.#networkError = undefined;
      waiting?.resolve(event);
    } else waiting?.reject(turnError(event, failed, this.#networkError));
  }

  /**
   * @template Key
   * @param {Map<Key, Deferred<TurnEvent>>} map
   * @param {Key} key
   * @param {TurnEvent} event
   * @param {Phase} [failed]
   */
  #settleIn(map, key, event, failed) {
    const waiting = map.get(key);
    map.delete(key);
    this.#settle(waiting, event, failed);
  }

  /** @param {TurnEvent} event */
  #handleEvent(event) {
    const { type, number, token, peer } = event;
    const address = canonicalAddress(peer?.address ?? '') ?? '';
    switch (type) {
      case 'allocated':
      case 'allocate-failed':
        this.#settle(this.#allocating, event, type === 'allocated' ? undefined : 'allocate');
        this.#allocating = undefined;
        return;
      case 'permitted':
        return this.#settleIn(this.#permits, address, event);
      case 'permission-failed':
        return this.#settleIn(this.#permits, address, event, 'permission');
      case 'channel-bound':
        return this.#settleIn(this.#binds, number, event);
      case 'channel-failed':
        return this.#settleIn(this.#binds, number, event, 'channel');
      case 'connected':
        return this.#settleIn(this.#connects, token, event);
      case 'connect-failed':
        return this.#settleIn(this.#connects, token, event, 'peer');
      case 'refreshed':
      case 'refresh-failed': {
        const waiting = this.#refreshing;
        this.#refreshing = undefined;
        this.#settle(waiting, event, type === 'refreshed' ? undefined : 'refresh');
        if (type === 'refreshed') this.#owner?.event(event);
        return;
      }
      case 'moved':
      case 'move-failed':
        return this.#settle(this.#moving, event, type === 'moved' ? undefined : 'move');
      case 'lost':
        return this.#fail(turnError(event, 'refresh', this.#networkError));
      case 'closed':
        return this.#closing.resolve();
      default:
        this.#owner?.event(event);
    }
  }
}

/** A transport of the caller's may be of before there was `framed`. @param {Transport} transport */
const isFramed = ({ reliable, framed = !reliable }) => framed;

/** Closes a transport that is none of ours any more. @param {Transport} transport */
function discard(transport) {
  transport.onbytes = undefined;
  transport.onclose = undefined;
  transport.close();
}

/** @param {Promise<unknown>} promise */
const settled = (promise) => promise.then(ignore, ignore);
const ignore = () => {};
