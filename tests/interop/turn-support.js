// What the tests of the TURN client against real servers share.
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from '@jest/globals';
import { WebSocket } from 'ws';
import { startUdpPeer } from '../support/udp-peers.js';
import { openBridge } from '../support/websocket-bridge.js';
import { fixtureCertificate } from './support.js';

/** @typedef {import('../../js/index.js').AllocateOptions} AllocateOptions */
/** @typedef {import('../../js/index.js').Relay} Relay */
/** @typedef {import('../support/local-server.js').LocalServer} LocalServer */
/** @typedef {'udp' | 'tcp' | 'tls' | 'ws'} TransportName */

export const users = { alice: 'pass:wörd' };
export const credentials = { username: 'alice', password: users.alice };

/** For all servers of these tests: where there is TLS they have the fixture's certificate. @type {AllocateOptions} */
export const options = {
  credentials,
  tls: { ca: fixtureCertificate.ca },
  WebSocket: /** @type {any} */ (WebSocket),
};

/** The other end is another process, which takes its time; longer than that it will not. */
const PATIENCE_MS = 20_000;
const LOOK_EVERY_MS = 2;

/** Waits for what nobody announces. @param {() => boolean} holds */
export async function until(holds) {
  const end = performance.now() + PATIENCE_MS;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`it does not come about: ${holds}`);
    await wait(LOOK_EVERY_MS);
  }
}

/**
 * @param {string} host
 * @param {LocalServer} server
 * @param {'udp' | 'tcp' | 'tls'} transport
 */
export function relayUrl(host, { port, tlsPort }, transport) {
  const name = host.includes(':') ? `[${host}]` : host;
  return transport === 'tls'
    ? `turns:${name}:${tlsPort}`
    : `turn:${name}:${port}?transport=${transport}`;
}

/** Bytes that are different for each length, and for each seed. @param {number} length @param {number} [seed] */
export const patternOf = (length, seed = 0) =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8) + length + seed) & 0xff);

/** @param {string} text */
export const bytesOf = (text) => new Uint8Array(Buffer.from(text));

/** @param {Uint8Array} bytes */
export const textOf = (bytes) => Buffer.from(bytes).toString();

/** The next datagrams, by iteration. @param {Relay} relay @param {number} count at least 1 */
export async function take(relay, count) {
  /** @type {{ data: Uint8Array, peer: import('../../js/index.js').TransportAddress }[]} */
  const messages = [];
  for await (const message of relay) {
    messages.push(message);
    if (messages.length === count) break;
  }
  return messages;
}

/** The next event of this type. @param {Relay} relay @param {string} type @returns {Promise<any>} */
export function nextEvent(relay, type) {
  return new Promise((resolve) => {
    relay.onevent = (event) => {
      if (event.type === type) resolve(event);
    };
  });
}

/**
 * The URL of a server over each transport; over WebSocket by a gateway in front of it.
 *
 * @param {LocalServer} server
 * @param {Belongings} belongings end the gateway
 * @returns {Promise<Record<TransportName, string>>}
 */
export async function urlsOf(server, belongings, host = '127.0.0.1') {
  const upstream = { address: host, port: server.port };
  const { url: ws } = await belongings.hold(openBridge({ upstream, host }));
  const [udp, tcp, tls] = /** @type {const} */ (['udp', 'tcp', 'tls']).map((transport) =>
    relayUrl(host, server, transport),
  );
  return { udp, tcp, tls, ws };
}

/** @type {readonly TransportName[]} */
export const TRANSPORTS = ['udp', 'tcp', 'tls', 'ws'];

/** What goes through the relay to a UDP peer comes back. @param {Relay} relay */
export async function expectEcho(relay) {
  const peer = await startUdpPeer();
  try {
    relay.send(bytesOf('through'), peer);
    expect(await take(relay, 1)).toMatchObject([{ data: bytesOf('through') }]);
  } finally {
    await peer.close();
  }
}

/** The sockets of this process that lead to somebody: listening ones do not count. */
export const openSockets = () =>
  process.getActiveResourcesInfo().filter((name) => /^(UDPWrap|TCPSocketWrap|TLSWrap)$/.test(name))
    .length;

/** @typedef {{ close?: () => unknown, stop?: () => unknown }} Held */

/** What a test opens, and what ends with it. */
export class Belongings {
  /** @type {Held[]} */ #held = [];

  /** @template {Held} T @param {T | Promise<T>} opening @returns {Promise<T>} */
  async hold(opening) {
    const held = await opening;
    this.#held.push(held);
    return held;
  }

  /** The last first. */
  async release() {
    for (const held of this.#held.splice(0).reverse()) await (held.stop ?? held.close)?.call(held);
  }
}
