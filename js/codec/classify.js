// Telling protocols that share a port apart (RFC 7983 section 7, RFC 9443 section 3).
import { argumentError } from '../errors.js';
import { isBytes, isTrue, requireObject } from './arguments.js';
import { getCore } from './core.js';

/** In the order of src/wire/demux.h. */
const PROTOCOLS = /** @type {const} */ ([
  'stun',
  'zrtp',
  'dtls',
  'turn-channel',
  'rtp',
  'quic',
  'unknown',
]);

/**
 * @typedef {object} ClassifyOptions
 * @property {boolean} [quic] QUIC uses the port too (RFC 9443)
 * @property {boolean} [fromTurnServer] with `quic`: the packet comes from a TURN server that has answered
 */

/**
 * The protocol that a packet belongs to, by its first byte.
 *
 * @param {Uint8Array} packet
 * @param {ClassifyOptions} [options]
 * @returns {(typeof PROTOCOLS)[number]} 'unknown' also for an empty packet
 * @throws {TypeError} ERR_INVALID_ARGUMENT
 */
export function classify(packet, options = {}) {
  if (!isBytes(packet)) throw argumentError('packet', 'a Uint8Array');
  const quic = isTrue(requireObject(options, 'options').quic, 'options.quic');
  const fromTurnServer = isTrue(options.fromTurnServer, 'options.fromTurnServer');
  const first = packet[0];
  if (first === undefined) return 'unknown';
  const shared = quic ? (fromTurnServer ? 2 : 1) : 0;
  return PROTOCOLS[getCore().call.classify(first, shared)] ?? 'unknown';
}
