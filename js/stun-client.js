// A STUN client on one transport: asks for the mapped address as often as wanted, and keeps the NAT's
// binding alive in between.

import { OUTPUT } from './engine/layout.js';
import { sharedEngine } from './engine/shared-engine.js';
import { coreError, PosternError, responseError } from './errors.js';

/** @typedef {import('./codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('./engine/engine.js').BindingOptions} BindingOptions */
/** @typedef {import('./engine/engine.js').Engine} Engine */
/** @typedef {import('./engine/read-event.js').ClientEvent} ClientEvent */
/** @typedef {import('./errors.js').ErrorDetails} ErrorDetails */
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
 * @property {string} transport 'udp', 'tcp', 'tls' or the name of a transport of the caller's
 * @property {TransportAddress} localAddress
 * @property {TransportAddress} serverAddress
 * @property {string | undefined} software of the server (SOFTWARE)
 * @property {TransportAddress | undefined} otherAddress of servers that help discover NATs (RFC 5780 section 7.4)
 * @property {TransportAddress | undefined} responseOrigin (RFC 5780 section 7.3)
 */

/** Errors of the network after which nothing sent to this address will arrive (RFC 8489 section 6.2.1). */
const HARD_ERRORS = new Set(['ECONNREFUSED', 'EMSGSIZE', 'EACCES', 'EPERM']);

/** @param {unknown} error */
function systemCode(error) {
  const cause = /** @type {{ cause?: { code?: unknown } } | undefined} */ (error)?.cause;
  return typeof cause?.code === 'string' ? cause.code : '';
}

/** @implements {AsyncDisposable} */
export class StunClient {
  /** @type {Engine} */ #engine;
  /** @type {Transport} */ #transport;
  #handle;
  /** @type {Map<number, { resolve(event: ClientEvent): void, reject(error: Error): void }>} */
  #waiting = new Map();
  /** @type {Error | undefined} */ #transportError;
  /** @type {PosternError | undefined} */ #end;
  /** @type {() => void} */ #resolveClosed = () => {};

  /** Resolves when the client is closed, by either side; never rejects. @type {Promise<{ error?: Error }>} */
  closed;

  /**
   * @param {Engine} engine
   * @param {Transport} transport
   * @param {Omit<import('./engine/engine.js').ClientSettings, 'isReliable' | 'server'>} settings
   * @internal
   */
  constructor(engine, transport, settings) {
    this.#engine = engine;
    this.#transport = transport;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = () =>
        resolve(this.#transportError ? { error: this.#transportError } : {});
    });
    this.#handle = engine.open(
      { ...settings, isReliable: transport.reliable, server: transport.remoteAddress },
      {
        transmit: (bytes) => void transport.send(bytes),
        settle: (event) => this.#waiting.get(event.transaction)?.resolve(event),
        lost: (error) => this.#finish(error),
      },
    );
    this.#listen();
  }

  /**
   * @param {Transport} transport
   * @param {Omit<import('./engine/engine.js').ClientSettings, 'isReliable' | 'server'>} settings
   * @internal
   */
  static async over(transport, settings) {
    try {
      return new StunClient(await sharedEngine(), transport, settings);
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
   * @param {BindingOptions & { signal?: AbortSignal }} [options]
   * @returns {Promise<BindingResult>}
   * @throws {PosternError} ERR_STUN_TIMEOUT, ERR_STUN_RESPONSE with `errorCode`, ERR_STUN_INTEGRITY,
   *   ERR_STUN_UNAUTHENTICATED, ERR_STUN_CREDENTIALS_NEEDED, ERR_TRANSPORT_CLOSED and others of docs/errors.md;
   *   or `signal.reason`
   */
  async bind({ signal, ...options } = {}) {
    signal?.throwIfAborted();
    if (this.#end !== undefined) throw this.#end;
    const transaction = this.#engine.startBinding(this.#handle, options);
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
    transport.onbytes = (bytes, source) => {
      if (this.#end !== undefined) return;
      if (transport.reliable) this.#engine.stream(this.#handle, bytes);
      else if (source === undefined || (source.port === port && source.address === address)) {
        this.#engine.datagram(this.#handle, bytes);
      } else this.#engine.datagramFrom(this.#handle, bytes, source);
    };
    transport.onerror = (error) => {
      this.#transportError = error;
      this.#engine.transportError(this.#handle, HARD_ERRORS.has(systemCode(error)));
    };
    transport.onclose = (error) => {
      this.#transportError ??= error;
      this.#finish(
        new PosternError('ERR_TRANSPORT_CLOSED', error?.message, { cause: error }),
        true,
      );
    };
  }

  /**
   * @param {PosternError} error for transactions that nothing else has ended
   * @param {boolean} [isTransportClosed]
   */
  #finish(error, isTransportClosed = false) {
    if (this.#end === undefined) {
      this.#end = error;
      for (const { reject } of this.#waiting.values()) reject(this.#end);
      this.#engine.close(this.#handle);
      this.#transport.close();
    }
    if (isTransportClosed) this.#resolveClosed();
  }

  /** @param {ClientEvent} event @returns {BindingResult} */
  #result(event) {
    if (event.kind !== OUTPUT.mappedAddress) throw this.#failure(event);
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

  /** @param {ClientEvent} event @returns {PosternError} */
  #failure(event) {
    const { unknownAttributes, errorCode, errc, texts, addresses } = event;
    const phase = /** @type {const} */ ('request');
    /** @type {ErrorDetails} */
    const details = { phase };
    if (unknownAttributes.length > 0) details.unknownAttributes = unknownAttributes;
    if (event.kind === OUTPUT.errorResponse) {
      if (event.mayRedirect) {
        const servers = [addresses[2], addresses[3]].filter((address) => address !== undefined);
        details.alternateServers = /** @type {TransportAddress[]} */ (servers);
        if (texts[2]) details.alternateDomain = texts[2];
      }
      return responseError(errorCode, texts[0] ?? '', details);
    }
    // An error of the network says more than that nothing came.
    const cause = this.#transportError;
    if (cause instanceof PosternError) Object.assign(details, { cause, hint: cause.hint });
    if (errorCode !== 0) Object.assign(details, { errorCode, reason: texts[0] ?? '' });
    const error = coreError(errc, details);
    if (error.code !== 'ERR_TRANSPORT_CLOSED' || !(cause instanceof PosternError)) return error;
    return new PosternError(cause.code, cause.message, details);
  }
}
