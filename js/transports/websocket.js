// WebSocket (RFC 6455), for browsers and Node: one STUN message or ChannelData in each binary message.
//
// No RFC defines TURN over WebSocket. This follows RFC 7118, which does the same for SIP: a sub-protocol of its own
// is offered and has to be chosen, and messages are framed by the WebSocket.

import { argumentError, PosternError } from '../errors.js';
import { abortable } from '../resolve/abortable.js';
import { webSocketAddress } from '../uri.js';
import { BaseTransport } from './base-transport.js';
import { OPEN_TIMEOUT_MS } from './open-timeout.js';
import { webSocketClosedError, webSocketConnectError } from './websocket-errors.js';

/** @typedef {import('../address.js').TransportAddress} TransportAddress */
/** @typedef {import('./transport.js').OpenOptions} OpenOptions */
/** @typedef {import('./transport.js').Transport} Transport */
/** @typedef {import('./transport.js').TransportTarget} TransportTarget */

/**
 * A class with the interface of the browsers' WebSocket, such as `WebSocket` of the package ws.
 *
 * @typedef {new (url: string, protocols: string[]) => object} WebSocketConstructor
 */

/**
 * What lets this client in at a gateway: a ticket, which is offered as the last sub-protocol because a page can set no
 * other header; or what gets one for the WebSocket that is about to be opened. Most are good once, and a relay may need
 * several.
 *
 * @typedef {string | ((about: { url: string, signal: AbortSignal | undefined }) => string | Promise<string>)} TicketSource
 */

/**
 * What some implementations have besides the standard: ws has terminate().
 *
 * @typedef {WebSocket & { terminate?: () => void, ref?: () => void, unref?: () => void }} Socket
 */

/** The sub-protocol: with it, a message of the WebSocket is a message of STUN or ChannelData. */
export const SUB_PROTOCOL = 'turn';

/** Bytes that wait to be sent from which send() asks to wait; it takes some of the longest messages. */
export const HIGH_WATER_MARK_BYTES = 256 * 1024;
/** Bytes that are left when it may go on. */
export const LOW_WATER_MARK_BYTES = 64 * 1024;
/** How often to look whether they were sent: a WebSocket has no event for it. */
const DRAIN_POLL_MS = 5;
/** Messages to hold for an `onbytes` that is not set yet: a server only answers, so there are few. */
const MAX_HELD_MESSAGES = 64;
/** How long the closing handshake may take (RFC 6455 section 7.1.1 leaves it to us). */
const CLOSE_TIMEOUT_MS = 2000;
const NORMAL_CLOSURE = 1000;
const OPEN = 1;

/** @implements {Transport} */
class WebSocketTransport extends BaseTransport {
  kind = 'ws';
  reliable = true;
  framed = true;
  /** Messages that were dropped: of text, or too many before there was an `onbytes`. */
  droppedMessages = 0;

  #socket;
  #isOpen = true;
  /** @type {Transport['onbytes']} */ #onbytes;
  /** What came while nobody listened. @type {Uint8Array[]} */ #held = [];
  /** What an error event told: the close event that follows tells it on. @type {unknown} */ #cause;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #drainTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #closeTimer;

