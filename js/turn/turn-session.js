// One allocation as the engine and a transport make it: commands with promises, and data without.
import { PosternError } from '../errors.js';
import { isHardError, systemCode } from '../transport-failure.js';
import { deferred } from './deferred.js';
import { CLOSE_TIMEOUT_MS, MAX_UNSEEN_BYTES } from './limits.js';
import { PendingCommands } from './pending-commands.js';
import { lossReason, turnError } from './turn-error.js';

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('../engine/turn-types.js').AllocateRequest} AllocateRequest */
/** @typedef {import('../engine/turn-types.js').TurnCredentials} TurnCredentials */
/** @typedef {import('../engine/turn-types.js').TurnEngine} TurnEngine */
/** @typedef {import('../engine/turn-types.js').TurnEvent} TurnEvent */
/** @typedef {import('../engine/turn-types.js').TurnSettings} TurnSettings */
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
  #isMoving = false;
  #isReferenced = true;
  /** Resolves with the end, when the transport is gone as well. @type {Deferred<RelayEnd>} */
  #closed = deferred();
  /** @type {Deferred<void>} */ #closing = deferred();

  #pending = new PendingCommands();
  /** Counters at the end. @type {Record<string, number> | undefined} */ #lastStats;

  // Back-pressure. The engine hands on later what it is given, and only then does the transport say what it thinks of it.
  #isBlocked = false;
  /** Given to the engine since it last handed something on. */
  #unseenBytes = 0;
  #willSee = false;

  /** When the first request left, and when the first bytes came. */
  /** @type {number | undefined} */ #firstSentAt;
  /** @type {number | undefined} */ #firstReceivedAt;

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

  /** The transport's. */
  get clock() {
    return this.#engine.clock;
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
    const now = this.clock.now();
    const sentAt = this.#firstSentAt ?? now;
    const answeredAt = this.#firstReceivedAt ?? sentAt;
    return { firstAnswerMs: answeredAt - sentAt, sinceMs: now - answeredAt };
  }

  // --- Commands. All throw what turnError() makes of the event, or why the session has ended.

  /** @param {AllocateRequest} request @returns {Promise<TurnEvent>} */
  async allocate(request) {
    this.#requireOpen();
    this.#engine.allocate(this.#handle, request);
    return this.#pending.add('allocate');
  }

  /** @param {string} address canonical @returns {Promise<TurnEvent>} */
  async permit(address) {
    this.#requireOpen();
    this.#engine.permit(this.#handle, { address, port: 0 });
    return this.#pending.add('permit', address);
  }

  /** @param {string} address */
  releasePermission(address) {
    this.#release(() => this.#engine.releasePermission(this.#handle, { address, port: 0 }));
    const error = new PosternError('ERR_CANCELLED', 'The permission was revoked.');
    this.#pending.reject('permit', address, error);
  }

  /** @param {PeerAddress} peer @returns {Promise<TurnEvent>} with the channel's number */
  async bindChannel(peer) {
    this.#requireOpen();
    return this.#pending.add('bind', this.#engine.bindChannel(this.#handle, peer));
  }

  /** @param {number} channel */
  releaseChannel(channel) {
    this.#release(() => this.#engine.releaseChannel(this.#handle, channel));
  }

  /** @param {() => void} tell */
  #release(tell) {
    if (this.#endError !== undefined) return;
    try {
      tell();
    } catch (error) {
      // The engine may know before the session that the allocation has gone, and all that it had.
      if (/** @type {PosternError} */ (error).code !== 'ERR_TURN_NO_ALLOCATION') throw error;
    }
  }

  /** @param {PeerAddress} peer @returns {Promise<TurnEvent>} with the CONNECTION-ID (RFC 6062 section 5.2) */
  async connect(peer) {
    this.#requireOpen();
    return this.#pending.add('connect', this.#engine.connect(this.#handle, peer));
  }

  /** One after the other. @param {number} lifetimeSeconds 0: as before @returns {Promise<TurnEvent>} */
  async refresh(lifetimeSeconds) {
    // Asked without a pause in between, so that two who come at once do not both find none.
    for (let end = this.#pending.endOf('refresh'); end; end = this.#pending.endOf('refresh'))
      await end;
    this.#requireOpen();
    this.#engine.refresh(this.#handle, lifetimeSeconds);
    return this.#pending.add('refresh');
  }

  /** @param {TurnCredentials} credentials */
  setCredentials(credentials) {
    this.#requireOpen();
    this.#engine.setCredentials(this.#handle, credentials);
  }

  /**
   * Goes on over another transport (RFC 8016). When the server does not want that, over the one before.
   *
   * @param {Transport} next open; the session's from now on
   * @returns {Promise<TurnEvent>}
   */
  async moveTo(next) {
    for (let end = this.#pending.endOf('move'); end; end = this.#pending.endOf('move')) await end;
    const previous = this.#transport;
    let isPreviousGone = false;
    /** @type {Promise<TurnEvent>} */
    let answer;
    try {
      this.#requireOpen();
      this.#engine.move(this.#handle);
      answer = this.#pending.add('move');
      this.#isMoving = true;
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
      const event = await answer;
      this.#isMoving = false;
      if (this.#isTransportGone && this.#end === undefined) this.#lostTransport();
      discard(previous);
      return event;
    } catch (error) {
      this.#isMoving = false;
      if (this.#end === undefined) {
        discard(next);
        this.#use(previous);
        if (isPreviousGone) this.#lostTransport();
      } else discard(previous);
      throw error;
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
    this.#pending.rejectAll(error);
    const timer = this.clock.setTimeout(this.#closing.resolve, CLOSE_TIMEOUT_MS);
    try {
      this.#engine.closeAllocation(this.#handle);
      await this.#closing.promise;
    } catch {
      // There is nothing to give back.
    } finally {
      this.clock.clearTimeout(timer);
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
    this.#engine.ref(this.#handle);
    this.#transport.ref();
  }

  unref() {
    this.#isReferenced = false;
    this.#engine.unref(this.#handle);
    this.#transport.unref();
  }

  /** What was dropped, by reason. @returns {Record<string, number>} */
  stats() {
    return this.#lastStats ?? this.#engine.turnStats(this.#handle);
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
    this.#pending.rejectAll(this.#endError);
    this.#lastStats = this.stats();
    this.#engine.close(this.#handle);
    this.#transport.close();
    if (this.#isTransportGone) this.#closed.resolve(end);
    this.#owner?.end(end);
  }

  #requireOpen() {
    if (this.#endError !== undefined) throw this.#endError;
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
        this.#firstReceivedAt ??= this.clock.now();
        if (source === undefined || (source.port === port && source.address === address)) {
          engine.datagram(handle, bytes);
        } else engine.datagramFrom(handle, bytes, source);
      };
    } else {
      transport.onbytes = (bytes) => {
        this.#firstReceivedAt ??= this.clock.now();
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
    if (this.#end !== undefined) this.#closed.resolve(this.#end);
    // Of what is under way, that ends the move, and not the allocation: there is the transport of before.
    else if (this.#isMoving) this.#engine.transportError(this.#handle, true);
    else this.#engine.transportClosed(this.#handle);
  }

  /** @param {Uint8Array} bytes */
  #transmit(bytes) {
    this.#firstSentAt ??= this.clock.now();
    this.#unseenBytes = 0;
    try {
      if (!this.#transport.send(bytes)) this.#isBlocked = true;
    } catch (cause) {
      // Ours do not throw; one of the caller's may.
      const sentence = 'The transport refused to send.';
      this.#fail(new PosternError('ERR_TRANSPORT_CLOSED', sentence, { cause }));
    }
  }

  /** @param {TurnEvent} event */
  #handleEvent(event) {
    const outcome = this.#pending.settle(event, this.#networkError);
    if (outcome === 'success') this.#networkError = undefined;
    if (event.type === 'lost') this.#fail(turnError(event, 'refresh', this.#networkError));
    else if (event.type === 'closed') this.#closing.resolve();
    // Credentials lead to a Refresh that nobody asked for.
    else if (outcome === undefined || event.type === 'refreshed') this.#owner?.event(event);
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
