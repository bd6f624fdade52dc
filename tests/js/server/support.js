// Servers for tests, and clients of theirs: the project's own, and ones whose requests are written by hand.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { jest } from '@jest/globals';
import { WebSocket } from 'ws';
import { decode, encode, prepareKey, StreamDeframer } from '../../../js/codec/index.js';
import { allocate } from '../../../js/index.js';
import { createServer } from '../../../js/server/index.js';
import { fixture } from '../transports/helpers.js';

/** @typedef {import('../../../js/codec/index.js').AttributesInput} AttributesInput */
/** @typedef {import('../../../js/codec/index.js').Message} Message */
/** @typedef {import('../../../js/codec/index.js').MethodName} MethodName */
/** @typedef {import('../../../js/server/index.js').Server} Server */
/** @typedef {import('../../../js/server/index.js').ServerOptions} ServerOptions */
/** @typedef {import('../../../js/turn/allocate-options.js').AllocateOptions} AllocateOptions */
/** @typedef {import('node:net').Socket} Socket */
/** @typedef {{ address: string, port: number }} Place */

// Machines that do much else besides.
jest.setTimeout(30_000);

export const HOST = '127.0.0.1';
export const REALM = 'example.org';
export const USER = { username: 'user', password: 'pass:wörd' };
export const TLS = { key: fixture('server-key'), cert: fixture('good') };
export const CA = fixture('ca');
/** REQUESTED-TRANSPORT: IP's protocol numbers. */
export const UDP = 17;
export const TCP = 6;

/** @type {(() => unknown)[]} */
const cleanUps = [];

/** @param {() => unknown} end for cleanUp() */
export const onCleanUp = (end) => void cleanUps.push(end);

/** For afterEach(). */
export async function cleanUp() {
  for (const end of cleanUps.splice(0).reverse()) await end();
}

/** What is to be otherwise than createServer() has it: on loopback, with one user, to peers on loopback. */
export const DEFAULTS = /** @type {const} */ ({
  listen: [`udp://${HOST}:0`],
  relay: { addresses: [HOST] },
  credentials: { [USER.username]: USER.password },
  realm: REALM,
  policy: { allow: ['127.0.0.0/8'] },
});

/**
 * @param {ServerOptions} [options]
 * @returns {Promise<Server>} closed by cleanUp()
 */
export async function startServer(options = {}) {
  const server = await createServer({ .../** @type {ServerOptions} */ (DEFAULTS), ...options });
  onCleanUp(() => server.close());
  return server;
}

/** Where the server listens for a protocol. @param {Server} server @param {string} protocol */
export function placeOf(server, protocol) {
  const found = server.addresses.find((address) => address.protocol === protocol);
  if (found === undefined) throw new Error(`the server does not listen for ${protocol}`);
  return found;
}

/**
 * A relay of the project's own client.
 *
 * @param {Server} server
 * @param {AllocateOptions & { protocol?: string }} [options]
 */
export async function relayAt(server, { protocol, ...options } = {}) {
  const place = protocol === undefined ? server.addresses[0] : placeOf(server, protocol);
  const url = server.urls[server.addresses.indexOf(place)];
  const isSecure = place.protocol === 'tls';
  const relay = await allocate(url, {
    credentials: USER,
    ...(isSecure ? { tls: { ca: CA } } : {}),
    ...(url.startsWith('ws') ? { WebSocket: TrustingWebSocket } : {}),
    ...options,
  });
  onCleanUp(() => relay.close());
  return relay;
}

/** A WebSocket that trusts the authority of the fixtures. */
export class TrustingWebSocket extends WebSocket {
  /** @param {string | URL} url @param {string | string[]} [protocols] */
  constructor(url, protocols) {
    super(url, protocols, { ca: CA });
  }
}

/**
 * What carries messages, or bytes, to a server.
 *
 * @typedef {object} Wire
 * @property {(bytes: Uint8Array) => void} send
 * @property {() => Promise<Buffer>} next the next message; rejects when there will be none
 * @property {Promise<void>} closed when the other side has closed it
 * @property {() => void} close
 * @property {() => void} pause reads no more
 * @property {() => void} resume
 * @property {Place} local
 */

