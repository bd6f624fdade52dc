// DNS as this machine does it.

import { lookup, Resolver } from 'node:dns/promises';

/** @typedef {import('./srv-order.js').SrvRecord} SrvRecord */

/**
 * What resolution asks of DNS. Errors carry the `code` that node:dns gives them: ENOTFOUND and
 * ENODATA say that there is no such record.
 *
 * @typedef {object} NameResolver
 * @property {(name: string, options: { signal: AbortSignal | undefined }) =>
 *   Promise<readonly SrvRecord[]>} resolveSrv
 * @property {(name: string, options: { family: 0 | 4 | 6, signal: AbortSignal | undefined }) =>
 *   Promise<readonly { address: string }[]>} lookup A and AAAA records, sorted by RFC 6724
 */

// Most names have no SRV record, and some home routers leave the question unanswered: do not let
// that cost the 20 s or more that are the default for each server.
const SRV_TIMEOUT_MS = 2000;
const SRV_TRIES = 2;

/**
 * @param {object} [options]
 * @param {readonly string[]} [options.servers] DNS servers to ask for SRV records, such as
 *   '192.0.2.53' or '127.0.0.1:5353', in place of those that the system is set to
 * @returns {NameResolver}
 */
export function createSystemResolver({ servers } = {}) {
  return {
    async resolveSrv(name, { signal }) {
      // One resolver for each question: cancel() ends all that a resolver was asked.
      const resolver = new Resolver({ timeout: SRV_TIMEOUT_MS, tries: SRV_TRIES });
      if (servers !== undefined) resolver.setServers(servers);
      const cancel = () => resolver.cancel();
      signal?.addEventListener('abort', cancel, { once: true });
      try {
        return await resolver.resolveSrv(name);
      } finally {
        signal?.removeEventListener('abort', cancel);
      }
    },

    // The operating system's own way, which knows the hosts file and mDNS; it cannot be cancelled.
    lookup(name, { family }) {
      return lookup(name, { all: true, verbatim: true, family });
    },
  };
}

export const systemResolver = createSystemResolver();
