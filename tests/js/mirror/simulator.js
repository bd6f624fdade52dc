// A network on a virtual clock: a mirror's core, a NAT of any kind, a page's ICE agent, and packets that may get lost.
import { decode, encode, prepareKey, verify } from '../../../js/codec/index.js';
import { MirrorCore } from '../../../js/mirror/core.js';
import { checkMirrorOptions } from '../../../js/mirror/options.js';

/** @typedef {{ address: string, port: number }} Place */
/** @typedef {'endpoint' | 'address' | 'port'} Dependence what mappings or filters depend on */

export const ORIGIN = 'https://app.example.org';
const A = '192.0.2.1';
const B = '192.0.2.2';
const OUTSIDE = '203.0.113.77';
const INSIDE = '10.0.0.2';
const LATENCY_MS = 15;

/** mulberry32 @param {number} seed */
export function seeded(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** @param {Dependence} dependence @param {Place} remote */
const partOf = (dependence, { address, port }) =>
  dependence === 'endpoint' ? '' : dependence === 'address' ? address : `${address} ${port}`;

export class Nat {
  /** @type {Map<string, { inside: Place, outside: Place }>} */ #mappings = new Map();
  /** @type {Map<number, { inside: Place, outside: Place }>} */ #byPort = new Map();
  #allowed = new Set();

  /**
   * @param {object} kind
   * @param {Dependence} kind.mapping
   * @param {Dependence} kind.filtering
   * @param {boolean} [kind.keepsPort]
   * @param {boolean} [kind.hasTranslation] false: a stateful firewall
   * @param {() => number} kind.random
   */
  constructor({ mapping, filtering, keepsPort = false, hasTranslation = true, random }) {
    this.mapping = mapping;
    this.filtering = filtering;
    this.keepsPort = keepsPort;
    this.hasTranslation = hasTranslation;
    this.random = random;
  }

  /** @param {Place} inside @param {Place} remote @returns {Place} where it seems to come from */
  out(inside, remote) {
    const own = `${inside.address} ${inside.port}`;
    this.#allowed.add(`${own} ${partOf(this.filtering, remote)}`);
    const key = `${own} ${partOf(this.mapping, remote)}`;
    let mapped = this.#mappings.get(key);
    if (mapped === undefined) {
      const outside = this.hasTranslation
        ? { address: OUTSIDE, port: this.keepsPort ? inside.port : this.#freePort() }
        : inside;
      mapped = { inside, outside };
      this.#mappings.set(key, mapped);
      this.#byPort.set(outside.port, mapped);
    }
    return mapped.outside;
  }

  #freePort() {
    for (;;) {
      const port = 20_000 + Math.floor(this.random() * 40_000);
      if (!this.#byPort.has(port)) return port;
    }
  }

  /** @param {Place} outside @param {Place} remote @returns {Place | undefined} whom it reaches */
  in(outside, remote) {
    const inside = this.#byPort.get(outside.port)?.inside;
    if (inside === undefined) return undefined;
    const key = `${inside.address} ${inside.port} ${partOf(this.filtering, remote)}`;
    return this.#allowed.has(key) ? inside : undefined;
  }
}

/**
 * @typedef {object} WorldOptions
 * @property {number} [seed]
 * @property {number} [loss] of each packet, each way
 * @property {number} [duplication]
 * @property {number} [jitterMs] packets overtake each other
 * @property {Partial<import('../../../js/mirror/options.js').MirrorOptions>} [mirror]
 * @property {(to: { place: string, port: number }) => boolean} [blocks] packets to this place of the mirror
 */

/** @typedef {{ place: string, to: Place, bytes: Uint8Array, at: number }} Sent */

export class World {
  now = 0;
  /** All that the mirror has sent. @type {Sent[]} */ sent = [];
  /** @type {{ at: number, order: number, run: () => void }[]} */ #queue = [];
  #order = 0;
  /** @type {Map<string, (bytes: Uint8Array, from: Place) => void>} */ #hosts = new Map();

  /** @param {WorldOptions} [options] */
  constructor({ seed = 1, loss = 0, duplication = 0, jitterMs = 0, mirror = {}, blocks } = {}) {
    this.random = seeded(seed);
    this.loss = loss;
    this.duplication = duplication;
    this.jitterMs = jitterMs;
    this.blocks = blocks ?? (() => false);
    const settings = checkMirrorOptions({ addresses: [A, B], origins: [ORIGIN], ...mirror });
    /** @type {Map<string, Place>} */
    this.places = new Map([
      ['A:first', { address: A, port: 4001 }],
      ['A:second', { address: A, port: 4002 }],
      ['A:strange', { address: A, port: 4003 }],
      ...settings.portMap.map((port) => /** @type {const} */ ([`A:${port}`, { address: A, port }])),
    ]);
    if (settings.addresses.length > 1) {
      this.places.set('B:first', { address: B, port: 4001 });
      this.places.set('B:strange', { address: B, port: 4003 });
    }
    this.core = new MirrorCore(
      {
        places: new Map([
          [
            'IPv4',
            {
              hasSecondAddress: settings.addresses.length > 1,
              advertised: (name) => {
                const place = this.places.get(name);
                return place === undefined ? [] : [{ ...place, family: 'IPv4' }];
              },
            },
          ],
        ]),
        portMap: new Set(settings.portMap),
        send: (_family, place, bytes, to) => {
          this.sent.push({ place, to, bytes, at: this.now });
          this.#fromMirror(place, bytes.slice(), to);
        },
        random: (length) => Uint8Array.from({ length }, () => Math.floor(this.random() * 256)),
      },
      settings.limits,
    );
  }

  /** @param {number} ms @param {() => void} run */
  after(ms, run) {
    this.#queue.push({ at: this.now + ms, order: this.#order++, run });
    this.#queue.sort((a, b) => a.at - b.at || a.order - b.order);
  }

  /** @param {() => void} deliver */
  #carry(deliver) {
    const copies = this.random() < this.duplication ? 2 : 1;
    for (let i = 0; i < copies; i += 1) {
      if (this.random() < this.loss) continue;
      this.after(LATENCY_MS + this.random() * this.jitterMs, deliver);
    }
  }

  /** @param {string} address @param {(bytes: Uint8Array, to: Place, from: Place) => void} take */
  attach(address, take) {
    this.#hosts.set(address, /** @type {any} */ (take));
  }

  /** @param {string} name @param {Uint8Array} bytes @param {Place} to */
  #fromMirror(name, bytes, to) {
    const from = /** @type {Place} */ (this.places.get(name));
    const take = /** @type {any} */ (this.#hosts.get(to.address));
    this.#carry(() => take?.(bytes, to, from));
  }

  /** @param {Uint8Array} bytes @param {Place} from as the mirror sees it @param {Place} to */
  toMirror(bytes, from, to) {
    for (const [name, place] of this.places) {
      if (place.address !== to.address || place.port !== to.port) continue;
      if (this.blocks({ place: name, port: place.port })) return;
      this.#carry(() => this.core.receive('IPv4', name, bytes, from, this.now));
    }
  }

  /** @param {object} body @param {string} [address] @returns {Promise<{ status: number, body: any }>} */
  ask(body, address = '198.51.100.9') {
    return new Promise((resolve) =>
      this.core.request(
        JSON.parse(JSON.stringify(body)),
        address,
        this.now,
        (status, answer) => void resolve({ status, body: answer }),
      ),
    );
  }

  /** Lets time pass until the promise is settled. @template T @param {Promise<T>} promise @returns {Promise<T>} */
  async until(promise) {
    let isOver = false;
    const end = () => {
      isOver = true;
    };
    promise.then(end, end);
    for (let idle = 0; !isOver && idle < 4; ) {
      // What was answered is acted upon before time goes on.
      await new Promise(setImmediate);
      if (isOver) break;
      const at = Math.min(this.#queue[0]?.at ?? Infinity, this.core.nextAt);
      if (at === Infinity) {
        idle += 1;
        continue;
      }
      idle = 0;
      this.now = Math.max(this.now, at);
      while (this.#queue.length > 0 && this.#queue[0].at <= this.now) this.#queue.shift()?.run();
      this.core.tick(this.now);
    }
    if (!isOver) throw new Error('nothing is going on any more');
    return promise;
  }
}

/** When Firefox sends to one candidate, in milliseconds. */
const FIREFOX_TIMES = [0, 100, 300, 700, 1500, 3200, 6500];
const CHROMIUM_PACE_MS = 62;

/**
 * @typedef {object} PageOptions
 * @property {'chromium' | 'firefox'} [browser]
 * @property {Nat} [nat] none: the page's host is on the Internet
 * @property {number[]} [priorities] of its sockets, as many as there are interfaces
 * @property {boolean} [errors] answers 400 to what reaches it
 * @property {string} [httpAddress]
 */

/** A page with the ICE agent of a browser, as far as the mirror meets it. */
export class Page {
  localType = /** @type {'host' | 'translated' | undefined} */ (undefined);
  /** @type {{ place: Place, priority: number }[]} */ sockets;
  knocked = 0;
  #world;
  #nat;
  #browser;
  #errors;
  #httpAddress;
  #ufrag;
  #pwd;
  #far = { ufrag: '', pwd: '' };
  /** @type {{ socket: Page['sockets'][number], to: Place, isOver: boolean }[]} */ #pairs = [];
  #isPacing = false;
  #isOver = false;

  /** @param {World} world @param {PageOptions} [options] */
  constructor(
    world,
    { browser = 'chromium', nat, priorities = [1_845_501_695], errors = false, httpAddress } = {},
  ) {
    this.#world = world;
    this.#nat = nat;
    this.#browser = browser;
    this.#errors = errors;
    this.#httpAddress = httpAddress;
    const translated = nat?.hasTranslation === true;
    this.sockets = priorities.map((priority, i) => ({
      place: { address: translated ? INSIDE : OUTSIDE, port: 50_001 + i },
      priority,
    }));
    const text = () => Math.floor(world.random() * 2 ** 40).toString(36);
    this.#ufrag = `u${text()}`.padEnd(4, '0');
    this.#pwd = `${text()}${text()}${text()}${text()}`.padEnd(24, 'x');
    world.attach(OUTSIDE, /** @type {any} */ (this.#arrived));
  }

  get credentials() {
    return { ufrag: this.#ufrag, pwd: this.#pwd };
  }

  /** @param {Uint8Array} bytes @param {Place} to @param {Place} from */
  #arrived = (bytes, to, from) => {
    const inside = this.#nat === undefined ? to : this.#nat.in(to, from);
    const socket = this.sockets.find(({ place }) => place.port === inside?.port);
    if (socket === undefined || this.#isOver) return;
    const message = decode(bytes);
    if (message.class === 'request') this.#knockedAt(message, socket, from);
    else if (verify(message, prepareKey({ password: this.#far.pwd }))) {
      const mapped = /** @type {Place} */ (message.attributes.xorMappedAddress);
      const { address, port } = socket.place;
      const isOwn = mapped.address === address && mapped.port === port;
      this.localType = isOwn ? 'host' : 'translated';
      for (const pair of this.#pairs) {
        const isThis = pair.to.address === from.address && pair.to.port === from.port;
        // Firefox gives up the others once it has one.
        if (this.#browser === 'firefox' || (isThis && pair.socket === socket)) pair.isOver = true;
      }
    }
  };

  /** @param {import('../../../js/codec/index.js').Message} message @param {Page['sockets'][number]} socket @param {Place} from */
  #knockedAt(message, socket, from) {
    const key = prepareKey({ password: this.#pwd });
    const isRight =
      message.attributes.username === `${this.#ufrag}:${this.#far.ufrag}` && verify(message, key);
    if (!isRight || message.fingerprint !== 'valid') throw new Error('a knock that is not ours');
    this.knocked += 1;
    const { transactionId } = message;
    const answer = this.#errors
      ? encode({
          class: 'error',
          method: 'Binding',
          transactionId,
          attributes: { errorCode: { code: 400 } },
        })
      : encode({
          class: 'success',
          method: 'Binding',
          transactionId,
          attributes: { xorMappedAddress: from },
          key,
          fingerprint: true,
        });
    this.#send(answer, socket, from);
    // A peer that it did not know of: checked, too.
    this.#check(socket, from);
  }

  /** @param {Uint8Array} bytes @param {Page['sockets'][number]} socket @param {Place} to */
  #send(bytes, socket, to) {
    const from = this.#nat === undefined ? socket.place : this.#nat.out(socket.place, to);
    this.#world.toMirror(bytes, from, to);
  }

  /** @param {Page['sockets'][number]} socket @param {Place} to */
  #check(socket, to) {
    if (this.#isOver) return;
    const bytes = encode({
      class: 'request',
      method: 'Binding',
      attributes: {
        username: `${this.#far.ufrag}:${this.#ufrag}`,
        priority: socket.priority,
        iceControlling: 1n,
      },
      key: prepareKey({ password: this.#far.pwd }),
      fingerprint: true,
    });
    this.#send(bytes, socket, to);
  }

  /** @param {Place[]} candidates */
  #addCandidates(candidates) {
    for (const to of candidates) {
      for (const socket of this.sockets) {
        const pair = { socket, to, isOver: false };
        this.#pairs.push(pair);
        if (this.#browser === 'chromium') continue;
        for (const at of FIREFOX_TIMES) {
          this.#world.after(at, () => !pair.isOver && this.#check(socket, to));
        }
      }
    }
    if (this.#browser === 'chromium' && !this.#isPacing) this.#pace();
  }

  #pace() {
    this.#isPacing = true;
    if (this.#isOver) return;
    const next = this.#pairs.shift();
    if (next !== undefined) {
      this.#pairs.push(next);
      if (!next.isOver) this.#check(next.socket, next.to);
    }
    this.#world.after(CHROMIUM_PACE_MS, () => this.#pace());
  }

  /** @param {object} body */
  async #ask(body) {
    const { status, body: answer } = await this.#world.ask(body, this.#httpAddress);
    if (status !== 200) throw new Error(`${status} ${answer.refused}`);
    return answer;
  }

  /** @param {string} test */
  async start(test) {
    const answer = await this.#ask({ step: 'start', test, page: this.credentials });
    this.#far = answer;
    return answer;
  }

  /** The test of mapping and filtering as a page does it. @returns {Promise<import('../../../js/mirror/index.js').NatVerdict>} */
  async diagnose() {
    const { session, candidates } = await this.start('nat');
    this.#addCandidates(candidates);
    const filtered = await this.#ask({ step: 'filtering', session });
    if (filtered.seen) {
      this.#addCandidates(filtered.candidates);
      await this.#ask({ step: 'mapping', session });
      const until = this.#world.now + 4000;
      while (this.localType === undefined && this.#world.now < until) {
        await new Promise((resolve) => this.#world.after(50, () => resolve(undefined)));
      }
    }
    const hostPorts = this.sockets.map(({ place }) => place.port);
    const { localType } = this;
    const { verdict } = await this.#ask({ step: 'result', session, localType, hostPorts });
    this.#isOver = true;
    return verdict;
  }

  /** @param {(port: number) => boolean} [isTestable] */
  async mapPorts(isTestable = () => true) {
    const { session, candidates } = await this.start('ports');
    const chosen = candidates.filter((/** @type {Place} */ { port }) => isTestable(port));
    this.#addCandidates(chosen);
    const asked = chosen.map((/** @type {Place} */ { port }) => port);
    const { ports } = await this.#ask({ step: 'ports', session, ports: asked });
    this.#isOver = true;
    return ports;
  }

  /** @param {number} seconds @param {number} quietMs after which the browser says no more */
  async lifetime(seconds, quietMs) {
    const { session, candidates } = await this.start('lifetime');
    this.#addCandidates(candidates);
    this.#world.after(quietMs, () => {
      for (const pair of this.#pairs) pair.isOver = true;
    });
    const { isAlive } = await this.#ask({ step: 'wait', session, seconds });
    this.#isOver = true;
    return isAlive;
  }

  /** One check to a peer with these credentials, from a port of the host's. @param {{ ufrag: string, pwd: string }} far @param {Place} to @param {number} port */
  checkAs(far, to, port) {
    this.#far = far;
    this.#check({ place: { address: OUTSIDE, port }, priority: 1 }, to);
  }
}
