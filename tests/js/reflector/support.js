// Reflectors for tests: on a virtual clock, and on loopback behind a middlebox that does to packets what networks do.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, createServer as createTcpServer } from 'node:net';
import { prepareKey } from '../../../js/codec/index.js';
import { openReflector } from '../../../js/measure/reflector/open-reflector.js';
import { ReflectorCore } from '../../../js/reflector/core.js';
import { createReflector } from '../../../js/reflector/index.js';
import { checkReflectorOptions } from '../../../js/reflector/options.js';
import { randomPacket, rtpPacket, stunPacket } from '../../../js/reflector/packets/looks.js';
import { writeMark } from '../../../js/reflector/packets/marks.js';
import { sipBytes, sipInvite } from '../../../js/reflector/packets/sip.js';
import { seeded } from '../../../js/testing/random.js';

/** @typedef {import('../../../js/reflector/options.js').ReflectorOptions} ReflectorOptions */
/** @typedef {import('../../../js/reflector/packets/marks.js').Kind} Kind */
/** @typedef {import('../../../js/reflector/packets/marks.js').Look} Look */
/** @typedef {{ address: string, port: number }} Endpoint */

/** @type {(() => unknown)[]} */
const cleanUps = [];

/** @param {() => unknown} end for cleanUp() */
export const onCleanUp = (end) => void cleanUps.push(end);

/** For afterEach(). */
export async function cleanUp() {
  for (const end of cleanUps.splice(0).reverse()) await end();
}

export const ADDRESS = '192.0.2.1';
export const PORTS = { udp: [3478, 5000, 5001], sip: [5060] };
export const CLIENT = { address: '203.0.113.5', port: 4000 };
export const VICTIM = { address: '198.18.0.1', port: 53 };

/** A reflector's core, and a clock that a test winds. */
export class World {
  now = 0;
  /** All that the reflector has sent over UDP. @type {{ port: number, bytes: Uint8Array, to: Endpoint, at: number }[]} */ sent =
    [];
  /** Bytes that were given to it, by where they seemed to come from. @type {Map<string, number>} */ given =
    new Map();
  #random = seeded(7);

