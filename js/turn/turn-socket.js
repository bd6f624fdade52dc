// A relay in the shape of node:dgram's Socket, for code that knows nothing of relays.
import { dgramSocket } from '#platform';
import { requireObject } from '../codec/arguments.js';
import { argumentError } from '../errors.js';
import { checkSignal } from '../option-checks.js';

/** @typedef {import('./relay.js').Relay} Relay */

/**
 * What is needed of a relay.
 *
 * @typedef {Pick<Relay, 'relayedAddress' | 'relayedAddresses' | 'send' | 'ready' | 'onmessage' | 'closed' | 'close'
 *   | 'ref' | 'unref'>} SocketRelay
 */

/** @typedef {(error: Error | null, address: string, family: number) => void} LookupCallback */
/** @typedef {(hostname: string, family: number, callback: LookupCallback) => void} Lookup */

/**
 * @typedef {object} TurnSocketOptions
 * @property {Lookup} [lookup] finds the address of a name, as the option of node:dgram; default dns.lookup()
 * @property {AbortSignal} [signal] closes the socket
 */

/**
 * Gives code that is made for node:dgram a relay in place of its socket. The relay is the socket's from then on: close
 * the socket. Node only.
 *
 * What differs from a socket of the system: the address is the server's choice, whatever bind() asks for; only peers
 * that were sent to, or that relay.permit() let in, are heard; options of the system's socket change nothing; groups of
 * multicast cannot be joined (ENODEV). A relay that ends by itself ends the socket: 'error', then 'close'.
 *
 * @param {SocketRelay} relay made by allocate(), for UDP
 * @param {TurnSocketOptions} [options]
 * @returns {import('node:dgram').Socket}
 * @throws {TypeError} ERR_INVALID_ARGUMENT
 * @throws {import('../errors.js').PosternError} ERR_TRANSPORT_UNSUPPORTED in browsers
 */
export function turnSocket(relay, options = {}) {
  const { lookup, signal } = requireObject(options, 'options');
  if (typeof relay?.send !== 'function' || relay.relayedAddress === undefined) {
    throw argumentError('relay', 'a relay from allocate()');
  }
  if (lookup !== undefined && typeof lookup !== 'function') {
    throw argumentError('options.lookup', 'a function such as dns.lookup');
  }
  checkSignal(signal, 'options.signal');
  return dgramSocket(relay, { lookup, signal });
}
