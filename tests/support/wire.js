// A wire in front of a server, in this process: it delays, loses, repeats and holds back datagrams, and halts, delays and
// slows down streams. What it does it writes down. There is no netem in many kernels, and none without root.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { seeded } from '../../js/testing/random.js';

/** @typedef {{ address: string, port: number }} Place */

/**
 * What is done to one direction.
 *
 * @typedef {object} Impairment
 * @property {number} [delayMs]
 * @property {number} [jitterMs] more delay, evenly spread from 0 to it
 * @property {boolean} [keepsOrder] a datagram waits for those before it, as in a queue
 * @property {number | ((index: number) => boolean)} [loss] share of datagrams; or which of those that are measured
 * @property {number} [duplicates] share
 * @property {number} [held] share that waits for `heldMs` more, so that others overtake it
 * @property {number} [heldMs]
 * @property {number} [kbps] rate, in 1,000 bits of payload a second
 * @property {number} [queueMs] datagrams that would wait for longer before they are sent at that rate are lost; default 200
 */

/**
 * @typedef {object} Passage
 * @property {number} atMs it came
 * @property {number[]} sentMs it was passed on; none: lost
 * @property {number[]} places in the order of all that were passed on
 */

/** Of measured datagrams, or of pieces of streams. @typedef {Record<'up' | 'down', Passage[]>} Log */

/**
 * @typedef {object} WireOptions
 * @property {Place} to the server
 * @property {'udp' | 'tcp'} [transport] default 'udp'
 * @property {Impairment} [up] to the server
 * @property {Impairment} [down]
 * @property {number} [seed] of what is random: equal seeds, equal datagrams, equal fate
 * @property {(data: Uint8Array) => boolean} [isMeasured] others pass as if nothing was wrong; default: all are
 */

/**
 * @typedef {object} Wire
 * @property {string} address
 * @property {number} port
 * @property {Log} log
 * @property {(ms: number) => void} halt passes nothing on for so long; what comes waits
 * @property {() => void} cut passes nothing on any more
 * @property {() => Promise<void>} close idempotent
 */

const HOST = '127.0.0.1';
const BITS = 8;
const QUEUE_MS = 200;

