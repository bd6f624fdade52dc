// What comes unasked, as Relay.onevent tells it.
import { turnError } from './turn-error.js';

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('../engine/turn-types.js').TurnEvent} TurnEvent */
/** @typedef {import('../errors.js').PosternError} PosternError */

/**
 * - 'refreshed': by refresh() or after setCredentials(), and what was granted
 * - 'permission-lost', 'channel-lost': the server would not renew it; a send() to the peer asks anew
 * - 'permission-failed': somebody to whom send() sends got no permission
 * - 'connection-failed': a peer's TCP connection could not be taken (RFC 6062)
 * - 'icmp': a datagram to the peer met an ICMP error (RFC 8656 section 11.5); `data` is what the error tells, such as
 *   the MTU where it is of the path
 * - 'moved': move() is done
 * - 'credentials-refused': the server wants those that made the allocation; the relay goes on with them
 * - 'credentials-failed': the function of options.credentials failed; it is asked again soon
 *
 * @typedef {{ type: 'refreshed', lifetimeMs: number }
 *   | { type: 'permission-lost', peer: TransportAddress, error: PosternError }
 *   | { type: 'permission-failed', address: string, error: Error }
 *   | { type: 'channel-lost', channel: number, peer: TransportAddress, error: PosternError }
 *   | { type: 'connection-failed', peer: TransportAddress, error: Error }
 *   | { type: 'icmp', peer: TransportAddress, icmpType: number, icmpCode: number, data: number }
 *   | { type: 'moved', localAddress: TransportAddress }
 *   | { type: 'credentials-refused', error: PosternError }
 *   | { type: 'credentials-failed', error: Error }} RelayEvent
 */

/** @param {TurnEvent} event @returns {RelayEvent | undefined} undefined for what is told otherwise */
export function relayEvent(event) {
  const { type, number, detail } = event;
  const peer = /** @type {TransportAddress} */ (event.peer);
  switch (type) {
    case 'refreshed':
      return { type, lifetimeMs: number * 1000 };
    case 'permission-lost':
      return { type, peer, error: turnError(event, 'permission') };
    case 'channel-lost':
      return { type, channel: number, peer, error: turnError(event, 'channel') };
    case 'icmp':
      return { type, peer, icmpType: number >> 8, icmpCode: number & 0xff, data: detail };
    case 'credentials-refused':
      return { type, error: turnError(event, 'refresh') };
    default:
      return undefined;
  }
}
