// A STUN server on a simulated host, for NAT discovery too (RFC 5780), by our codec.

import { familyOf, formatTransportAddress } from '../address.js';
import { requireObject } from '../codec/arguments.js';
import { decode, encode, init } from '../codec/index.js';
import { argumentError } from '../errors.js';
import { DEFAULT_PORT } from '../uri.js';
import { Network } from './network.js';
import { checkAddresses, checkPort } from './options.js';

/** @typedef {import('../codec/index.js').Message} Message */
/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('./host.js').Host} Host */
/** @typedef {import('./udp-socket.js').UdpSocket} UdpSocket */

/**
 * @typedef {object} StunServerOptions
 * @property {string} [name] default made up; `stun:<name>` leads to it
 * @property {string | readonly string[]} [addresses] one or two; with two, it helps to discover NATs. Default one that is
 *   made up
 * @property {readonly [first: number, second: number]} [ports] default 3478 and 3479; the second is used with two addresses
 * @property {import('./nat.js').Nat} [nat] behind which it is
 */

/**
 * @typedef {object} StunServerStats
 * @property {number} requests
 * @property {number} answers
 * @property {number} refused with 420 (Unknown Attribute)
 * @property {number} ignored what is no Binding request
 */

/** What it does not know it may pass by (RFC 8489 section 14). */
const FIRST_OPTIONAL = 0x8000;
const UNKNOWN_ATTRIBUTE = 420;
/** RFC 5780 section 7.2. */
const CHANGE_REQUEST = 0x0003;

export class StunServer {
  /** Sockets by address and port. @type {Map<string, UdpSocket>} */ #sockets = new Map();
  #addresses;
  #ports;
  #stats = { requests: 0, answers: 0, refused: 0, ignored: 0 };

  /** @param {Host} host @param {readonly string[]} addresses @param {readonly [number, number]} ports @internal */
  constructor(host, addresses, ports) {
    this.host = host;
    this.#addresses = addresses;
    this.#ports = ports;
    for (const address of addresses) {
      for (const port of addresses.length > 1 ? ports : ports.slice(0, 1)) {
        const socket = host.openUdp({ address, port });
        socket.onmessage = (bytes, from) => this.#receive(bytes, from, { address, port });
        this.#sockets.set(`${address} ${port}`, socket);
      }
    }
  }

  /** A `stun:` URI for each address. @returns {string[]} */
  get urls() {
    return this.#addresses.map(
      (address) => `stun:${formatTransportAddress({ address, port: this.#ports[0] })}`,
    );
  }

  /** @returns {StunServerStats} */
  stats() {
    return { ...this.#stats };
  }

  /** Closes its sockets. Idempotent. */
  async close() {
    for (const socket of this.#sockets.values()) socket.close();
  }

  async [Symbol.asyncDispose]() {
    await this.close();
  }

  /** The other place that it answers from. @param {string} address @param {number} port @param {boolean} changeIp @param {boolean} changePort */
  #other(address, port, changeIp, changePort) {
    const other = (/** @type {readonly any[]} */ pair, /** @type {any} */ one) =>
      pair.find((each) => each !== one);
    const place = {
      address: changeIp ? other(this.#addresses, address) : address,
      port: changePort ? other(this.#ports, port) : port,
    };
    return { ...place, family: familyOf(place.address) ?? 'IPv4' };
  }

  /** @param {Uint8Array} bytes @param {TransportAddress} from @param {{ address: string, port: number }} at */
  #receive(bytes, from, { address, port }) {
    const message = messageOf(bytes);
    if (message === undefined || message.class !== 'request' || message.method !== 'Binding') {
      this.#stats.ignored += 1;
      return;
    }
    this.#stats.requests += 1;
    const hasOther = this.#addresses.length > 1;
    const { transactionId, attributes: asked } = message;
    const { changeRequest, responsePort } = asked;
    const { changeIp = false, changePort = false } = changeRequest ?? {};
    const isBeyond = !hasOther && (changeIp || changePort);
    const unknown = isBeyond ? [CHANGE_REQUEST] : unknownOf(message);
    const source = this.#other(address, port, changeIp && hasOther, changePort && hasOther);
    const to = { address: from.address, port: responsePort ?? from.port };
    const answer =
      unknown.length > 0
        ? encode({
            class: 'error',
            method: 'Binding',
            transactionId,
            attributes: { errorCode: { code: UNKNOWN_ATTRIBUTE }, unknownAttributes: unknown },
          })
        : encode({
            class: 'success',
            method: 'Binding',
            transactionId,
            attributes: {
              xorMappedAddress: from,
              responseOrigin: source,
              ...(hasOther ? { otherAddress: this.#other(address, port, true, true) } : {}),
              ...(asked.padding === undefined ? {} : { padding: asked.padding }),
            },
            fingerprint: message.fingerprint === 'valid',
          });
    this.#stats[unknown.length > 0 ? 'refused' : 'answers'] += 1;
    this.#sockets.get(`${source.address} ${source.port}`)?.send(answer, to);
  }
}

/** @param {Uint8Array} bytes @returns {Message | undefined} */
function messageOf(bytes) {
  try {
    return decode(bytes);
  } catch {
    return undefined;
  }
}

/** What a server must know of a request, and this one does not. @param {Message} message @returns {number[]} */
function unknownOf(message) {
  const types = [...message].filter(
    ({ name, type }) => name === undefined && type < FIRST_OPTIONAL,
  );
  return types.map(({ type }) => type);
}

/**
 * Adds a host with a STUN server to a network: it answers Binding requests, also with CHANGE-REQUEST, RESPONSE-PORT and PADDING
 * (RFC 5780). Without credentials.
 *
 * @param {Network} network
 * @param {StunServerOptions} [options]
 * @returns {Promise<StunServer>}
 * @throws {TypeError} ERR_INVALID_ARGUMENT
 * @throws {import('../errors.js').PosternError} ERR_WASM_LOAD, in browsers
 */
export async function addStunServer(network, options = {}) {
  requireNetwork(network);
  const {
    name,
    nat,
    addresses,
    ports = [DEFAULT_PORT, DEFAULT_PORT + 1],
  } = requireObject(options, 'options');
  const given =
    addresses === undefined ? undefined : checkAddresses(addresses, 'options.addresses');
  const [first, second] = [0, 1].map((i) => checkPort(ports[i], `options.ports[${i}]`, 1));
  if (first === second) throw argumentError('options.ports[1]', 'another than options.ports[0]');
  const families = new Set((given ?? []).map(familyOf));
  if ((given ?? []).length > 2 || families.size > 1) {
    throw argumentError('options.addresses', 'one or two of the same family');
  }
  await init();
  const host = network.addHost({ name, nat, address: given });
  return new StunServer(host, host.addresses, [first, second]);
}

/** @param {unknown} network */
export function requireNetwork(network) {
  if (!(network instanceof Network))
    throw argumentError('network', 'what createNetwork() returned');
}
