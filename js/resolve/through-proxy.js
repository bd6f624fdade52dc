// From a URI to ways to try where a proxy is in use: it looks names up itself, since inside a network that has
// one, DNS often knows nothing of the outside.

import { familyOf } from '../address.js';
import { proxyFor } from '../transports/proxy/choose-proxy.js';
import { portOf } from '../uri.js';
import { chooseTransports } from './choose-transports.js';
import { asciiHost, resolveServer as resolveDirectly } from './resolve-server.js';

/** @typedef {import('../uri.js').ServerUri} ServerUri */
/** @typedef {import('./choose-transports.js').TransportName} TransportName */
/** @typedef {import('./resolve-server.js').Candidate} Candidate */
/** @typedef {import('./resolve-server.js').ResolveOptions} ResolveOptions */

/** What goes through a proxy. @type {readonly string[]} */
const PROXIED = ['tcp', 'tls'];

/**
 * @param {ServerUri} uri
 * @param {TransportName} transport
 * @param {ResolveOptions} options
 * @returns {Promise<Candidate>}
 */
async function proxiedCandidate(uri, transport, options) {
  const name = asciiHost(uri);
  if (familyOf(name) !== undefined) {
    // Nothing is looked up for an address, but checked.
    const [literal] = await resolveDirectly(uri, { ...options, transport });
    return { ...literal, via: 'proxy' };
  }
  return {
    transport,
    address: name,
    port: portOf(uri),
    family: options.family === 6 ? 'IPv6' : 'IPv4',
    host: options.servername ?? name.replace(/\.$/, ''),
    via: 'proxy',
  };
}

/**
 * As resolveServer() of resolve-server.js. With a proxy for this server, TCP and TLS have one candidate each, whose
 * address is the name as it is: neither A, AAAA nor SRV records are asked for, so that the port is that of the URI
 * or the default, and the proxy chooses the family. UDP cannot go through, and is resolved as ever.
 *
 * @param {ServerUri} uri
 * @param {ResolveOptions & { proxy?: string }} [options] `proxy` as in StunOptions
 * @returns {Promise<Candidate[]>} at least one
 * @throws {import('../errors.js').PosternError} as resolveServer() does
 * @throws {TypeError} ERR_INVALID_ARGUMENT for 'options.proxy', and as resolveServer() does
 */
export async function resolveServer(uri, { proxy: option, ...options } = {}) {
  const proxy = proxyFor(option, { host: uri.host, port: portOf(uri) });
  if (proxy === undefined) return resolveDirectly(uri, options);
  options.signal?.throwIfAborted();
  const transports = chooseTransports(uri, options.transport);
  const direct = transports.filter((transport) => !PROXIED.includes(transport));
  if (direct.length === transports.length) return resolveDirectly(uri, options);
  /** @type {Candidate[]} */
  let candidates = [];
  if (direct.length > 0) {
    try {
      candidates = await resolveDirectly(uri, { ...options, transport: direct });
    } catch {
      // What goes through the proxy does not need it.
      options.signal?.throwIfAborted();
    }
  }
  for (const transport of transports) {
    if (PROXIED.includes(transport)) {
      candidates.push(await proxiedCandidate(uri, transport, options));
    }
  }
  // In the order of preference.
  return candidates.sort(
    (a, b) => transports.indexOf(a.transport) - transports.indexOf(b.transport),
  );
}
