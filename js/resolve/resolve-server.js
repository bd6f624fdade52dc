// From a URI to addresses to try (RFC 8489 section 8.1, RFC 5928 section 3, RFC 2782).

import { domainToASCII } from 'node:url';
import { canonicalAddress, familyOf } from '../address.js';
import { argumentError, PosternError } from '../errors.js';
import { codeOf } from '../system-error.js';
import { formatUri, portOf } from '../uri.js';
import { abortable } from './abortable.js';
import { chooseTransports } from './choose-transports.js';
import { interleaveFamilies } from './interleave.js';
import { orderSrvRecords } from './srv-order.js';
import { systemResolver } from './system-resolver.js';
import { webSocketCandidate } from './websocket-candidate.js';

/** @typedef {import('../address.js').AddressFamily} AddressFamily */
/** @typedef {import('../uri.js').ServerUri} ServerUri */
/** @typedef {import('./choose-transports.js').TransportName} TransportName */
/** @typedef {import('./srv-order.js').SrvRecord} SrvRecord */
/** @typedef {import('./system-resolver.js').NameResolver} NameResolver */

/**
 * One way to reach a server.
 *
 * @typedef {object} Candidate
 * @property {TransportName} transport
 * @property {string} address of 'ws' what the URL has, which may be a name
 * @property {number} port
 * @property {AddressFamily} family 'IPv4' for a name
 * @property {string} host whom a TLS certificate has to name: the host of the URI, never an SRV
 *   target (RFC 5928 section 5)
 * @property {'literal' | 'srv' | 'address' | 'proxy'} via where the address comes from; 'proxy': it goes through
 *   one, and may be a name (through-proxy.js)
 * @property {string} [url] of 'ws': the WebSocket's
 */

/**
 * @typedef {object} ResolveOptions
 * @property {AbortSignal} [signal]
 * @property {4 | 6} [family] only addresses of this family
 * @property {TransportName | readonly TransportName[]} [transport] see chooseTransports()
 * @property {string} [servername] name of the certificate, when it is not the URI's host
 * @property {NameResolver} [resolver]
 * @property {() => number} [random] gives 0 <= n < 1, for the weights of SRV records
 */

// DNS answers come from strangers. Real names have a handful of records.
const MAX_SRV_TARGETS = 16;
const MAX_ADDRESSES_PER_NAME = 16;

/** What all steps of one resolution share. */
class Resolution {
  /** @type {Map<string, Promise<string[]>>} */
  #addresses = new Map();

  /** @param {ServerUri} uri @param {string} name @param {ResolveOptions} options */
  constructor(uri, name, options) {
    this.uri = uri;
    this.name = name;
    this.host = options.servername ?? name.replace(/\.$/, '');
    this.family = options.family;
    this.signal = options.signal;
    this.resolver = options.resolver ?? systemResolver;
    this.random = options.random ?? Math.random;
  }

  /** @param {string} sentence @param {unknown} [cause] */
  error(sentence, cause) {
    return new PosternError('ERR_DNS', sentence, {
      phase: 'dns',
      url: formatUri(this.uri),
      hint: hintFor(cause),
      cause,
    });
  }

  /** A and AAAA records, each name asked for once. @param {string} name */
  addressesOf(name) {
    let answer = this.#addresses.get(name);
    if (answer === undefined) {
      answer = this.#lookUp(name);
      this.#addresses.set(name, answer);
    }
    return answer;
  }

  /** @param {string} name */
  async #lookUp(name) {
    const { family, signal } = this;
    const kind = family === undefined ? 'address' : `IPv${family} address`;
    let records;
    try {
      records = await this.resolver.lookup(name, { family: family ?? 0, signal });
    } catch (error) {
      throw this.error(`No ${kind} was found for '${name}'.`, error);
    }
    const addresses = records
      .flatMap(({ address }) => canonicalAddress(address) ?? [])
      .map((address) => ({ address, family: familyOf(address) }))
      .filter((record) => family === undefined || record.family === `IPv${family}`);
    if (addresses.length === 0) throw this.error(`No ${kind} was found for '${name}'.`);
    return interleaveFamilies(addresses)
      .slice(0, MAX_ADDRESSES_PER_NAME)
      .map(({ address }) => address);
  }

  /** @param {TransportName} transport @returns {Promise<readonly SrvRecord[]>} may be empty */
  async srvRecords(transport) {
    // Local names are no business of DNS servers (RFC 6761 section 6.3, RFC 6762 section 3).
    if (/(?:^|\.)local(?:host)?\.?$/.test(this.name)) return [];
    const protocol = transport === 'udp' ? 'udp' : 'tcp';
    const question = `_${this.uri.scheme}._${protocol}.${this.name}`;
    try {
      return await this.resolver.resolveSrv(question, { signal: this.signal });
    } catch {
      this.signal?.throwIfAborted();
      // Whatever the failure, address records come next (RFC 5928 section 3). When they can't be
      // had either, theirs is the error to report.
      return [];
    }
  }

  /** @param {TransportName} transport @returns {Promise<Candidate[]>} at least one */
  async candidates(transport) {
    const records = this.uri.port === null ? await this.srvRecords(transport) : [];
    if (records.length > 0) return this.#srvCandidates(transport, records);
    const addresses = await this.addressesOf(this.name);
    return addresses.map((address) =>
      this.candidate(transport, address, portOf(this.uri), 'address'),
    );
  }

  /** @param {TransportName} transport @param {readonly SrvRecord[]} records */
  async #srvCandidates(transport, records) {
    const targets = orderSrvRecords(
      records.filter(({ name, port }) => name !== '' && name !== '.' && port > 0),
      this.random,
    ).slice(0, MAX_SRV_TARGETS);
    if (targets.length === 0) {
      const service = `${this.uri.scheme} service over ${transport.toUpperCase()}`;
      throw this.error(`'${this.name}' declares in DNS (SRV) that it has no ${service}.`);
    }
    const answers = await Promise.allSettled(targets.map(({ name }) => this.addressesOf(name)));
    const found = answers.flatMap((answer, i) =>
      answer.status === 'rejected'
        ? []
        : answer.value.map((address) => this.candidate(transport, address, targets[i].port, 'srv')),
    );
    // With SRV records there is no fall-back to the name's own addresses (RFC 2782).
    if (found.length === 0) throw firstReason(answers);
    return found;
  }

  /**
   * @param {TransportName} transport
   * @param {string} address
   * @param {number} port
   * @param {Candidate['via']} via
   * @returns {Candidate}
   */
  candidate(transport, address, port, via) {
    const family = /** @type {AddressFamily} */ (familyOf(address));
    return { transport, address, port, family, host: this.host, via };
  }
}

