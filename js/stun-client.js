// A STUN client on one transport: asks for the mapped address as often as wanted, and keeps the NAT's
// binding alive in between.

import { OUTPUT } from './engine/layout.js';
import { sharedEngine } from './engine/shared-engine.js';
import { PosternError } from './errors.js';
import { eventError } from './event-error.js';
import { checkBindOptions } from './stun-options.js';
import { isHardError } from './transport-failure.js';

/** @typedef {import('./codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('./engine/engine.js').BindingOptions} BindingOptions */
/** @typedef {import('./engine/engine.js').Engine} Engine */
/** @typedef {import('./engine/read-event.js').ClientEvent} ClientEvent */
/** @typedef {import('./stun-options.js').Settings} Settings */
/** @typedef {import('./transports/transport.js').Transport} Transport */

/**
 * What a Binding transaction tells.
 *
 * @typedef {object} BindingResult
 * @property {string} address the mapped address: how the server sees this client
 * @property {number} port
 * @property {'IPv4' | 'IPv6'} family
 * @property {number | null} roundTripMs from request to answer; null where the request had to be sent again, since
 *   the answer may be to any of them (Karn's rule)
 * @property {number} requestsSent with retransmissions and answers to challenges
 * @property {boolean} authenticated the answer's integrity was checked, and right
 * @property {string} transport 'udp', 'tcp', 'tls', 'ws' or the name of a transport of the caller's
 * @property {TransportAddress} localAddress
 * @property {TransportAddress} serverAddress
 * @property {string | undefined} software of the server (SOFTWARE)
 * @property {TransportAddress | undefined} otherAddress of servers that help discover NATs (RFC 5780 section 7.4)
 * @property {TransportAddress | undefined} responseOrigin (RFC 5780 section 7.3)
 */

/** @implements {AsyncDisposable} */
export class StunClient {
  /** @type {Engine} */ #engine;
  /** @type {Transport} */ #transport;
  #handle;
  /** @type {Map<number, { resolve(event: ClientEvent): void, reject(error: Error): void }>} */
  #waiting = new Map();
  #fingerprint;
  /** What the network had to say since it last let an answer through. @type {Error | undefined} */
  #transportError;
  /** Why nothing can be asked any more. @type {PosternError | undefined} */ #end;
  /** What closed the client, if it was not close(). @type {Error | undefined} */ #failure;
  /** @type {() => void} */ #resolveClosed = () => {};

  /**
   * Resolves when the client is closed, by either side, and its socket gone; never rejects. `error` is there
   * when it was neither close() nor the server that ended it.
   *
   * @type {Promise<{ error?: Error }>}
   */
  closed;

