// What runs on this machine beside the relays is not for those who relay: it may trust what comes from here.

import { BlockList, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';

/** @typedef {import('./server-options.js').ServerSettings} ServerSettings */

/**
 * Tells the places of this machine that are no relays and were not opened on purpose.
 *
 * @param {ServerSettings} settings
 * @returns {(address: string, port: number) => boolean}
 */
export function ownAddresses({ listens, relay, policy }) {
  const own = new Set([
    ...listens.map(({ address }) => address),
    ...(relay?.addresses ?? []),
    ...Object.values(relay?.external ?? {}),
    ...Object.values(networkInterfaces()).flatMap((all) =>
      (all ?? []).map(({ address }) => address),
    ),
  ]);
  const [first, last] = relay?.ports ?? [0, 0];
  const opened = new BlockList();
  for (const prefix of policy.allow) {
    const [base, bits] = prefix.split('/');
    const family = isIPv6(base) ? 'ipv6' : 'ipv4';
    if (bits === undefined) opened.addAddress(base, family);
    else opened.addSubnet(base, Number(bits), family);
  }
  return (address, port) =>
    own.has(address) &&
    (port < first || port > last) &&
    !opened.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}
