// Gateways for tests, what stands behind them, and clients that know what they send byte for byte.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { WebSocket } from 'ws';
import { decode, encode } from '../../../js/codec/index.js';
import { createGateway, createTicket } from '../../../js/gateway/index.js';

/** @typedef {import('../../../js/gateway/options.js').GatewayOptions} GatewayOptions */

export const SECRET = 'a secret of sixteen bytes and more';
export const ORIGIN = 'https://app.example.org';
export const NAME = 'main';

/** @type {(() => unknown)[]} */
const cleanUps = [];

/** For afterEach(). */
export async function cleanUp() {
  for (const end of cleanUps.splice(0).reverse()) await end();
}

/** @param {() => unknown} end */
export const onCleanUp = (end) => void cleanUps.push(end);

/** What stands behind a gateway when nothing else is said. */
const NOBODY = { url: 'turn:127.0.0.1:9?transport=tcp', allowPrivate: /** @type {true} */ (true) };

/** @typedef {import('../../../js/gateway/log.js').LogEntry} LogEntry */

/** What a gateway has told. */
export class Log {
  /** @type {LogEntry[]} */ entries = [];
  /** @type {{ event: LogEntry['event'], nth: number, resolve: (entry: LogEntry) => void }[]} */ #waiting =
    [];

  /** @param {LogEntry} entry */
  add(entry) {
    this.entries.push(entry);
    for (const { event, nth, resolve } of this.#waiting) {
      const found = this.all(event)[nth];
      if (found) resolve(found);
    }
  }

  /** @param {LogEntry['event']} event */
  all(event) {
    return this.entries.filter((entry) => entry.event === event);
  }

  /** The nth of its kind, counted from 0, once it is there. @param {LogEntry['event']} event @returns {Promise<LogEntry>} */
  when(event, nth = 0) {
    const found = this.all(event)[nth];
    if (found) return Promise.resolve(found);
    return new Promise((resolve) => this.#waiting.push({ event, nth, resolve }));
  }
}

/**
 * A gateway on a port of its own, for pages of ORIGIN with a ticket; its log is kept.
 *
 * @param {Partial<GatewayOptions> & { upstream?: import('../../../js/gateway/upstream.js').UpstreamOptions }} [options]
 */
export async function startGateway({ upstream = NOBODY, ...options } = {}) {
  const log = new Log();
  const gateway = await createGateway({
    ...(options.server === undefined ? { port: 0 } : {}),
    upstreams: { [NAME]: upstream },
    origins: [ORIGIN],
    tickets: { secret: SECRET },
    policy: { allow: ['127.0.0.0/8'] },
    log: (entry) => log.add(entry),
    ...options,
  });
  onCleanUp(() => gateway.close());
  return { gateway, log, url: `${gateway.url}${NAME}` };
}

/** @param {Partial<import('../../../js/gateway/tickets.js').TicketOptions>} [options] */
export const ticketFor = (options) =>
  createTicket({ secret: SECRET, upstream: NAME, origin: ORIGIN, ...options }).ticket;

/**
 * A client as a page is one, with a fresh ticket unless another is given.
 *
 * @param {string} url
 * @param {{ ticket?: string | null, protocols?: string[], origin?: string | null, localAddress?: string,
 *   headers?: Record<string, string>, ca?: string | Buffer }} [options] null: none
 */
export function dialGateway(url, options = {}) {
  const { ticket = ticketFor(), origin = ORIGIN, localAddress, headers, ca } = options;
  const { protocols = ticket === null ? ['turn'] : ['turn', ticket] } = options;
  const socket = new WebSocket(url, protocols, {
    ...(origin === null ? {} : { origin }),
    headers,
    ca,
    localAddress,
    perMessageDeflate: false,
  });
  onCleanUp(() => socket.terminate());
  return new GatewayClient(socket);
}

/** @param {string} url @param {Parameters<typeof dialGateway>[1]} [options] */
export async function openClient(url, options) {
  const client = dialGateway(url, options);
  await client.opened;
  return client;
}

export class GatewayClient {
  /** @type {Buffer[]} */ #messages = [];
  /** @type {((message: Buffer) => void)[]} */ #readers = [];