/** @param {unknown} error of the resolver */
function hintFor(error) {
  const code = codeOf(error);
  if (code === undefined) return undefined;
  if (code === 'ENOTFOUND' || code === 'ENODATA') return 'Check the spelling of the name.';
  return `The resolver failed (${code}): check the network and its DNS settings, then try again.`;
}

/** @param {readonly PromiseSettledResult<unknown>[]} results */
function firstReason(results) {
  return results.find((result) => result.status === 'rejected')?.reason;
}

/** @param {Candidate[]} candidates */
function withoutRepeats(candidates) {
  const seen = new Set();
  return candidates.filter(({ transport, address, port }) => {
    const key = `${transport} ${port} ${address}`;
    return seen.has(key) ? false : seen.add(key);
  });
}

/** @param {ServerUri} uri @returns {string} the host as DNS and certificates have it */
export function asciiHost({ host }) {
  if (familyOf(host) !== undefined) return host;
  const name = domainToASCII(host);
  if (name !== '') return name;
  throw new PosternError('ERR_INVALID_URI', `'${host}' is not a domain name.`);
}

/**
 * @param {ServerUri} uri
 * @param {string} literal
 * @param {ResolveOptions} options
 */
function checkLiteral({ scheme }, literal, { family, servername }) {
  if (scheme === 'stuns' && servername === undefined) {
    throw new PosternError(
      'ERR_INVALID_URI',
      'A stuns: URI names its host (RFC 8489 section 8.1), so that the certificate can be ' +
        'checked. Write the name in place of the address, or pass the name on the certificate ' +
        'as servername.',
    );
  }
  if (family !== undefined && familyOf(literal) !== `IPv${family}`) {
    throw argumentError(
      'options.family',
      `${family === 4 ? 6 : 4} to go with the address ${literal}`,
    );
  }
}

/**
 * Finds the addresses of a server, in the order to try them.
 *
 * An address in the URI is taken as it is. A name with a port is looked up (A and AAAA). A name
 * without one is asked for SRV records for each transport, and looked up when there are none. The
 * S-NAPTR step of RFC 5928, which would let DNS choose the transports, is not taken. Of a WebSocket nothing is looked
 * up: it has one candidate.
 *
 * @param {ServerUri} uri
 * @param {ResolveOptions} [options]
 * @returns {Promise<Candidate[]>} at least one
 * @throws {PosternError} ERR_DNS; ERR_INVALID_URI for a stuns: URI with an address;
 *   ERR_TRANSPORT_UNSUPPORTED for DTLS
 * @throws {TypeError} when the options contradict the URI
 */
export async function resolveServer(uri, options = {}) {
  const { family, signal } = options;
  signal?.throwIfAborted();
  if (family !== undefined && family !== 4 && family !== 6) {
    throw argumentError('options.family', '4 or 6');
  }
  const transports = chooseTransports(uri, options.transport);
  if (uri.transport === 'ws') return [webSocketCandidate(uri, options)];
  const host = asciiHost(uri);
  const literal = canonicalAddress(host);
  const resolution = new Resolution(uri, literal ?? host, options);
  if (literal !== undefined) {
    checkLiteral(uri, literal, options);
    return transports.map((t) => resolution.candidate(t, literal, portOf(uri), 'literal'));
  }

  const answers = await abortable(
    Promise.allSettled(transports.map((transport) => resolution.candidates(transport))),
    signal,
  );
  const candidates = answers.flatMap((answer) =>
    answer.status === 'fulfilled' ? answer.value : [],
  );
  if (candidates.length === 0) throw firstReason(answers);
  return withoutRepeats(candidates);
}
