// A connection to a peer as a stream of node:stream.
import { Duplex } from 'node:stream';

/**
 * As net.Socket is one: a peer that ends is an 'end', and what breaks an 'error'. When one direction ends, so does the
 * other: RFC 6062 has no half-closed connections.
 */
export class ConnectionDuplex extends Duplex {
  #reader;
  #writer;

  /** @param {{ readable: ReadableStream<Uint8Array>, writable: WritableStream<Uint8Array> }} streams */
  constructor({ readable, writable }) {
    super({ allowHalfOpen: false });
    this.#reader = readable.getReader();
    this.#writer = writable.getWriter();
    // Told to those who write.
    this.#writer.closed.catch(() => {});
  }

  /** @override */
  _read() {
    this.#reader.read().then(
      ({ done, value }) => this.push(done ? null : value),
      (error) => this.destroy(error),
    );
  }

  /**
   * @override
   * @param {Uint8Array} chunk
   * @param {string} _encoding
   * @param {(error?: Error | null) => void} callback
   */
  _write(chunk, _encoding, callback) {
    this.#writer.write(chunk).then(() => callback(), callback);
  }

  /** @override @param {(error?: Error | null) => void} callback */
  _final(callback) {
    // After the peer's end there is nothing left to close.
    this.#writer.close().then(
      () => callback(),
      (error) => callback(this.readableEnded ? null : error),
    );
  }

  /** @override @param {Error | null} error @param {(error?: Error | null) => void} callback */
  _destroy(error, callback) {
    this.#reader.cancel(error).catch(() => {});
    this.#writer.abort(error).catch(() => {});
    callback(error);
  }
}
