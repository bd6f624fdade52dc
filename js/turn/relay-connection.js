// A TCP connection to a peer, through the server (RFC 6062): a connection of its own to the server, whose bytes are the
// peer's once it is bound.
import { toDuplex } from '#platform';
import { toBytes } from '../codec/arguments.js';
import { PosternError } from '../errors.js';
import { deferred } from './deferred.js';
import { MAX_FRAME_BYTES, MAX_UNREAD_BYTES, READ_AHEAD_BYTES } from './limits.js';
import { turnError } from './turn-error.js';

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('../engine/turn-types.js').TurnEngine} TurnEngine */
/** @typedef {import('../transports/transport.js').Transport} Transport */

/**
 * A two-way stream of bytes to a peer. Both directions have back-pressure. Closing the writable, or cancelling the
 * readable, closes the connection: the protocol has no half-closed ones.
 *
 * @implements {AsyncDisposable}
 */
export class RelayConnection {
  #transport;
  /** @type {ReadableStreamDefaultController<Uint8Array> | undefined} */ #reader;
  /** @type {WritableStreamDefaultController | undefined} */ #writer;
  /** @type {import('./deferred.js').Deferred<void> | undefined} */ #drained;
  /** @type {import('./deferred.js').Deferred<{ error?: Error }>} */ #closed = deferred();
  #isReadOver = false;
  #isEnding = false;
  /** @type {Error | undefined} */ #error;

  /** @type {ReadableStream<Uint8Array>} */ readable;
  /** Its chunks are copied. @type {WritableStream<Uint8Array>} */ writable;

  /**
   * @param {Transport} transport bound
   * @param {TransportAddress} peer
   * @internal
   */
  constructor(transport, peer) {
    this.#transport = transport;
    /** The other end. */
    this.peer = peer;
    this.readable = new ReadableStream(
      {
        start: (controller) => {
          this.#reader = controller;
        },
        pull: () => this.#resume(),
        cancel: () => {
          this.#isReadOver = true;
          transport.close();
        },
      },
      { highWaterMark: READ_AHEAD_BYTES, size: (chunk) => chunk.length },
    );
    this.writable = new WritableStream({
      start: (controller) => {
        this.#writer = controller;
      },
      write: (chunk) => this.#write(toBytes(chunk, 'chunk')),
      close: () => this.#closeGently(),
      abort: () => transport.close(),
    });
    transport.ondrain = () => this.#drained?.resolve();
    transport.onerror = undefined;
    transport.onclose = (error) => this.#ended(error);
    this.#resume();
  }

  /** Resolves when the connection is gone; `error` tells, if it broke. Never rejects. @returns {Promise<{ error?: Error }>} */
  get closed() {
    return this.#closed.promise;
  }

  /** Closes the connection at once: what was written and has not left yet may be lost. Idempotent. */
  async close() {
    this.#transport.close();
    await this.closed;
  }

  async [Symbol.asyncDispose]() {
    await this.close();
  }

  /** Lets the connection keep the process alive, which is the default. */
  ref() {
    this.#transport.ref();
  }

  /** Lets the process end in spite of it. */
  unref() {
    this.#transport.unref();
  }

  /**
   * The connection as a stream of node:stream. Use it or `readable` and `writable`, not both.
   *
   * @returns {import('node:stream').Duplex}
   * @throws {PosternError} ERR_TRANSPORT_UNSUPPORTED outside Node
   */
  duplex() {
    return toDuplex(this);
  }