  /**
   * @param {Engine} engine
   * @param {Transport} transport
   * @param {Settings} settings
   * @internal
   */
  constructor(engine, transport, { fingerprint, ...settings }) {
    this.#engine = engine;
    this.#transport = transport;
    this.#fingerprint = fingerprint;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = () => resolve(this.#failure ? { error: this.#failure } : {});
    });
    this.#handle = engine.open(
      { ...settings, isReliable: transport.reliable, server: transport.remoteAddress },
      {
        transmit: (bytes) => this.#transmit(bytes),
        settle: (event) => this.#waiting.get(event.transaction)?.resolve(event),
        lost: (error) => this.#fail(error),
      },
    );
    this.#listen();
  }

  /**
   * @param {Transport} transport
   * @param {Settings} settings
   * @param {import('./clock.js').Clock} clock the transport's
   * @internal
   */
  static async over(transport, settings, clock) {
    try {
      return new StunClient(await sharedEngine({ clock }), transport, settings);
    } catch (error) {
      transport.close();
      throw error;
    }
  }

  /** How this end of the transport is called on this machine. */
  get localAddress() {
    return this.#transport.localAddress;
  }

  get serverAddress() {
    return this.#transport.remoteAddress;
  }

  /**
   * Asks the server for the mapped address: one Binding transaction (RFC 8489 section 6), sent again as
   * section 6.2.1 says while no answer comes. Several may be under way at once.
   *
   * @param {BindingOptions & { signal?: AbortSignal }} [options] `fingerprint`: when left out, as the client was
   *   opened with
   * @returns {Promise<BindingResult>}
   * @throws {TypeError} ERR_INVALID_ARGUMENT with the argument's name
   * @throws {PosternError} ERR_STUN_TIMEOUT, ERR_STUN_RESPONSE with `errorCode`, ERR_STUN_INTEGRITY,
   *   ERR_STUN_UNAUTHENTICATED, ERR_STUN_CREDENTIALS_NEEDED, ERR_TRANSPORT_CLOSED and others of docs/errors.md;
   *   or `signal.reason`
   */
  async bind(options = {}) {
    checkBindOptions(options);
    const { signal, fingerprint = this.#fingerprint, ...others } = options;
    signal?.throwIfAborted();
    if (this.#end !== undefined) throw this.#end;
    const transaction = this.#engine.startBinding(this.#handle, { fingerprint, ...others });
    const abort = () => {
      this.#waiting.get(transaction)?.reject(signal?.reason);
      this.#engine.cancel(this.#handle, transaction);
    };
    try {
      const event = await new Promise(
        (/** @type {(event: ClientEvent) => void} */ resolve, reject) => {
          this.#waiting.set(transaction, { resolve, reject });
          signal?.addEventListener('abort', abort, { once: true });
        },
      );
      return this.#result(event);
    } finally {
      this.#waiting.delete(transaction);
      signal?.removeEventListener('abort', abort);
    }
  }

  /**
   * Sends a Binding indication, which nobody answers: it keeps a NAT's binding alive (RFC 8489 section
   * 6.3.2).
   *
   * @throws {PosternError} ERR_TRANSPORT_CLOSED
   */
  keepAlive() {
    if (this.#end !== undefined) throw this.#end;
    this.#engine.sendIndication(this.#handle);
  }

  /**
   * How many packets were dropped, by reason: `malformed`, `unexpected`, `wrongSource`,
   * `unknownTransaction`, `late`, `badFingerprint`, `badIntegrity`, `ignored`.
   */
  stats() {
    return this.#engine.stats(this.#handle);
  }

  /** Closes the transport; transactions under way fail with ERR_TRANSPORT_CLOSED. Idempotent. */
  async close() {
    this.#finish(new PosternError('ERR_TRANSPORT_CLOSED', 'The client was closed.'));
    await this.closed;
  }

  async [Symbol.asyncDispose]() {
    await this.close();
  }

  #listen() {
    const transport = this.#transport;
    const { address, port } = transport.remoteAddress;
    // A transport of the caller's may be of before there was `framed`.
    const { framed = !transport.reliable } = transport;
    transport.onbytes = (bytes, source) => {
      if (this.#end !== undefined) return;
      if (!framed) this.#engine.stream(this.#handle, bytes);
      else if (source === undefined || (source.port === port && source.address === address)) {
        this.#engine.datagram(this.#handle, bytes);
      } else this.#engine.datagramFrom(this.#handle, bytes, source);
    };
    transport.onerror = (error) => {
      this.#transportError = error;
      this.#engine.transportError(this.#handle, isHardError(error));
    };
    transport.onclose = (error) => {
      if (this.#end === undefined) this.#failure = error;
      const sentence = error?.message ?? 'The server closed the connection.';
      this.#finish(new PosternError('ERR_TRANSPORT_CLOSED', sentence, { cause: error }));
      this.#resolveClosed();
    };
  }

  /** @param {Uint8Array} bytes */
  #transmit(bytes) {
    try {
      this.#transport.send(bytes);
    } catch (cause) {
      // Ours do not throw; one of the caller's may.
      const sentence = 'The transport refused to send.';
      this.#fail(new PosternError('ERR_TRANSPORT_CLOSED', sentence, { cause }));
    }
  }

  /** @param {PosternError} error */
  #fail(error) {
    if (this.#end === undefined) this.#failure = error;
    this.#finish(error);
  }

  /** @param {PosternError} error for the transactions under way */
  #finish(error) {
    if (this.#end !== undefined) return;
    this.#end = error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#engine.close(this.#handle);
    this.#transport.close();
  }

  /** @param {ClientEvent} event @returns {BindingResult} */
  #result(event) {
    if (event.kind !== OUTPUT.failed) this.#transportError = undefined;
    if (event.kind !== OUTPUT.mappedAddress) throw eventError(event, this.#transportError);
    const [mapped, source, responseOrigin, otherAddress] = event.addresses;
    if (mapped === undefined) throw new PosternError('ERR_INTERNAL');
    return {
      ...mapped,
      roundTripMs: event.roundTripMs,
      requestsSent: event.requestsSent,
      authenticated: event.isAuthenticated,
      transport: this.#transport.kind,
      localAddress: this.#transport.localAddress,
      serverAddress: source ?? this.#transport.remoteAddress,
      software: event.texts[0] || undefined,
      otherAddress,
      responseOrigin,
    };
  }
}
