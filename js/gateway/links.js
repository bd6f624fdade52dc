// The connections of a gateway to a server: one message in, one message out, over datagrams or a stream.

import { StreamDeframer } from '../codec/index.js';
import { Dial } from '../transports/dial.js';
import { startTls } from '../transports/start-tls.js';
import { tlsError } from '../transports/tls-errors.js';
import { openUdp } from '../transports/udp.js';
import { Retransmissions } from './retransmissions.js';

/** @typedef {import('../resolve/resolve-server.js').Candidate} Candidate */
/** @typedef {import('../transports/start-tls.js').TlsSettings} TlsSettings */

/**
 * @typedef {object} LinkHandlers
 * @property {(message: Uint8Array) => void} onmessage one message of the server; ChannelData may have padding
 * @property {() => void} ondrain send() may go on
 * @property {(error: Error | undefined) => void} onend the connection is gone; undefined: the server has closed it in order
 * @property {(error: Error) => void} onerror something went wrong that need not be the end
 */

/**
 * @typedef {object} Link
 * @property {boolean} isStream what comes can be held up without a loss
 * @property {(message: Uint8Array, length: number, isRequest: boolean) => boolean} send a message whose first `length` bytes
 *   are it and the rest padding. False: it is taken, but no more should come before ondrain
 * @property {() => void} pause no onmessage until resume(); datagrams go on
 * @property {() => void} resume
 * @property {(now: number) => void} tick
 * @property {() => void} close idempotent; no handler is called any more
 */

/**
 * @typedef {object} OpenLink
 * @property {AbortSignal} signal
 * @property {number} timeoutMs
 * @property {number} bufferBytes that may wait to be sent
 * @property {import('../transports/flush.js').Flush} flush
 * @property {LinkHandlers} handlers
 * @property {TlsSettings} [tls]
 */

/** RFC 8656 section 12.5: on streams, ChannelData ends at a multiple of 4. By how many bytes are missing. */
const PADDING = [0, 1, 2, 3].map((length) => Buffer.alloc(length));

/** @implements {Link} */
class StreamLink {
  isStream = true;
  #socket;
  #flush;
  #bufferBytes;
  #handlers;
  #deframer = new StreamDeframer();
  #isOpen = true;

  /** @param {import('node:net').Socket} socket connected @param {OpenLink} options */
  constructor(socket, { bufferBytes, flush, handlers }) {
    this.#socket = socket;
    this.#flush = flush;
    this.#bufferBytes = bufferBytes;
    this.#handlers = handlers;
    /** @type {Error | undefined} */
    let failure;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('drain', () => {
      if (this.#isOpen) handlers.ondrain();
    });
    socket.on('error', (error) => {
      failure = error;
    });
    socket.on('close', () => this.#end(failure));
  }

  /** @param {Buffer} chunk */
  #receive(chunk) {
    let frames;
    try {
      frames = this.#deframer.push(chunk);
    } catch (error) {
      this.#end(/** @type {Error} */ (error));
      return;
    }
    for (const { bytes } of frames) {
      if (!this.#isOpen) return;
      this.#handlers.onmessage(bytes);
    }
  }

  /** @type {Link['send']} */
  send(message, length) {
    const socket = this.#socket;
    this.#flush.hold(socket);
    socket.write(length === message.length ? message : message.subarray(0, length));
    const missing = -length & 3;
    if (missing > 0) socket.write(PADDING[missing]);
    return socket.writableLength < this.#bufferBytes;
  }

  pause() {
    this.#socket.pause();
  }

  resume() {
    this.#socket.resume();
  }

  tick() {}

  /** @param {Error | undefined} error */
  #end(error) {
    if (!this.#isOpen) return;
    this.close();
    this.#handlers.onend(error);
  }

  close() {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#socket.on('error', () => {});
    // With all sent, it says good-bye. A server that takes no bytes would never let that end.
    if (this.#socket.writableLength === 0) this.#socket.destroySoon();
    else this.#socket.destroy();
  }
}

/** @implements {Link} */
class DatagramLink {
  isStream = false;
  #transport;
  #retransmissions = new Retransmissions((message) => void this.#transport.send(message));
  #isOpen = true;

  /** @param {Awaited<ReturnType<typeof openUdp>>} transport @param {OpenLink} options */
  constructor(transport, { handlers }) {
    this.#transport = transport;
    transport.onbytes = (bytes) => {
      this.#retransmissions.answered(bytes);
      if (this.#isOpen) handlers.onmessage(bytes);
    };
    transport.ondrain = () => {
      if (this.#isOpen) handlers.ondrain();
    };
    transport.onerror = (error) => {
      if (this.#isOpen) handlers.onerror(error);
    };
    transport.onclose = (error) => {
      if (this.#isOpen) handlers.onend(error);
    };
  }

  /** @type {Link['send']} */
  send(message, length, isRequest) {
    const bytes = length === message.length ? message : message.subarray(0, length);
    if (isRequest) this.#retransmissions.sent(bytes);
    return this.#transport.send(bytes);
  }

  pause() {}

  resume() {}

  /** @param {number} now */
  tick(now) {
    this.#retransmissions.tick(now);
  }

  close() {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#transport.close();
  }
}

/**
 * Connects to one address of a server.
 *
 * @param {Candidate} candidate
 * @param {OpenLink} options
 * @returns {Promise<Link>}
 * @throws {import('../errors.js').PosternError} ERR_TRANSPORT_CONNECT, ERR_TRANSPORT_TLS; or `signal.reason`
 */
export async function openLink(candidate, options) {
  const { signal, timeoutMs, tls } = options;
  if (candidate.transport === 'udp') {
    return new DatagramLink(await openUdp(candidate, { signal }), options);
  }
  const dial = new Dial(candidate, { kind: candidate.transport, signal, timeoutMs });
  return dial.connect((socket) => {
    if (tls === undefined) return new StreamLink(socket, options);
    const secured = startTls(socket, tls);
    return dial.step(secured, 'secureConnect', 'tls', {
      open: () => new StreamLink(secured, options),
      destroy: () => secured.destroy(),
      toError: (cause) => tlsError(candidate, cause),
    });
  });
}
