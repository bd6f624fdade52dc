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
  /** Made when it is first asked: the core has judged the prefixes by then. @type {BlockList | undefined} */
  let opened;
  return (address, port) => {
    if (!own.has(address) || (port >= first && port <= last)) return false;
    opened ??= blockListOf(policy.allow);
    return !opened.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
  };
}

/** @param {readonly string[]} prefixes */
function blockListOf(prefixes) {
  const list = new BlockList();
  for (const prefix of prefixes) {
    const [base, bits] = prefix.split('/');
    const family = isIPv6(base) ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(base, family);
    else list.addSubnet(base, Number(bits), family);
  }
  return list;
}