  /** Bytes that came with the answer to the binding. @param {Uint8Array} bytes @internal */
  deliver(bytes) {
    if (this.#isReadOver || this.#reader === undefined) return;
    this.#reader.enqueue(bytes);
    const room = this.#reader.desiredSize ?? 0;
    if (room > 0) return;
    // TCP can be told to wait; but then it does not hear of its end either.
    if (!this.#transport.framed && !this.#isEnding) this.#transport.onbytes = undefined;
    else if (READ_AHEAD_BYTES - room > MAX_UNREAD_BYTES) {
      const sentence = 'More came in than is kept for who does not read it.';
      this.#error = new PosternError('ERR_TRANSPORT_CLOSED', sentence);
      this.#transport.close();
    }
  }

  #resume() {
    if (this.#isReadOver || this.#transport.onbytes !== undefined) return;
    this.#transport.onbytes = (bytes) => this.deliver(bytes);
  }

  /** @param {Uint8Array} chunk */
  async #write(chunk) {
    // Over WebSocket a chunk is a message, and servers take none of any length.
    const most = this.#transport.framed ? MAX_FRAME_BYTES : chunk.length;
    for (let at = 0; at < chunk.length; at += most) {
      // Not slice(), which of a Buffer is a view.
      if (this.#transport.send(new Uint8Array(chunk.subarray(at, at + most)))) continue;
      this.#drained = deferred();
      await this.#drained.promise;
    }
  }

  async #closeGently() {
    this.#isEnding = true;
    if (this.#transport.end === undefined) this.#transport.close();
    else this.#transport.end();
    this.#resume();
    await this.closed;
  }

  /** @param {Error | undefined} transportError */
  #ended(transportError) {
    const error = this.#error ?? transportError;
    const isReadOver = this.#isReadOver;
    this.#isReadOver = true;
    if (!isReadOver) {
      if (error === undefined) this.#reader?.close();
      else this.#reader?.error(error);
    }
    const sentence = 'The connection to the peer is closed.';
    const reason = error ?? new PosternError('ERR_TRANSPORT_CLOSED', sentence);
    this.#drained?.reject(reason);
    this.#closed.resolve(error === undefined ? {} : { error });
    // While the stream is being closed, that is what it waits for.
    queueMicrotask(() => this.#writer?.error(reason));
  }
}

/**
 * Makes the connection that was announced with a CONNECTION-ID the peer's (RFC 6062 section 5.5).
 *
 * @param {object} server
 * @param {TurnEngine} server.engine
 * @param {number} server.handle of the relay
 * @param {() => Promise<Transport>} server.open another transport to the same server
 * @param {number} connectionId
 * @param {TransportAddress} peer
 * @param {AbortSignal} signal
 * @returns {Promise<RelayConnection>}
 */
export async function bindConnection({ engine, handle, open }, connectionId, peer, signal) {
  const transport = await open();
  try {
    signal.throwIfAborted();
    return await bind(engine, handle, transport, connectionId, peer, signal);
  } catch (error) {
    transport.close();
    throw error;
  }
}

/**
 * @param {TurnEngine} engine
 * @param {number} relay
 * @param {Transport} transport
 * @param {number} connectionId
 * @param {TransportAddress} peer
 * @param {AbortSignal} signal
 * @returns {Promise<RelayConnection>}
 */
function bind(engine, relay, transport, connectionId, peer, signal) {
  return new Promise((resolve, reject) => {
    /** @type {RelayConnection | undefined} */
    let connection;
    /** @type {unknown} */
    let networkError;
    const abort = () => fail(signal.reason);
    const stop = () => {
      signal.removeEventListener('abort', abort);
      // Behind what the engine still has to tell of this connection.
      queueMicrotask(() => engine.close(binder));
    };
    const fail = (/** @type {unknown} */ error) => {
      stop();
      transport.onclose = undefined;
      reject(error);
    };
    const binder = engine.openBinder(relay, connectionId, {
      transmit: (bytes) => {
        try {
          transport.send(bytes);
        } catch (error) {
          // Ours do not throw; one of the caller's may.
          fail(error);
        }
      },
      event: (event) => {
        if (event.type !== 'connected') return fail(turnError(event, 'peer', networkError));
        stop();
        transport.onbytes = undefined;
        connection = new RelayConnection(transport, peer);
        resolve(connection);
      },
      leftover: (bytes) => connection?.deliver(bytes),
      lost: fail,
    });
    signal.addEventListener('abort', abort, { once: true });
    transport.onbytes = (bytes) => engine.stream(binder, bytes);
    transport.onclose = (error) => {
      networkError = error;
      engine.transportClosed(binder);
    };
  });
}