/** Things that are due at a time, by one timer. */
class Agenda {
  /** By time, the earliest first. @type {{ atMs: number, run: (nowMs: number) => void }[]} */ #due =
    [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  #haltedUntil = 0;

  /** @param {number} atMs @param {(nowMs: number) => void} run */
  add(atMs, run) {
    let at = this.#due.length;
    while (at > 0 && this.#due[at - 1].atMs > atMs) at -= 1;
    this.#due.splice(at, 0, { atMs, run });
    if (at === 0) this.#arm();
  }

  /** @param {number} ms */
  halt(ms) {
    this.#haltedUntil = performance.now() + ms;
    this.#arm();
  }

  #arm() {
    clearTimeout(this.#timer);
    const [first] = this.#due;
    if (first === undefined) return;
    const at = Math.max(first.atMs, this.#haltedUntil);
    this.#timer = setTimeout(() => this.#run(), Math.max(0, Math.ceil(at - performance.now())));
  }

  #run() {
    const now = performance.now();
    while (now >= this.#haltedUntil && this.#due.length > 0 && this.#due[0].atMs <= now) {
      this.#due.shift()?.run(now);
    }
    this.#arm();
  }

  clear() {
    clearTimeout(this.#timer);
    this.#due = [];
  }
}

/** One direction. */
class Direction {
  /** @type {Passage[]} */ log = [];
  agenda = new Agenda();
  isCut = false;
  #impairment;
  #random;
  #isMeasured;
  #lastMs = 0;
  /** When all that was taken has left, at the rate. */
  #freeMs = 0;
  #index = 0;
  #place = 0;

  /** @param {Impairment} impairment @param {() => number} random @param {(data: Uint8Array) => boolean} isMeasured */
  constructor(impairment, random, isMeasured) {
    this.#impairment = impairment;
    this.#random = random;
    this.#isMeasured = isMeasured;
  }

  /** @param {Uint8Array} data @param {() => void} send */
  datagram(data, send) {
    const now = performance.now();
    const isMeasured = this.#isMeasured(data);
    const { delayMs = 0, jitterMs = 0, heldMs = 0, duplicates = 0, held = 0 } = this.#impairment;
    /** @type {Passage} */
    const passage = { atMs: now, sentMs: [], places: [] };
    if (isMeasured) this.log.push(passage);
    // Always as many random numbers, so that a change of one rate leaves the rest as it was.
    const [lossDice, copyDice, holdDice, jitterDice] = Array.from({ length: 4 }, this.#random);
    const isLost = isMeasured && this.#loses(lossDice);
    const leavesMs = this.#departure(data.length, now);
    if (this.isCut || isLost || leavesMs === undefined) return;
    const isHeld = isMeasured && holdDice < held;
    let at = leavesMs + delayMs + jitterMs * jitterDice + (isHeld ? heldMs : 0);
    if (this.#impairment.keepsOrder) at = Math.max(at, this.#lastMs);
    this.#lastMs = at;
    const copies = isMeasured && copyDice < duplicates ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      this.agenda.add(at, (sentMs) => {
        this.#passed(passage, sentMs);
        send();
      });
    }
  }

  /** @param {Passage} passage @param {number} sentMs */
  #passed({ sentMs: all, places }, sentMs) {
    all.push(sentMs);
    places.push(this.#place);
    this.#place += 1;
  }

  /** @param {number} dice */
  #loses(dice) {
    const { loss = 0 } = this.#impairment;
    const index = this.#index;
    this.#index += 1;
    return typeof loss === 'number' ? dice < loss : loss(index);
  }

  /** When it has left, at the rate. @param {number} length @param {number} now @returns {number | undefined} undefined: the queue is full */
  #departure(length, now) {
    const { kbps, queueMs = QUEUE_MS } = this.#impairment;
    if (kbps === undefined) return now;
    const begins = Math.max(now, this.#freeMs);
    if (begins - now > queueMs) return undefined;
    this.#freeMs = begins + (length * BITS) / kbps;
    return this.#freeMs;
  }

  /** Bytes of a stream, in order. @param {import('node:net').Socket} from @param {import('node:net').Socket} to */
  stream(from, to) {
    const { delayMs = 0, jitterMs = 0, kbps } = this.#impairment;
    from.on('data', (/** @type {Buffer} */ data) => {
      const now = performance.now();
      const begins = Math.max(now, this.#freeMs);
      this.#freeMs = kbps === undefined ? now : begins + (data.length * BITS) / kbps;
      this.#lastMs = Math.max(this.#lastMs, this.#freeMs + delayMs + jitterMs * this.#random());
      // As a queue of some length: who sends more has to wait.
      if (this.#freeMs - now > QUEUE_MS) from.pause();
      /** @type {Passage} */
      const passage = { atMs: now, sentMs: [], places: [] };
      this.log.push(passage);
      this.agenda.add(this.#lastMs, (sentMs) => {
        this.#passed(passage, sentMs);
        if (!this.isCut) to.write(data);
        from.resume();
      });
    });
    from.on('close', () => {
      this.agenda.add(Math.max(this.#lastMs, performance.now()), () => to.destroy());
    });
    from.on('error', () => {});
  }
}

/**
 * @param {Direction} up
 * @param {Direction} down
 * @param {Place} to
 */
async function udpWire(up, down, to) {
  const front = createSocket('udp4');
  front.bind({ address: HOST, port: 0, exclusive: true });
  await once(front, 'listening');
  front.setRecvBufferSize(1 << 20);
  /** By clients. @type {Map<string, import('node:dgram').Socket>} */
  const backs = new Map();
  let isClosed = false;
  front.on('message', (data, source) => {
    const key = `${source.address}|${source.port}`;
    let back = backs.get(key);
    if (back === undefined) {
      back = createSocket('udp4');
      back.bind({ address: HOST, port: 0, exclusive: true });
      back.on('message', (answer) =>
        down.datagram(answer, () => {
          if (!isClosed) front.send(answer, source.port, source.address);
        }),
      );
      back.on('error', () => {});
      backs.set(key, back);
    }
    const own = back;
    up.datagram(data, () => {
      if (!isClosed) own.send(data, to.port, to.address);
    });
  });
  front.on('error', () => {});
  return {
    port: front.address().port,
    close: async () => {
      isClosed = true;
      const sockets = [front, ...backs.values()];
      await Promise.all(sockets.map((one) => new Promise((done) => one.close(() => done(true)))));
    },
  };
}

/**
 * @param {Direction} up
 * @param {Direction} down
 * @param {Place} to
 */
async function tcpWire(up, down, to) {
  /** @type {Set<import('node:net').Socket>} */
  const sockets = new Set();
  const listener = createServer({ noDelay: true }, (client) => {
    const server = connect({ host: to.address, port: to.port, noDelay: true });
    for (const one of [client, server]) {
      sockets.add(one);
      one.once('close', () => sockets.delete(one));
    }
    up.stream(client, server);
    down.stream(server, client);
  });
  listener.listen(0, HOST);
  await once(listener, 'listening');
  return {
    port: /** @type {import('node:net').AddressInfo} */ (listener.address()).port,
    close: async () => {
      for (const one of sockets) one.destroy();
      await new Promise((done) => listener.close(() => done(true)));
    },
  };
}

/**
 * @param {WireOptions} options
 * @returns {Promise<Wire>}
 */
export async function startWire(options) {
  const { to, transport = 'udp', up = {}, down = {}, seed = 1, isMeasured = () => true } = options;
  const ways = /** @type {const} */ ([
    new Direction(up, seeded(seed), isMeasured),
    new Direction(down, seeded(seed + 1), isMeasured),
  ]);
  const { port, close } = await (transport === 'udp' ? udpWire : tcpWire)(...ways, to);
  let closing;
  return {
    address: HOST,
    port,
    log: { up: ways[0].log, down: ways[1].log },
    halt: (ms) => {
      for (const { agenda } of ways) agenda.halt(ms);
    },
    cut: () => {
      for (const way of ways) way.isCut = true;
    },
    close: () => {
      closing ??= (async () => {
        for (const { agenda } of ways) agenda.clear();
        await close();
      })();
      return closing;
    },
  };
}
