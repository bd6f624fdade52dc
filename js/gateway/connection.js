// One client of a gateway: its WebSocket, its connection to a server, and what may pass between them.

import { CLOSE } from './close-codes.js';
import { Hold } from './hold.js';
import { CARRIES_DATA, FLAG_BITS, IS_REQUEST, REPLIES, RULINGS } from './layout.js';
import { Meter } from './meter.js';
import { Outlet } from './outlet.js';
import { Traffic } from './traffic.js';
import { UpstreamFailure } from './upstream.js';
import { Watch } from './watch.js';

/** @typedef {import('./close-codes.js').CloseCode} CloseCode */
/** @typedef {import('./core.js').GatewayCore} GatewayCore */
/** @typedef {import('./links.js').Link} Link */
/** @typedef {import('./options.js').CheckedLimits} CheckedLimits */
/** @typedef {import('./shares.js').Share} Share */
/** @typedef {import('./upstream.js').Upstream} Upstream */

/**
 * What the connections of a gateway share.
 *
 * @typedef {object} Shared
 * @property {GatewayCore} core
 * @property {CheckedLimits} limits
 * @property {import('../transports/flush.js').Flush} flush
 * @property {import('./metrics.js').Metrics} metrics
 * @property {ReturnType<typeof import('./log.js').createLog>} log
 * @property {number} now in milliseconds, as of the last tick
 * @property {(connection: Connection) => void} onend
 */

/**
 * @typedef {object} Client
 * @property {number} id
 * @property {string} address
 * @property {string | undefined} origin
 * @property {string | undefined} user
 * @property {Share[]} shares of the address and of the user
 */

/** Who holds up the reading of a side. */
const OPENING = 1;
const RATE = 2;
const OTHER_SIDE = 4;

/** The longest message, ChannelData with its padding included; what is longer is refused by its length alone (1009). */
export const MAX_MESSAGE_BYTES = 65_556;

/** RFC 7983 section 7: a STUN message begins with a byte of at most this. What else may pass is ChannelData. */
const LAST_STUN_BYTE = 3;

/** Codes of ws for what ends a WebSocket with a close code of its own. @type {Record<string, string>} */
const PROTOCOL_REASONS = {
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 'too-long',
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: 'too-long',
  WS_ERR_TOO_MANY_BUFFERED_PARTS: 'fragments',
};

export class Connection {
  traffic = new Traffic();
  /** Datagrams and messages that were not passed on. */
  dropped = 0;

  #webSocket;
  #outlet;
  #upstream;
  #client;
  #shared;
  #policy;
  /** @type {Link | undefined} */ #link;
  #opening = new AbortController();
  #meter;
  /** Reading of the client. */ #fromClient;
  /** Reading of the server. */ #fromServer;
  #watch;
  #isEnding = false;
  /** Until when the server holds an allocation. */ #allocatedUntil = 0;
  #isAnswered = false;
  #openedAt;
  /** What the shares were told of. */ #chargedMessages = 0;
  #chargedBytes = 0;
  /** When the server took bytes last, while it is waited for. */ #serverMovedAt = 0;
  /** Why, of an end that we chose. @type {{ code: number, reason: string, detail?: string } | undefined} */ #end;

