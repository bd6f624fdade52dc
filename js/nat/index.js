// NAT behaviour discovery (RFC 5780), where the platform has what it takes.
import { discoverNat as discover } from '#nat';

/** @typedef {import('./options.js').NatOptions} NatOptions */
/** @typedef {import('./result.js').NatResult} NatResult */

/**
 * Finds out how the NATs and firewalls on the way to a server behave (RFC 5780, in the words of RFC 4787): mapping,
 * filtering, hairpinning, port preservation, fragments, and on request how long a mapping lives.
 *
 * Filtering and, behind a NAT, mapping need a server with two addresses and two ports each. What cannot be known is
 * 'unknown', with the reason; nothing is a guess. It takes 3 to 30 seconds, by what is found; a lifetime takes minutes.
 *
 * For Node.js: a page cannot send such requests, and fails with ERR_TRANSPORT_UNSUPPORTED.
 *
 * @param {import('../ice-server.js').ServerInput} server as for getMappedAddress(); the first that answers counts
 * @param {NatOptions} [options]
 * @returns {Promise<NatResult>} frozen
 * @throws {TypeError} ERR_INVALID_ARGUMENT with the argument's name
 * @throws {import('../errors.js').PosternError} where no server answers, as getMappedAddress(): ERR_DNS, ERR_STUN_TIMEOUT,
 *   ERR_TRANSPORT_CONNECT and others of docs/errors.md. Or `signal.reason`
 */
export async function discoverNat(server, options = {}) {
  return discover(server, options);
}
