// The way to a server behind a WebSocket: there is one, and nothing to look up. Needs no Node.

import { argumentError } from '../errors.js';
import { webSocketAddress, webSocketUrlOf } from '../uri.js';

/** @typedef {import('../uri.js').ServerUri} ServerUri */
/** @typedef {import('./resolve-server.js').Candidate} Candidate */
/** @typedef {import('./resolve-server.js').ResolveOptions} ResolveOptions */

/**
 * The one candidate of a URI whose transport is 'ws'. The WebSocket looks the name up, so a name is its own address
 * here, and `family` is 'IPv4' for it.
 *
 * @param {ServerUri} uri
 * @param {Pick<ResolveOptions, 'family'>} options
 * @returns {Candidate & { url: string }}
 * @throws {TypeError} ERR_INVALID_ARGUMENT when the address is of another family, or the family cannot be kept to
 * @throws {import('../errors.js').PosternError} ERR_INVALID_URI when the host is no domain name
 */
export function webSocketCandidate(uri, { family }) {
  const url = webSocketUrlOf(uri);
  const { address, port, family: literal } = webSocketAddress(url);
  if (family !== undefined && literal !== `IPv${family}`) {
    throw argumentError(
      'options.family',
      literal === undefined
        ? `left out: a WebSocket looks '${address}' up itself; write an address in the URL instead`
        : `${family === 4 ? 6 : 4} to go with the address ${address}`,
    );
  }
  return {
    transport: 'ws',
    address,
    port,
    family: literal ?? 'IPv4',
    host: address,
    via: literal === undefined ? 'address' : 'literal',
    url: url.href,
  };
}
