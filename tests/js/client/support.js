// What the tests of the clients share: servers that follow a script, in memory and on loopback.

import { decode, encode } from '../../../js/codec/index.js';
import { memoryTransportPair } from '../../../js/transports/memory.js';
import { openSockets, tcpServer, udpServer } from '../transports/helpers.js';

/** @typedef {import('../../../js/codec/index.js').Message} Message */
/** @typedef {import('../../../js/codec/encode.js').MessageInput} MessageInput */
/** @typedef {import('../../../js/transports/memory.js').Network} Network */
/** @typedef {import('../../../js/transports/transport.js').TransportTarget} TransportTarget */

/**
 * @typedef {object} Asked
 * @property {Uint8Array} bytes the request as it came
 * @property {{ address: string, port: number }} source
 * @property {number} number of the request at this server, from 0
 * @property {TransportTarget} target whom the client wanted
 */

/** @typedef {(request: Message, asked: Asked) => Uint8Array | Uint8Array[] | undefined} Script */

/** Where the scripted servers say that the client is; documentation addresses (RFC 5737, RFC 3849). */
export const MAPPED = /** @type {const} */ ({
  address: '203.0.113.7',
  port: 61_000,
  family: 'IPv4',
});
export const MAPPED_6 = /** @type {const} */ ({
  address: '2001:db8::7',
  port: 61_000,
  family: 'IPv6',
});

/** The URI to give where the transport is in memory. */
export const SERVER = 'stun:198.51.100.1';

/**
 * A success response.
 *
 * @param {Pick<Message, 'transactionId' | 'method'>} request
 * @param {import('../../../js/codec/encode.js').MessageInput['attributes']} [attributes]
 * @param {Partial<MessageInput>} [more]
 */
export function success({ transactionId, method }, attributes = {}, more = {}) {
  return encode({
    class: 'success',
    method: /** @type {any} */ (method),
    transactionId,
    attributes: { xorMappedAddress: MAPPED, ...attributes },
    ...more,
  });
}

/**
 * An error response.
 *
 * @param {Message} request
 * @param {number} code
 * @param {import('../../../js/codec/encode.js').MessageInput['attributes']} [attributes]
 * @param {Partial<MessageInput>} [more]
 */
export function failure({ transactionId, method }, code, attributes = {}, more = {}) {
  return encode({
    class: 'error',
    method: /** @type {any} */ (method),
    transactionId,
    attributes: { errorCode: { code }, ...attributes },
    ...more,
  });
}

/** @param {Uint8Array | Uint8Array[] | undefined} replies */
const list = (replies) => (replies === undefined ? [] : [replies].flat());

/**
 * A server in memory: `transport` is for the clients' options. A memory transport hands all on within
 * microtasks, so that no timer of a client can run between a request and its answer.
 *
 * @param {Script} script
 * @param {{ reliable?: boolean, network?: Network }} [options]
 */
export function memoryServer(script, { reliable = false, network } = {}) {
  /** @type {Message[]} */
  const requests = [];
  /** @type {TransportTarget[]} */
  const targets = [];
  /** @type {ReturnType<typeof memoryTransportPair>} */
  let ends;
  const transport = async (
    /** @type {TransportTarget} */ target,
    /** @type {{ signal?: AbortSignal }} */ { signal },
  ) => {
    signal?.throwIfAborted();
    targets.push(target);
    ends = memoryTransportPair({ reliable, network });
    const [near, far] = ends;
    far.onbytes = (bytes, from) => {
      const request = decode(bytes);
      const asked = { bytes, source: from ?? near.localAddress, number: requests.length, target };
      requests.push(request);
      for (const reply of list(script(request, asked))) far.send(reply);
    };
    return near;
  };
  return {
    transport,
    requests,
    targets,
    /** The last client's end, and the server's. */
    get ends() {
      return ends;
    },
  };
}

/** @param {{ address: string, port: number }} target @param {string} [scheme] */
export const uriOf = ({ address, port }, scheme = 'stun') =>
  `${scheme}:${address.includes(':') ? `[${address}]` : address}:${port}`;

/**
 * A UDP server on loopback; cleanUp() of ../transports/helpers.js ends it.
 *
 * @param {Script} script
 * @param {string} [host]
 */
export async function scriptedUdpServer(script, host) {
  const { socket, target } = await udpServer(host, 0, false);
  /** @type {Message[]} */
  const requests = [];
  socket.on('message', (bytes, source) => {
    const request = decode(bytes);
    const asked = { bytes, source, number: requests.length, target };
    requests.push(request);
    for (const reply of list(script(request, asked)))
      socket.send(reply, source.port, source.address);
  });
  return { socket, target, requests, uri: uriOf(target) };
}

/**
 * A TCP server on loopback, for clients that send a message in one piece; cleanUp() ends it.
 *
 * @param {(request: Message, asked: Asked & { socket: import('node:net').Socket }) => ReturnType<Script>} script
 * @param {string} [host]
 */
export async function scriptedTcpServer(script, host) {
  /** @type {Message[]} */
  const requests = [];
  const { target } = await tcpServer((socket) => {
    const source = { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
    socket.on('data', (bytes) => {
      const request = decode(bytes);
      const asked = { bytes, source, number: requests.length, target, socket };
      requests.push(request);
      for (const reply of list(script(request, asked))) socket.write(reply);
    });
  }, host);
  return { target, requests, uri: uriOf(target) };
}

/**
 * What a promise rejects with; fails where it fulfils.
 *
 * @param {Promise<unknown>} promise
 * @returns {Promise<any>}
 */
export async function rejection(promise) {
  let result;
  try {
    result = await promise;
  } catch (error) {
    return error;
  }
  throw new Error(`the promise was fulfilled with ${JSON.stringify(result)}`);
}

/**
 * A resolver to which any name without a port is a host at each of the addresses, in this order.
 *
 * @param {...{ address: string, port: number }} targets
 */
export const resolverOf = (...targets) => ({
  resolveSrv: async () =>
    targets.map(({ port }, i) => ({ name: `host-${i}.example.org`, port, priority: i, weight: 0 })),
  lookup: async (/** @type {string} */ name) => {
    const { address } = targets[Number(name.match(/\d+/)?.[0])];
    return [{ address, family: address.includes(':') ? 6 : 4 }];
  },
});

/** What other files of tests have left open in this process: no matter of ours. */
const inherited = await openSockets();

/** The kinds of the sockets that this file of tests has open. */
export async function ownSockets() {
  const open = await openSockets();
  for (const kind of inherited) {
    const at = open.indexOf(kind);
    if (at >= 0) open.splice(at, 1);
  }
  return open;
}

/** A promise and its resolve(). */
export function gate() {
  /** @type {(value?: unknown) => void} */
  let open = () => {};
  const opened = new Promise((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** One turn of the event loop, with all its microtasks. */
export const turn = () => new Promise(setImmediate);

/** Options with which a busy machine makes no request go out twice. */
export const PATIENT = { retransmission: { rtoMs: 60_000 } };