  /** @param {WebSocket} socket */
  constructor(socket) {
    this.socket = socket;
    /** @type {Promise<{ code: number, reason: string }>} */
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => resolve({ code, reason: String(reason) }));
    });
    /** Rejects with what the gateway answered. @type {Promise<void>} */
    this.opened = new Promise((resolve, reject) => {
      socket.on('open', resolve);
      socket.on('error', reject);
    });
    this.opened.catch(() => {});
    socket.on('message', (data) => {
      const reader = this.#readers.shift();
      if (reader) reader(/** @type {Buffer} */ (data));
      else this.#messages.push(/** @type {Buffer} */ (data));
    });
  }

  /** @param {Uint8Array | string} message */
  send(message) {
    this.socket.send(message);
  }

  /** @returns {Promise<Buffer>} the next message that comes */
  next() {
    const message = this.#messages.shift();
    if (message) return Promise.resolve(message);
    return new Promise((resolve) => this.#readers.push(resolve));
  }

  /** Waits for an answer to a request; data that comes before it is left out. @param {Uint8Array} message */
  async ask(message) {
    this.send(message);
    let answer = await this.next();
    while (answer[0] > 3) answer = await this.next();
    return decode(answer);
  }

  /** Asks for an allocation, so that data may pass. */
  allocate() {
    return this.ask(
      encode({ class: 'request', method: 'Allocate', attributes: { lifetime: 600 } }),
    );
  }
}

/** The HTTP status with which an upgrade is refused. @param {string} url @param {Parameters<typeof dialGateway>[1]} [options] */
export async function refusedStatus(url, options) {
  const error = await dialGateway(url, options).opened.then(
    () => new Error('it was opened'),
    (reason) => reason,
  );
  return Number(/response: (\d+)/.exec(error.message)?.[1] ?? error.message);
}

/** How a page is refused: it sees the WebSocket open, and close. @param {string} url @param {Parameters<typeof dialGateway>[1]} [options] */
export async function closedWith(url, options) {
  const client = dialGateway(url, options);
  return client.closed;
}

/** @param {string} url @param {Record<string, string>} [headers] */
export async function get(url, headers) {
  const asked = request(url, { headers, agent: false }).end();
  const [response] = await once(asked, 'response');
  let body = '';
  for await (const chunk of response.setEncoding('utf8')) body += chunk;
  return { status: response.statusCode, body, headers: response.headers };
}

/** @param {number} channel @param {Uint8Array | string} data */
export function channelData(channel, data) {
  const bytes = Buffer.from(data);
  const head = Buffer.alloc(4);
  head.writeUInt16BE(channel, 0);
  head.writeUInt16BE(bytes.length, 2);
  return Buffer.concat([head, bytes]);
}

/** Success for whatever is asked. @param {Buffer} bytes */
function answerTo(bytes) {
  const { method, transactionId, attributes } = decode(bytes);
  const lifetime = method === 'Allocate' ? (attributes.lifetime ?? 600) : 0;
  return encode({
    class: 'success',
    method: /** @type {string} */ (method),
    transactionId,
    attributes: method === 'Allocate' || method === 'Refresh' ? { lifetime } : {},
  });
}

/**
 * A server that says yes to every request and sends data back, over UDP.
 *
 * @param {(bytes: Buffer) => Uint8Array | undefined} [answer]
 */
export async function udpUpstream(answer = (bytes) => (bytes[0] < 4 ? answerTo(bytes) : bytes)) {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  socket.setRecvBufferSize(1 << 20);
  /** @type {Buffer[]} */
  const received = [];
  /** @type {import('node:dgram').RemoteInfo | undefined} */
  let source;
  socket.on('message', (bytes, from) => {
    received.push(bytes);
    source = from;
    const back = answer(bytes);
    if (back) socket.send(back, from.port, from.address);
  });
  onCleanUp(() => new Promise((resolve) => socket.close(() => resolve(undefined))));
  const { port } = socket.address();
  return {
    upstream: { url: `turn:127.0.0.1:${port}`, allowPrivate: /** @type {true} */ (true) },
    port,
    received,
    send: (/** @type {Uint8Array} */ bytes) => {
      if (source) socket.send(bytes, source.port, source.address);
    },
    next: () => once(socket, 'message').then(([bytes]) => /** @type {Buffer} */ (bytes)),
  };
}

/**
 * The same over TCP, for messages that come whole; `received` has the bytes of the last connection.
 *
 * @param {(bytes: Buffer, socket: import('node:net').Socket) => Uint8Array | undefined} [answer]
 */
export async function tcpUpstream(answer = (bytes) => (bytes[0] < 4 ? answerTo(bytes) : bytes)) {
  /** @type {import('node:net').Socket[]} */
  const sockets = [];
  const state = { received: Buffer.alloc(0) };
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      state.received = Buffer.concat([state.received, bytes]);
      const back = answer(bytes, socket);
      if (back) socket.write(back);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onCleanUp(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const url = `turn:127.0.0.1:${port}?transport=tcp`;
  return {
    upstream: { url, allowPrivate: /** @type {true} */ (true) },
    port,
    sockets,
    get received() {
      return state.received;
    },
    connection: () => once(server, 'connection'),
  };
}
