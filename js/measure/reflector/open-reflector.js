// A session with a reflector, from Node.js: probes of ports and looks, and flows.

import { prepareKey } from '../../codec/index.js';
import { PosternError } from '../../errors.js';
import { MAX_NUMBER } from '../../reflector/packets/marks.js';
import { openUdp } from '../../transports/udp.js';
import { Control } from './control.js';
import { Flow } from './flow.js';
import { Tally } from './judge.js';
import { readArrivals, readStart } from './read-answers.js';
import { runTcpProbe } from './tcp-probe.js';
import { runUdpProbes } from './udp-probes.js';

/** @typedef {import('../../reflector/packets/marks.js').Look} Look */
/** @typedef {import('../../reflector/talk.js').Arrival} Arrival */
/** @typedef {import('../../reflector/talk.js').StartAnswer} StartAnswer */
/** @typedef {import('../options.js').MeasureOptions} MeasureOptions */
/** @typedef {import('./flow.js').FlowOptions} FlowOptions */
/** @typedef {import('./judge.js').ProbeResult} ProbeResult */

/**
 * @typedef {object} ReflectorOptions
 * @property {AbortSignal} signal ends the session and all that it does
 * @property {string} [proxy] URL that the control channel goes through; probes never do
 * @property {'IPv4' | 'IPv6'} [family] of the reflector's address; the first that it has when left out
 * @property {import('../../transports/tls.js').TlsOptions} [tls] options of node:tls, such as `ca`
 * @property {import('../../transports/tls.js').TlsOptions} [proxyTls] for a proxy of https://
 * @property {import('../../resolve/system-resolver.js').NameResolver} [resolver]
 * @property {number} [timeoutMs] for each answer of the control channel; 10,000 when left out
 */

/** A port, and the looks that are tried there in turn. @typedef {{ port: number, looks: readonly Look[] }} UdpProbe */

const TIMEOUT_MS = 10_000;

export class ReflectorSession {
  #control;
  #start;
  #signal;
  #keepAlive;
  #number = 0;
  /** Arrivals that were told already, by their number. @type {Map<number, Arrival>} */ #arrived =
    new Map();
  /** @type {Promise<void> | undefined} */ #closing;
  #onabort = () => void this.close();
  /** How much is lost on the way, as far as it shows. */ tally = new Tally();

  /** @param {Control} control @param {StartAnswer} start @param {string} localAddress @param {AbortSignal} signal */
  constructor(control, start, localAddress, signal) {
    this.#control = control;
    this.#start = start;
    this.#signal = signal;
    /** Of this machine, on the way to the reflector. */
    this.localAddress = localAddress;
    /** For the packets of this session. */
    this.keys = {
      handle: Buffer.from(start.handle, 'hex'),
      key: Buffer.from(start.key, 'hex'),
      stunKey: prepareKey({ password: Buffer.from(start.key, 'hex') }),
    };
    // It is forgotten where nobody asks; that it is, shows when somebody does.
    this.#keepAlive = setInterval(() => {
      control
        .ask({ step: 'arrived', session: start.session, after: this.#arrived.size })
        .catch(() => {});
    }, start.idleMs / 3);
    this.#keepAlive.unref();
    signal.addEventListener('abort', this.#onabort, { once: true });
  }

  /** What there is to test: `udp` ports, and `sip` ones, which are open over UDP and TCP. */
  get ports() {
    const { udp, sip, address } = this.#start;
    return { udp, sip, address };
  }

  /** Where flows go to and come from: for permissions of a relay. @returns {{ address: string, port: number }} */
  get peer() {
    return { address: this.#start.address, port: this.#start.udp[0] };
  }

  get signal() {
    return this.#signal;
  }

  /** @param {string} step @param {object} [more] @returns {Promise<any>} rejects with ERR_TRANSPORT_CLOSED after close() */
  async ask(step, more = {}) {
    this.#signal.throwIfAborted();
    if (this.#closing !== undefined) {
      throw new PosternError('ERR_TRANSPORT_CLOSED', 'The session with the reflector was closed.');
    }
    return this.#control.ask({ step, session: this.#start.session, ...more });
  }

  /** @returns {number} that no other packet of this session has */
  nextNumber() {
    this.#number = (this.#number + 1) % MAX_NUMBER;
    return this.#number;
  }

  /** What has arrived until now, by the numbers of packets. @returns {Promise<ReadonlyMap<number, Arrival>>} */
  async arrivals() {
    const answer = await this.ask('arrived', { after: this.#arrived.size });
    for (const one of readArrivals(answer)) this.#arrived.set(one.number, one);
    return this.#arrived;
  }

  /**
   * Tries the same port with packets that differ in nothing but their looks, each from a socket of its own.
   *
   * @param {object} what
   * @param {'udp' | 'tcp'} what.transport
   * @param {number} what.port of the session's; over TCP one for SIP
   * @param {readonly Look[]} what.payloads 'stun', 'rtp', 'sip', 'random'
   * @returns {Promise<Partial<Record<Look, ProbeResult>>>}
   * @throws {PosternError} ERR_REFLECTOR_UNREACHABLE, ERR_REFLECTOR_REFUSED, ERR_TRANSPORT_CONNECT: this machine has no
   *   way there; or the signal's reason
   */
  async probe({ transport, port, payloads }) {
    const results =
      transport === 'udp'
        ? await this.probePorts(payloads.map((look) => ({ port, looks: [look] })))
        : await Promise.all(payloads.map((look) => runTcpProbe(this, port, look)));
    return Object.fromEntries(payloads.map((look, i) => [look, results[i]]));
  }

  /**
   * Tries many ports over UDP at once.
   *
   * @param {readonly UdpProbe[]} probes
   * @returns {Promise<ProbeResult[]>} in the same order
   * @throws as probe()
   */
  probePorts(probes) {
    return runUdpProbes(this, probes);
  }

  /**
   * Counts what arrives, each way, of packets that go by a way of the caller's: see Flow.
   *
   * @param {FlowOptions} options
   * @returns {Flow}
   */
  flow(options) {
    return new Flow(this, options);
  }

  /** Idempotent. @returns {Promise<void>} */
  close() {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end() {
    this.#signal.removeEventListener('abort', this.#onabort);
    clearInterval(this.#keepAlive);
    await this.#control.close(this.#start.session);
  }

  [Symbol.asyncDispose]() {
    return this.close();
  }
}

/** The address of this machine on the way there. @param {string} address @param {number} port @param {AbortSignal} signal */
async function findLocalAddress(address, port, signal) {
  const trial = await openUdp({ address, port }, { signal });
  trial.close();
  return trial.localAddress.address;
}

/**
 * Begins a session with a reflector (docs/reflector.md).
 *
 * @param {string} url http: or https:
 * @param {ReflectorOptions} options
 * @returns {Promise<ReflectorSession>} close it, or hold it with `await using`
 * @throws {PosternError} ERR_REFLECTOR_UNREACHABLE; ERR_REFLECTOR_REFUSED with the reflector's
 *   word as `reason`; ERR_TRANSPORT_CONNECT: this machine has no way for UDP to it; or `signal.reason`
 */
export async function openReflector(url, { proxy, family, timeoutMs = TIMEOUT_MS, ...options }) {
  const control = new Control(url, { ...options, timeoutMs }, proxy);
  /** @type {StartAnswer | undefined} */
  let start;
  try {
    start = readStart(await control.ask({ step: 'start', family }));
    const local = await findLocalAddress(start.address, start.udp[0], options.signal);
    return new ReflectorSession(control, start, local, options.signal);
  } catch (error) {
    void control.close(start?.session);
    throw error;
  }
}
