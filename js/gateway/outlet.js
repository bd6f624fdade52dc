// The way to a client: what waits for it is bounded, and it is noticed when it takes nothing.

/** One object for all messages. */
const BINARY = { binary: true, compress: false };

export class Outlet {
  #webSocket;
  #socket;
  #flush;
  #limits;
  #ondrop;
  #ondrain;
  /** What waits until the socket has room, from datagrams. @type {Uint8Array[]} */ #queue = [];
  #queueBytes = 0;
  #isHeldUp = false;
  #given = 0;
  #taken = 0;
  #takenAt = 0;

  /**
   * @param {import('ws').WebSocket} webSocket
   * @param {import('node:stream').Duplex} socket its own
   * @param {object} options
   * @param {import('../transports/flush.js').Flush} options.flush
   * @param {Pick<import('./options.js').CheckedLimits, 'bufferBytes' | 'stuckMs'>} options.limits
   * @param {() => void} options.ondrop a datagram was lost, the oldest of those that waited
   * @param {() => void} options.ondrain there is room again
   */
  constructor(webSocket, socket, { flush, limits, ondrop, ondrain }) {
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#flush = flush;
    this.#limits = limits;
    this.#ondrop = ondrop;
    this.#ondrain = ondrain;
    socket.on('drain', this.#drained);
  }

  /** Bytes that wait. */
  get bufferedBytes() {
    return this.#socket.writableLength + this.#queueBytes;
  }

  /**
   * A message of a stream is always taken; of datagrams, the oldest that wait give way.
   *
   * @param {Uint8Array} message
   * @param {boolean} isStream whether whoever sends can be held up
   * @param {number} now
   * @returns {boolean} false: hold the stream up until ondrain
   */
  offer(message, isStream, now) {
    const { bufferBytes } = this.#limits;
    if (this.#queue.length === 0 && this.#socket.writableLength < bufferBytes) {
      this.#send(message);
      return true;
    }
    if (!this.#isHeldUp) this.#takenAt = now;
    this.#isHeldUp = true;
    if (isStream) {
      // What was read of it already is at most one read of the socket.
      this.#send(message);
      return false;
    }
    this.#queue.push(message);
    this.#queueBytes += message.length;
    while (this.#queueBytes > bufferBytes) {
      this.#queueBytes -= /** @type {Uint8Array} */ (this.#queue.shift()).length;
      this.#ondrop();
    }
    return true;
  }

  /** @param {Uint8Array} message */
  #send(message) {
    this.#flush.hold(this.#socket);
    this.#webSocket.send(message, BINARY);
    this.#given += message.length;
  }

  #drained = () => {
    while (this.#queue.length > 0 && this.#socket.writableLength < this.#limits.bufferBytes) {
      const message = /** @type {Uint8Array} */ (this.#queue.shift());
      this.#queueBytes -= message.length;
      this.#send(message);
    }
    this.#isHeldUp = this.#queue.length > 0;
    this.#ondrain();
  };

  /** Whether the client has taken no bytes for too long. @param {number} now */
  isStuck(now) {
    if (!this.#isHeldUp) return false;
    const taken = this.#given - this.#socket.writableLength;
    if (taken > this.#taken) {
      this.#taken = taken;
      this.#takenAt = now;
    }
    return now - this.#takenAt >= this.#limits.stuckMs;
  }

  /** Sends nothing of what waits. */
  stop() {
    this.#socket.off('drain', this.#drained);
    this.#queue = [];
    this.#queueBytes = 0;
  }
}
