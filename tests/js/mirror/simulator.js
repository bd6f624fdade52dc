// A mirror's core and a page's ICE agent on a simulated network.
import { decode, encode, prepareKey, verify } from '../../../js/codec/index.js';
import { MirrorCore } from '../../../js/mirror/core.js';
import { checkMirrorOptions } from '../../../js/mirror/options.js';
import { createNetwork } from '../../../js/testing/index.js';
import { VirtualClock } from '../../../js/testing/virtual-clock.js';

/** @typedef {import('../../../js/testing/nat-words.js').Place} Place */
/** @typedef {import('../../../js/testing/index.js').Host} Host */
/** @typedef {import('../../../js/testing/index.js').Nat} Nat */
/** @typedef {import('../../../js/testing/index.js').UdpSocket} UdpSocket */

export const ORIGIN = 'https://app.example.org';
const A = '192.0.2.1';
const B = '192.0.2.2';
const OUTSIDE = '203.0.113.77';
const INSIDE = '10.0.0.2';
const LATENCY_MS = 15;

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
  /** All that the mirror has sent. @type {Sent[]} */ sent = [];
  #network;
  /** Of the mirror, by place. @type {Map<string, UdpSocket>} */ #sockets = new Map();
  #pages = 0;
  /** @type {any} */ #alarm;

  /** @param {WorldOptions} [options] */
  constructor({ mirror = {}, blocks = () => false, ...conditions } = {}) {
    this.#network = createNetwork({ latencyMs: LATENCY_MS, ...conditions });
    const settings = checkMirrorOptions({ addresses: [A, B], origins: [ORIGIN], ...mirror });
    const hasSecondAddress = settings.addresses.length > 1;
    /** @type {Map<string, Place>} */
    this.places = new Map([
      ['A:first', { address: A, port: 4001 }],
      ['A:second', { address: A, port: 4002 }],
      ['A:strange', { address: A, port: 4003 }],
      ...settings.portMap.map((port) => /** @type {const} */ ([`A:${port}`, { address: A, port }])),
    ]);
    if (hasSecondAddress) {
      this.places.set('B:first', { address: B, port: 4001 });
      this.places.set('B:strange', { address: B, port: 4003 });
    }
    this.core = new MirrorCore(
      {
        places: new Map([
          [
            'IPv4',
            {
              hasSecondAddress,
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
          this.#sockets.get(place)?.send(bytes, to);
        },
        random: (length) => Uint8Array.from({ length }, () => Math.floor(this.random() * 256)),
      },
      settings.limits,
    );
    const host = this.#network.addHost({ name: 'mirror', address: settings.addresses });
    for (const [place, at] of this.places) {
      const socket = host.openUdp(at);
      socket.onmessage = (bytes, from) => {
        if (blocks({ place, port: at.port })) return;
        this.core.receive('IPv4', place, bytes, from, this.now);
        this.#wake();
      };
      this.#sockets.set(place, socket);
    }
  }

  random = () => this.#network.random();

  get now() {
    return this.#network.now;
  }

  /** Goes there, whatever is due until then. */
  set now(at) {
    const { clock } = this.#network;
    if (!(clock instanceof VirtualClock)) return;
    while (clock.nextAt <= at) clock.runNext();
    clock.goTo(at);
  }

  /** The mirror has something to do then. */
  #wake() {
    const { clock } = this.#network;
    clock.clearTimeout(this.#alarm);
    if (this.core.nextAt === Infinity) return;
    this.#alarm = clock.setTimeout(() => {
      this.core.tick(this.now);
      this.#wake();
    }, this.core.nextAt - this.now);
  }

  /** @param {number} ms @param {() => void} run */
  after(ms, run) {
    this.#network.clock.setTimeout(run, ms);
  }

  /** Before a page. @param {import('../../../js/testing/index.js').NatOptions} [kind] */
  nat(kind) {
    return this.#network.addNat({ addresses: [OUTSIDE], ...kind });
  }

  /** @param {import('../../../js/testing/index.js').FirewallOptions} kind */
  firewall(kind) {
    return this.#network.addFirewall(kind);
  }

  /** A page's, on the Internet where there is no NAT. @param {Nat | undefined} nat */
  pageHost(nat) {
    this.#pages += 1;
    const outside = `${OUTSIDE.slice(0, -2)}${76 + this.#pages}`;
    return this.#network.addHost({ nat, address: nat?.translates ? INSIDE : outside });
  }

  /** @param {object} body @param {string} [address] @returns {Promise<{ status: number, body: any }>} */
  ask(body, address = '198.51.100.9') {
    return new Promise((resolve) => {
      this.core.request(
        JSON.parse(JSON.stringify(body)),
        address,
        this.now,
        (status, answer) => void resolve({ status, body: answer }),
      );
      this.#wake();
    });
  }

  /** Lets time pass until the promise is settled. @template T @param {Promise<T>} promise @returns {Promise<T>} */
  async until(promise) {
    this.#wake();
    return this.#network.runUntil(promise);
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
  /** @type {{ place: Place, priority: number, udp: UdpSocket }[]} */ sockets;
  knocked = 0;
  #world;
  /** @type {Host} */ #host;
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
    this.#host = world.pageHost(nat);
    this.#browser = browser;
    this.#errors = errors;
    this.#httpAddress = httpAddress;
    this.sockets = priorities.map((priority, i) => {
      const udp = this.#host.openUdp({ port: 50_001 + i });
      const socket = { place: udp.localAddress, priority, udp };
      udp.onmessage = (bytes, from) => this.#arrived(bytes, socket, from);
      return socket;
    });
    const text = () => Math.floor(world.random() * 2 ** 40).toString(36);
    this.#ufrag = `u${text()}`.padEnd(4, '0');
    this.#pwd = `${text()}${text()}${text()}${text()}`.padEnd(24, 'x');
  }

  get credentials() {
    return { ufrag: this.#ufrag, pwd: this.#pwd };
  }

  /** @param {Uint8Array} bytes @param {Page['sockets'][number]} socket @param {Place} from */
  #arrived(bytes, socket, from) {
    if (this.#isOver) return;
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
  }

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
    socket.udp.send(answer, from);
    // A peer that it did not know of: checked, too.
    this.#check(socket, from);
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
    socket.udp.send(bytes, to);
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
    const udp = this.#host.openUdp({ port });
    this.#check({ place: udp.localAddress, priority: 1, udp }, to);
  }
}