  /**
   * @param {import('ws').WebSocket} webSocket open
   * @param {import('node:stream').Duplex} socket its socket
   * @param {Upstream} upstream
   * @param {Client} client
   * @param {Shared} shared
   */
  constructor(webSocket, socket, upstream, client, shared) {
    const { limits, now, flush } = shared;
    this.#webSocket = webSocket;
    this.#upstream = upstream;
    this.#policy = upstream.policy;
    this.#client = client;
    this.#shared = shared;
    this.#openedAt = now;
    this.#meter = new Meter(limits.messagesPerSecond, limits.bytesPerSecond, now);
    this.#watch = new Watch(limits, now);
    this.#outlet = new Outlet(webSocket, socket, {
      flush,
      limits,
      ondrop: () => this.#drop('slow-client'),
      ondrain: () => this.#fromServer.remove(OTHER_SIDE),
    });
    this.#fromClient = new Hold(
      () => webSocket.pause(),
      () => webSocket.resume(),
    );
    this.#fromServer = new Hold(
      () => this.#link?.pause(),
      () => this.#link?.resume(),
    );
    webSocket.on('message', this.#receive);
    webSocket.on('ping', () => void this.#meter.take(1, 0));
    webSocket.on('pong', () => this.#watch.pong());
    webSocket.on('error', (error) => this.#fail(error));
    webSocket.on('close', (code) => this.#closed(code));
    shared.log('open', this.#names());
    this.#fromClient.add(OPENING);
    this.#open();
  }

  #names() {
    const { id: connection, address, origin, user } = this.#client;
    return { connection, client: address, origin, user, upstream: this.#upstream.name };
  }

  get shares() {
    return this.#client.shares;
  }

  get upstreamName() {
    return this.#upstream.name;
  }

  get holdsAllocation() {
    return this.#allocatedUntil > this.#shared.now;
  }

  /** Bytes that wait for the client. */
  get bufferedBytes() {
    return this.#outlet.bufferedBytes;
  }

  async #open() {
    const { limits, flush, metrics } = this.#shared;
    const start = performance.now();
    try {
      const link = await this.#upstream.open({
        signal: this.#opening.signal,
        timeoutMs: limits.connectMs,
        bufferBytes: limits.bufferBytes,
        flush,
        handlers: {
          onmessage: this.#answer,
          ondrain: () => {
            this.#serverMovedAt = this.#shared.now;
            this.#fromClient.remove(OTHER_SIDE);
          },
          onend: (error) => this.#serverEnded(error),
          onerror: (error) => this.#serverFailed(error),
        },
      });
      if (this.#isEnding) {
        link.close();
        return;
      }
      metrics.connectSeconds.observe((performance.now() - start) / 1000);
      this.#link = link;
      this.#watch.ready(this.#shared.now);
      this.#shared.log('connected', { connection: this.#client.id });
      this.#fromClient.remove(OPENING);
    } catch (error) {
      if (this.#isEnding) return;
      const { code, reason, detail } =
        error instanceof UpstreamFailure
          ? error
          : { code: CLOSE.failed, reason: 'internal', detail: String(error) };
      this.end(code, reason, detail);
    }
  }

  #receive = (/** @type {import('ws').RawData} */ data, /** @type {boolean} */ isBinary) => {
    if (this.#isEnding) return;
    if (!isBinary) this.end(CLOSE.text, 'text');
    else this.#pass(/** @type {Buffer} */ (data));
  };

  /** A message of the client. @param {Buffer} message */
  #pass(message) {
    const { traffic } = this;
    const { length } = message;
    traffic.bytesIn += length;
    if (!this.#meter.take(1, length)) this.#fromClient.add(RATE);
    let content = 0;
    let isRequest = false;
    let isData = true;
    if (message[0] > LAST_STUN_BYTE) {
      content = this.#shared.core.channelData(message);
      if (content === 0) {
        this.#refuse(RULINGS.malformed);
        return;
      }
    } else {
      const result = this.#screen(message);
      if (result <= 0) {
        this.#refuse(result);
        return;
      }
      content = result >> FLAG_BITS;
      isData = (result & CARRIES_DATA) !== 0;
      isRequest = (result & IS_REQUEST) !== 0;
    }
    if (isData) {
      traffic.dataIn++;
      // A server may take this 5-tuple for that of an allocation of somebody before, and data is not authenticated.
      if (!this.holdsAllocation) {
        this.#drop('no-allocation');
        return;
      }
    } else traffic.controlIn++;
    if (this.#link?.send(message, content, isRequest) === false) {
      if (!this.#fromClient.has(OTHER_SIDE)) this.#serverMovedAt = this.#shared.now;
      this.#fromClient.add(OTHER_SIDE);
    }
  }

  /** @param {Buffer} message */
  #screen(message) {
    try {
      return this.#shared.core.screen(this.#policy, message);
    } catch (error) {
      this.end(CLOSE.failed, 'internal', String(error));
      return 0;
    }
  }

  /** @param {number} ruling */
  #refuse(ruling) {
    if (this.#isEnding) return;
    const { metrics, core } = this.#shared;
    if (ruling === RULINGS.peer) {
      const range = core.reason();
      metrics.denied.add(range);
      this.end(CLOSE.denied, 'peer', range);
    } else if (ruling === RULINGS.method || ruling === RULINGS.attribute) {
      const reason = ruling === RULINGS.method ? 'method' : 'attribute';
      metrics.denied.add(reason);
      this.end(CLOSE.policy, reason);
    } else {
      metrics.denied.add('malformed');
      this.end(CLOSE.notStun, 'not-stun');
    }
  }

  /** A message of the server. @param {Uint8Array} message */
  #answer = (message) => {
    if (this.#isEnding) return;
    this.#isAnswered = true;
    const { core, metrics } = this.#shared;
    let content = 0;
    let isData = true;
    if (message[0] > LAST_STUN_BYTE) content = core.channelData(message);
    else {
      const type = this.#read(message);
      isData = type === REPLIES.data;
      if (type !== REPLIES.malformed) content = core.replyBytes;
      if (type === REPLIES.allocated) {
        this.#allocatedUntil = this.#shared.now + core.replyLifetime * 1000;
      } else if (type === REPLIES.error) metrics.stunErrors.add(String(core.replyError));
    }
    if (content === 0) this.#drop('not-turn');
    else if (isData && !this.holdsAllocation) this.#drop('no-allocation');
    else if (!this.#meter.take(1, content) && isData && !this.#mayExceed()) this.#drop('rate');
    else {
      if (isData) this.traffic.dataOut++;
      else this.traffic.controlOut++;
      this.traffic.bytesOut += content;
      const isStream = this.#link?.isStream === true;
      const bytes = content === message.length ? message : message.subarray(0, content);
      if (!this.#outlet.offer(bytes, isStream, this.#shared.now)) this.#fromServer.add(OTHER_SIDE);
    }
  };

  /** @param {Uint8Array} message */
  #read(message) {
    try {
      return this.#shared.core.reply(message);
    } catch (error) {
      this.end(CLOSE.failed, 'internal', String(error));
      return REPLIES.malformed;
    }
  }

  /** Over the rate: a stream is held up, and what has been read of it passes; datagrams get lost. */
  #mayExceed() {
    if (this.#link?.isStream !== true) return false;
    this.#fromServer.add(RATE);
    return true;
  }

  /** @param {string} reason */
  #drop(reason) {
    this.dropped++;
    this.#shared.metrics.dropped.add(reason);
  }

  /** @param {Error | undefined} error */
  #serverEnded(error) {
    if (error === undefined) this.end(CLOSE.done, 'upstream-closed');
    else {
      const { code } = /** @type {NodeJS.ErrnoException} */ (error);
      this.end(CLOSE.failed, 'upstream-broken', code);
    }
  }

  /** ICMP, which anybody can forge: the end only while nothing has come from the server. @param {Error} error */
  #serverFailed(error) {
    if (this.#isAnswered) return;
    const { code } = /** @type {NodeJS.ErrnoException} */ (error.cause ?? {});
    this.end(CLOSE.refused, 'upstream', code);
  }

  /** The WebSocket broke, or the client broke its rules. @param {Error} error */
  #fail(error) {
    const { code = '' } = /** @type {NodeJS.ErrnoException} */ (error);
    this.#end ??= { code: 1006, reason: PROTOCOL_REASONS[code] ?? 'protocol', detail: code };
  }

  /**
   * Closes, for a reason of ours.
   *
   * @param {CloseCode} code
   * @param {string} reason a word of docs/gateway.md
   * @param {string} [detail] for the log
   */
  end(code, reason, detail) {
    if (this.#isEnding) return;
    this.#stop();
    this.#end ??= { code, reason, detail };
    this.#webSocket.close(code, reason);
    // A paused one would not read the answer to the close. It comes behind what was sent before.
    this.#webSocket.resume();
    if (this.bufferedBytes >= this.#shared.limits.bufferBytes) this.#webSocket.terminate();
  }

  #stop() {
    this.#isEnding = true;
    this.#opening.abort();
    this.#link?.close();
    this.#outlet.stop();
  }

  /** @param {number} code */
  #closed(code) {
    this.#stop();
    const {
      code: ours,
      reason,
      detail,
    } = this.#end ?? { code, reason: 'client', detail: undefined };
    const { traffic, dropped } = this;
    const seconds = (performance.now() - this.#openedAt) / 1000;
    this.#shared.metrics.ended(this, reason, seconds);
    this.#shared.log('end', {
      ...this.#names(),
      code: ours,
      reason,
      detail,
      seconds: Math.round(seconds * 1000) / 1000,
      messagesIn: traffic.dataIn + traffic.controlIn,
      messagesOut: traffic.dataOut + traffic.controlOut,
      bytesIn: traffic.bytesIn,
      bytesOut: traffic.bytesOut,
      dropped,
    });
    this.#shared.onend(this);
  }

  /** What is due, some times a second. @param {number} now */
  tick(now) {
    if (this.#isEnding) return;
    this.#link?.tick(now);
    this.#charge(now);
    const late = this.#lateness(now);
    if (late !== undefined) this.end(...late);
    // A client that is held up cannot answer.
    else if (!this.#fromClient.isHeld) this.#ping(now);
  }

  /** Rates of the connection, its address and its user. @param {number} now */
  #charge(now) {
    const { messages, bytes } = this.traffic;
    const moreMessages = messages - this.#chargedMessages;
    const moreBytes = bytes - this.#chargedBytes;
    this.#chargedMessages = messages;
    this.#chargedBytes = bytes;
    this.#meter.fill(now);
    let hasLeft = this.#meter.hasLeft;
    for (const { meter } of this.#client.shares) {
      meter.fill(now);
      if (!meter.take(moreMessages, moreBytes)) hasLeft = false;
    }
    if (hasLeft) {
      this.#fromClient.remove(RATE);
      this.#fromServer.remove(RATE);
    } else {
      this.#fromClient.add(RATE);
      if (this.#link?.isStream === true) this.#fromServer.add(RATE);
    }
  }

  /** @param {number} now @returns {[CloseCode, string] | undefined} */
  #lateness(now) {
    const late = this.#watch.lateness(now, this.traffic.messages, this.holdsAllocation);
    if (late !== undefined) return late;
    if (this.#outlet.isStuck(now)) return [CLOSE.overload, 'slow-client'];
    const isWaiting = this.#fromClient.has(OTHER_SIDE);
    if (isWaiting && now - this.#serverMovedAt >= this.#shared.limits.stuckMs) {
      return [CLOSE.unanswered, 'upstream-stuck'];
    }
    return undefined;
  }

  /** @param {number} now */
  #ping(now) {
    const due = this.#watch.ping(now);
    if (due === 'ping') this.#webSocket.ping();
    if (due !== 'gone') return;
    this.#end = { code: 1006, reason: 'no-pong' };
    this.#webSocket.terminate();
  }
}