  /** @param {Partial<ReflectorOptions>} [options] */
  constructor(options = {}) {
    const { limits } = checkReflectorOptions({ addresses: [ADDRESS], ...options });
    this.core = new ReflectorCore(
      {
        places: new Map([['IPv4', { address: ADDRESS, ...PORTS }]]),
        send: (_family, port, bytes, to) => this.sent.push({ port, bytes, to, at: this.now }),
        random: (length) => Uint8Array.from({ length }, () => Math.floor(this.#random() * 256)),
      },
      limits,
      0,
    );
  }

  /** @param {object} body @param {string} [address] @returns {{ status: number, body: any }} */
  ask(body, address = CLIENT.address) {
    let answer = { status: 0, body: /** @type {any} */ (undefined) };
    this.core.request(/** @type {any} */ (body), address, this.now, (status, told) => {
      answer = { status, body: told };
    });
    return answer;
  }

  /** @param {string} [address] @returns {Client} */
  start(address) {
    const { status, body } = this.ask({ step: 'start' }, address);
    if (status !== 200) throw new Error(`refused: ${body.refused}`);
    return new Client(body);
  }

  /** @param {Uint8Array} bytes @param {Endpoint} [from] @param {number} [port] */
  arrive(bytes, from = CLIENT, port = PORTS.udp[0]) {
    this.given.set(from.address, (this.given.get(from.address) ?? 0) + bytes.length);
    this.core.receive('IPv4', port, bytes, from, this.now);
  }

  /** Lets the reflector do all that it will until then. @param {number} [until] */
  run(until = Infinity) {
    while (this.core.nextAt <= until && this.core.nextAt < Infinity) {
      if (this.core.nextAt < this.now) throw new Error('tick() leaves something undone');
      this.now = this.core.nextAt;
      this.core.tick(this.now);
    }
    if (until < Infinity) this.now = until;
  }

  /** Bytes that went to an address. @param {string} address */
  bytesTo(address) {
    const own = this.sent.filter(({ to }) => to.address === address);
    return own.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }
}

/** What a client makes of the answer to its start. */
export class Client {
  /** @param {any} start */
  constructor(start) {
    this.session = start.session;
    this.start = start;
    this.keys = { handle: Buffer.from(start.handle, 'hex'), key: Buffer.from(start.key, 'hex') };
    this.stunKey = prepareKey({ password: this.keys.key });
  }

  /**
   * @param {number} number
   * @param {object} [options]
   * @param {Look} [options.look]
   * @param {Kind} [options.kind]
   * @param {number} [options.port]
   * @param {'udp' | 'tcp'} [options.transport]
   * @param {number} [options.bytes]
   * @param {Endpoint} [options.local]
   * @returns {Uint8Array}
   */
  packet(
    number,
    {
      look = 'random',
      kind = 'probe',
      port = PORTS.udp[0],
      transport = 'udp',
      bytes = 100,
      local = CLIENT,
    } = {},
  ) {
    const mark = writeMark(this.keys, kind, number, look, { transport, port });
    if (look === 'stun') return stunPacket(mark, this.stunKey);
    if (look === 'rtp') return rtpPacket(mark, number);
    if (look === 'random') return randomPacket(mark, bytes);
    return sipBytes(sipInvite(mark, { transport, local, remote: { address: ADDRESS, port } }));
  }
}

/** Where the reflector is, and where clients believe it is. */
const INSIDE = '127.0.0.1';
const OUTSIDE = '127.0.0.9';

/**
 * What a network does to packets: what is sent on instead; undefined: nothing.
 *
 * @typedef {object} Network
 * @property {(bytes: Buffer, port: number, transport: 'udp' | 'tcp') => Buffer | undefined} [out] towards the reflector
 * @property {(bytes: Buffer, port: number, transport: 'udp' | 'tcp') => Buffer | undefined} [in]
 * @property {(port: number) => boolean} [closesTcp] connections there are ended at once
 */

/** @param {number} port @param {Network} network */
async function forwardUdp(port, network) {
  const front = createSocket('udp4').bind({ address: OUTSIDE, port, exclusive: true });
  /** @type {Map<number, import('node:dgram').Socket>} */
  const onwards = new Map();
  front.on('error', () => {});
  front.on('message', (bytes, { port: from, address }) => {
    let onward = onwards.get(from);
    if (onward === undefined) {
      onward = createSocket('udp4');
      onward.on('error', () => {});
      onward.on('message', (back) => {
        const passed = (network.in ?? pass)(back, port, 'udp');
        if (passed !== undefined) front.send(passed, from, address);
      });
      onwards.set(from, onward);
    }
    const passed = (network.out ?? pass)(bytes, port, 'udp');
    if (passed !== undefined) onward.send(passed, port, INSIDE);
  });
  await once(front, 'listening');
  onCleanUp(() => {
    front.close();
    for (const socket of onwards.values()) socket.close();
  });
}

/** @param {number} port @param {Network} network */
async function forwardTcp(port, network) {
  const sockets = new Set();
  const server = createTcpServer((client) => {
    if (network.closesTcp?.(port)) {
      client.destroy();
      return;
    }
    const onward = connect(port, INSIDE);
    for (const socket of [client, onward]) {
      sockets.add(socket);
      socket.on('error', () => {});
    }
    client.on('data', (bytes) => {
      const passed = (network.out ?? pass)(bytes, port, 'tcp');
      if (passed !== undefined) onward.write(passed);
    });
    onward.on('data', (bytes) => {
      const passed = (network.in ?? pass)(bytes, port, 'tcp');
      if (passed !== undefined) client.write(passed);
    });
    client.on('close', () => onward.destroy());
    onward.on('close', () => client.destroy());
  });
  server.listen({ host: OUTSIDE, port, exclusive: true });
  await once(server, 'listening');
  onCleanUp(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
}

/** @param {Buffer} bytes */
const pass = (bytes) => bytes;

/**
 * A reflector on loopback, with HTTP.
 *
 * @param {Partial<ReflectorOptions>} [options]
 */
export async function startReflector(options = {}) {
  const reflector = await createReflector({
    addresses: [INSIDE],
    udp: [0, 0, 0],
    sip: [0],
    ...options,
  });
  onCleanUp(() => reflector.close());
  const http = createServer(reflector.handler).listen(0, INSIDE);
  await once(http, 'listening');
  onCleanUp(() => {
    http.close();
    http.closeAllConnections();
  });
  const { port } = /** @type {import('node:net').AddressInfo} */ (http.address());
  return { reflector, url: `http://${INSIDE}:${port}/` };
}

/**
 * The same with a network in between, and a session over it.
 *
 * @param {Network | ((ports: { udp: number[], sip: number[] }) => Network)} [network]
 * @param {Partial<ReflectorOptions>} [options]
 */
export async function startBehind(network = {}, options = {}) {
  const { reflector, url } = await startReflector({ external: { [INSIDE]: OUTSIDE }, ...options });
  const signal = new AbortController().signal;
  const session = await openReflector(url, { signal });
  onCleanUp(() => session.close());
  const made = typeof network === 'function' ? network(session.ports) : network;
  const { udp, sip } = session.ports;
  for (const port of [...udp, ...sip]) await forwardUdp(port, made);
  for (const port of sip) await forwardTcp(port, made);
  return { reflector, url, session };
}

/** @param {Buffer} bytes */
export const isStun = (bytes) => bytes[0] < 4;
/** @param {Buffer} bytes */
export const isRtp = (bytes) => bytes[0] >> 6 === 2;
/** @param {Buffer} bytes */
export const isSip = (bytes) => bytes[0] >= 0x41 && bytes[0] <= 0x5a;
/** @param {Buffer} bytes */
export const isRandom = (bytes) => bytes[0] >= 4 && bytes[0] < 10;