/** Messages that wait for who asks for them. */
class Queue {
  /** @type {Buffer[]} */ #messages = [];
  /** @type {{ resolve: (bytes: Buffer) => void, reject: (error: Error) => void }[]} */ #readers =
    [];
  #isOver = false;

  /** @param {Uint8Array} bytes */
  push(bytes) {
    const reader = this.#readers.shift();
    if (reader) reader.resolve(Buffer.from(bytes));
    else this.#messages.push(Buffer.from(bytes));
  }

  end() {
    this.#isOver = true;
    for (const { reject } of this.#readers.splice(0)) reject(new Error('the wire is cut'));
  }

  /** @returns {Promise<Buffer>} */
  next() {
    const message = this.#messages.shift();
    if (message) return Promise.resolve(message);
    if (this.#isOver) return Promise.reject(new Error('the wire is cut'));
    return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
  }
}

/**
 * @param {Place} to
 * @param {{ host?: string }} [options]
 * @returns {Promise<Wire>}
 */
export async function udpWire(to, { host = HOST } = {}) {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  const queue = new Queue();
  socket.on('message', (bytes) => queue.push(bytes));
  socket.bind(0, host);
  await once(socket, 'listening');
  const closed = once(socket, 'close').then(() => {});
  let isOpen = true;
  const close = () => {
    if (isOpen) socket.close();
    isOpen = false;
  };
  onCleanUp(close);
  return {
    send: (bytes) => void socket.send(bytes, to.port, to.address),
    next: () => queue.next(),
    closed,
    close,
    pause: () => {},
    resume: () => {},
    local: socket.address(),
  };
}

/**
 * Messages over a stream that is connected.
 *
 * @param {Socket} socket
 * @returns {Wire}
 */
export function streamWire(socket) {
  const deframer = new StreamDeframer();
  const queue = new Queue();
  socket.on('data', (chunk) => {
    for (const { bytes } of deframer.push(chunk)) queue.push(bytes);
  });
  socket.on('error', () => {});
  const closed = once(socket, 'close').then(() => queue.end());
  onCleanUp(() => socket.destroy());
  return {
    send: (bytes) => void socket.write(bytes),
    next: () => queue.next(),
    closed,
    close: () => socket.destroy(),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    local: { address: socket.localAddress ?? '', port: socket.localPort ?? 0 },
  };
}

/** @param {Place} to @param {{ localAddress?: string }} [options] @returns {Promise<Socket>} */
export async function tcpSocket({ address, port }, { localAddress } = {}) {
  const socket = connect({ host: address, port, noDelay: true, localAddress });
  onCleanUp(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** @param {Place} to @returns {Promise<import('node:tls').TLSSocket>} */
export async function tlsSocket({ address, port }) {
  const socket = connectTls({ host: address, port, ca: CA });
  onCleanUp(() => socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

/** @param {string} url @returns {Promise<WebSocket>} */
export async function openWebSocket(url) {
  const webSocket = new TrustingWebSocket(url, 'turn');
  onCleanUp(() => webSocket.terminate());
  await once(webSocket, 'open');
  return webSocket;
}

/** @param {WebSocket} webSocket open @returns {Wire} */
export function webSocketWire(webSocket) {
  const queue = new Queue();
  webSocket.on('message', (/** @type {Buffer} */ bytes) => queue.push(bytes));
  const closed = once(webSocket, 'close').then(() => queue.end());
  return {
    send: (bytes) => webSocket.send(bytes),
    next: () => queue.next(),
    closed,
    close: () => webSocket.terminate(),
    pause: () => webSocket.pause(),
    resume: () => webSocket.resume(),
    local: { address: '', port: 0 },
  };
}

/** A wire for any protocol of the server's. @param {Server} server @param {string} protocol @returns {Promise<Wire>} */
export async function wireTo(server, protocol) {
  const place = placeOf(server, protocol);
  if (protocol === 'udp') return udpWire(place, { host: place.address });
  if (protocol === 'tcp') return streamWire(await tcpSocket(place));
  if (protocol === 'tls') return streamWire(await tlsSocket(place));
  return webSocketWire(await openWebSocket(server.urls[server.addresses.indexOf(place)]));
}

/** Requests to a server, attribute by attribute. */
export class HandClient {
  #wire;
  #credentials;
  /** @type {{ realm: string, nonce: string } | undefined} of the last challenge */
  challenge;

  /** @param {Wire} wire @param {{ username: string, password: string }} [credentials] */
  constructor(wire, credentials = USER) {
    this.#wire = wire;
    this.#credentials = credentials;
  }

  /** An unsigned request's answer. @param {MethodName} method @param {AttributesInput} [attributes] */
  async bare(method, attributes = {}) {
    this.#wire.send(encode({ class: 'request', method, attributes }));
    return decode(await this.#wire.next());
  }

  /** @param {MethodName} method @param {AttributesInput} [attributes] @returns {Buffer} signed with the last challenge */
  signed(method, attributes = {}) {
    const { realm, nonce } = /** @type {{ realm: string, nonce: string }} */ (this.challenge);
    const { username, password } = this.#credentials;
    const key = prepareKey({ username, password, realm });
    return Buffer.from(
      encode({
        class: 'request',
        method,
        key,
        attributes: { ...attributes, username, realm, nonce },
      }),
    );
  }

  /** A request's answer, whatever it takes to get past the challenge. @param {MethodName} method @param {AttributesInput} [attributes] */
  async ask(method, attributes = {}) {
    if (this.challenge === undefined) this.#learn(await this.bare(method, attributes));
    this.#wire.send(this.signed(method, attributes));
    return decode(await this.#wire.next());
  }

  /** @param {Message} answer */
  #learn({ attributes: { realm, nonce } }) {
    this.challenge = { realm: realm ?? '', nonce: nonce ?? '' };
  }

  /** @param {AttributesInput} [attributes] */
  allocate(attributes = {}) {
    return this.ask('Allocate', { requestedTransport: UDP, ...attributes });
  }

  /** Of a peer's connection (RFC 6062). @param {number} connectionId */
  bind(connectionId) {
    return this.ask('ConnectionBind', { connectionId });
  }

  /** @param {MethodName} method @param {AttributesInput} attributes */
  indicate(method, attributes) {
    this.#wire.send(encode({ class: 'indication', method, attributes }));
  }
}

/** @param {number} channel @param {Uint8Array} data */
export function channelData(channel, data) {
  const frame = Buffer.alloc(4 + ((data.length + 3) & ~3));
  frame.writeUInt16BE(channel, 0);
  frame.writeUInt16BE(data.length, 2);
  frame.set(data, 4);
  return frame;
}

/** A Binding request, and its answer. @param {Wire} wire */
export async function ping(wire) {
  wire.send(encode({ class: 'request', method: 'Binding' }));
  const answer = decode(await wire.next());
  return answer.attributes.xorMappedAddress;
}

/**
 * Until it holds: what has happened is told in later turns of the event loop, of which there are as many as it takes; the
 * test's own timeout ends it.
 *
 * @param {() => boolean} holds
 */
export async function until(holds) {
  while (!holds()) await new Promise(setImmediate);
}

/** The next event of the server's. @param {Server} server @param {string} name @returns {Promise<any>} */
export async function told(server, name) {
  const [detail] = await once(/** @type {import('node:events').EventEmitter} */ (server), name);
  return detail;
}

/** What callbacks of the caller's have thrown from here on, instead of ending the process. @returns {unknown[]} */
export function heardExceptions() {
  /** @type {unknown[]} */
  const heard = [];
  const spy = jest.spyOn(globalThis, 'queueMicrotask').mockImplementation((task) => {
    void Promise.resolve()
      .then(task)
      .catch((error) => void heard.push(error));
  });
  onCleanUp(() => spy.mockRestore());
  return heard;
}

/** When the other side has closed it, in good order or not. @param {Socket} socket @returns {Promise<void>} */
export const cutOff = (socket) =>
  new Promise((resolve) => {
    socket.on('error', () => {}).once('close', () => resolve());
    socket.resume();
  });