  /** @param {Socket} socket open @param {URL} url @param {number} connectMs */
  constructor(socket, url, connectMs) {
    super();
    this.#socket = socket;
    // The WebSocket looks a name up and does not tell what it found.
    const { address, port, family = 'IPv4' } = webSocketAddress(url);
    /** @type {TransportAddress} */ this.remoteAddress = { address, port, family };
    /** A WebSocket does not tell. @type {TransportAddress} */
    this.localAddress = { address: '', port: 0, family };
    this.phases = { connect: connectMs };
    socket.addEventListener('message', ({ data }) => this.#receive(data));
    socket.addEventListener('error', (event) => {
      this.#cause = causeOf(event);
    });
    socket.addEventListener('close', (event) => {
      const error = this.#isOpen ? webSocketClosedError(event, this.#cause) : undefined;
      this.#isOpen = false;
      this.#finish(error);
    });
  }

  get onbytes() {
    return this.#onbytes;
  }

  // A WebSocket cannot be told to wait: what comes early is held here.
  set onbytes(handler) {
    this.#onbytes = handler;
    if (handler !== undefined && this.#held.length > 0) queueMicrotask(() => this.#release());
  }

  #release() {
    while (this.#isOpen && this.#onbytes !== undefined) {
      const bytes = this.#held.shift();
      if (bytes === undefined) return;
      this.#onbytes(bytes, undefined);
    }
  }

  /** @param {unknown} data */
  #receive(data) {
    if (!this.#isOpen) return;
    // An answer is a chance to look that comes sooner than the timer, which slows down in hidden pages.
    if (this.#drainTimer !== undefined) this.#lookForDrain();
    if (!isArrayBuffer(data)) this.droppedMessages += 1;
    else if (this.#onbytes !== undefined && this.#held.length === 0) {
      this.#onbytes(new Uint8Array(data), undefined);
    } else if (this.#held.length < MAX_HELD_MESSAGES) this.#held.push(new Uint8Array(data));
    else this.droppedMessages += 1;
  }

  /** @type {Transport['send']} */
  send(bytes) {
    // While the other side closes it, the close event is still to come.
    if (!this.#isOpen || this.#socket.readyState !== OPEN) return false;
    this.#socket.send(/** @type {Uint8Array<ArrayBuffer>} */ (bytes));
    if (this.#socket.bufferedAmount <= HIGH_WATER_MARK_BYTES) return true;
    if (this.#drainTimer === undefined) this.#awaitDrain();
    return false;
  }

  #awaitDrain() {
    this.#drainTimer = setTimeout(() => this.#lookForDrain(), DRAIN_POLL_MS);
    // In Node the socket decides whether the process goes on.
    /** @type {{ unref?: () => void }} */ (this.#drainTimer).unref?.();
  }

  #lookForDrain() {
    clearTimeout(this.#drainTimer);
    this.#drainTimer = undefined;
    if (this.#socket.bufferedAmount <= LOW_WATER_MARK_BYTES) this.ondrain?.();
    else this.#awaitDrain();
  }

  close() {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#held = [];
    clearTimeout(this.#drainTimer);
    // A server that does not answer, or takes no bytes, would never let that end.
    this.#closeTimer = setTimeout(() => {
      this.#socket.terminate?.();
      this.#finish(undefined);
    }, CLOSE_TIMEOUT_MS);
    this.#socket.close(NORMAL_CLOSURE);
  }

  /** @param {Error | undefined} error */
  #finish(error) {
    clearTimeout(this.#drainTimer);
    clearTimeout(this.#closeTimer);
    this.#drainTimer = undefined;
    this.ended(error);
  }

  // The standard has neither, nor has ws.
  ref() {
    this.#socket.ref?.();
  }

  unref() {
    this.#socket.unref?.();
  }
}

/** By its form: one of another realm is no `instanceof ArrayBuffer`. @param {unknown} data @returns {data is ArrayBuffer} */
function isArrayBuffer(data) {
  return Object.prototype.toString.call(data) === '[object ArrayBuffer]';
}

/** What an error event tells besides that there was an error: nothing in browsers. @param {Event} event */
const causeOf = (event) => /** @type {{ error?: unknown }} */ (event).error;

/** @param {unknown} text @returns {URL} */
function checkUrl(text) {
  let url;
  try {
    url = new URL(/** @type {string} */ (text));
  } catch {}
  const isGood =
    (url?.protocol === 'ws:' || url?.protocol === 'wss:') &&
    url.hash === '' &&
    url.username === '' &&
    url.password === '';
  if (url !== undefined && isGood) return url;
  throw argumentError('target.url', 'a ws:// or wss:// URL without user name and fragment');
}

/** RFC 6455 section 4.1: what can stand in the header's list, a token of RFC 7230. */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;

/**
 * @param {TicketSource} source
 * @param {string} url
 * @param {AbortSignal | undefined} signal
 */
async function ticketFrom(source, url, signal) {
  const ticket =
    typeof source === 'function'
      ? await abortable(Promise.resolve(source({ url, signal })), signal)
      : source;
  if (typeof ticket === 'string' && TOKEN.test(ticket)) return ticket;
  throw argumentError(
    'options.ticket',
    "a ticket as createTicket() of 'postern/gateway' makes it, or a function that gives one",
  );
}

/** @param {WebSocketConstructor | undefined} given @returns {WebSocketConstructor} */
function constructorFrom(given) {
  if (given !== undefined && typeof given !== 'function') {
    throw argumentError('options.WebSocket', 'a class such as WebSocket of the package ws');
  }
  const found = given ?? globalThis.WebSocket;
  if (typeof found === 'function') return found;
  throw new PosternError('ERR_TRANSPORT_UNSUPPORTED', 'There is no WebSocket here.', {
    hint:
      'Node has one from version 22 on, and version 20 with NODE_OPTIONS=--experimental-websocket; or `npm install ws`, ' +
      'and pass its WebSocket as options.WebSocket.',
  });
}

/**
 * Waits for a socket that is being opened, and turns it into a transport in the very event that says it is ready, so
 * that no event is missed.
 *
 * @param {Socket} socket is closed unless the promise fulfils
 * @param {object} steps
 * @param {AbortSignal | undefined} steps.signal
 * @param {number} steps.timeoutMs
 * @param {string[]} steps.protocols one of which the server has to choose, if there are any
 * @param {() => WebSocketTransport} steps.open
 * @param {(cause: unknown) => Error} steps.toError
 * @returns {Promise<WebSocketTransport>}
 */
function whenOpen(socket, { signal, timeoutMs, protocols, open, toError }) {
  return new Promise((resolve, reject) => {
    const stopWaiting = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.removeEventListener('open', onOpen);
      socket.removeEventListener('error', onEnd);
      socket.removeEventListener('close', onEnd);
    };
    /** @param {unknown} reason */
    const fail = (reason) => {
      stopWaiting();
      // With ws, an error that nobody listens to is thrown.
      socket.addEventListener('error', () => {});
      reject(reason);
    };
    /** @param {unknown} reason */
    const giveUp = (reason) => {
      fail(reason);
      socket.close();
    };
    const onOpen = () => {
      if (protocols.length > 0 && !protocols.includes(socket.protocol)) {
        giveUp(toError(new Error('The server chose no subprotocol of those offered.')));
        return;
      }
      stopWaiting();
      resolve(open());
    };
    const onAbort = () => giveUp(signal?.reason);
    /** @param {Event} event */
    const onEnd = (event) => fail(toError(causeOf(event)));
    const onTimeout = () => giveUp(toError(new Error(`Nothing happened within ${timeoutMs} ms.`)));

    const timer = setTimeout(onTimeout, timeoutMs);
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.addEventListener('open', onOpen);
    socket.addEventListener('error', onEnd);
    socket.addEventListener('close', onEnd);
  });
}

/**
 * Opens a WebSocket to a TURN server, or to a gateway in front of one.
 *
 * The sub-protocol says that each binary message is one STUN message or ChannelData (which needs no padding then).
 * So a server that chooses none of those offered is refused, as Chrome and ws do by themselves and RFC 7118 section 4
 * demands for SIP: a general gateway to TCP would cut the stream anywhere. Messages of text are counted in
 * `droppedMessages` and dropped.
 *
 * Which addresses are tried, proxies and whom TLS trusts is the WebSocket's to decide, and not told: `remoteAddress`
 * has the host and port of the URL, with `family` 'IPv4' when that is a name; `localAddress` is
 * { address: '', port: 0 }. ref() and unref() do something only if the given class has them; that of ws has not.
 *
 * @param {TransportTarget} target `url` counts
 * @param {OpenOptions & { timeoutMs?: number, WebSocket?: WebSocketConstructor, protocols?: string[],
 *   ticket?: TicketSource }} [options]
 *   `timeoutMs`: until open; 39,500 when left out. `WebSocket`: the class to use; the global one when left out, which
 *   Node has from version 22 on. `protocols`: sub-protocols to offer, ['turn'] when left out; with none, the server
 *   is trusted to frame as above. `ticket`: offered after them, and not to be chosen
 * @returns {Promise<WebSocketTransport>}
 * @throws {PosternError} ERR_TRANSPORT_UNSUPPORTED where there is no WebSocket, or ERR_TRANSPORT_CONNECT: in browsers
 *   nothing more is known than that; or `signal.reason`
 * @throws {TypeError} ERR_INVALID_ARGUMENT, also for a local address or port: a WebSocket chooses its own
 */
export async function openWebSocket(target, options = {}) {
  const { signal, localAddress, localPort, timeoutMs = OPEN_TIMEOUT_MS } = options;
  const { protocols = [SUB_PROTOCOL] } = options;
  const url = checkUrl(target.url);
  if (localAddress !== undefined)
    throw argumentError('options.localAddress', 'left out: a WebSocket chooses its own');
  if (localPort) throw argumentError('options.localPort', 'left out: a WebSocket chooses its own');
  const Constructor = constructorFrom(options.WebSocket);
  signal?.throwIfAborted();
  const { ticket: source } = options;
  const tickets = source === undefined ? [] : [await ticketFrom(source, url.href, signal)];
  const start = performance.now();
  const toError = (/** @type {unknown} */ cause) =>
    webSocketConnectError(webSocketAddress(url), cause);
  /** @type {Socket} */
  let socket;
  try {
    socket = /** @type {Socket} */ (new Constructor(url.href, [...protocols, ...tickets]));
    socket.binaryType = 'arraybuffer';
  } catch (cause) {
    // A page that came over TLS may not open ws:// (W3C Mixed Content).
    throw toError(cause);
  }
  const open = () => new WebSocketTransport(socket, url, performance.now() - start);
  return whenOpen(socket, { signal, timeoutMs, protocols, open, toError });
}
