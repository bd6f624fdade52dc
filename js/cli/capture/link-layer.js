// From a captured frame to the IP packet in it.
import { viewOf } from './pcap.js';

/** EtherTypes. */
const ETHER = { ipv4: 0x0800, ipv6: 0x86dd, vlan: 0x8100, providerVlan: 0x88a8 };
/** Ours: tags within tags that are looked through. */
const MAX_VLAN_TAGS = 4;

/**
 * @param {Uint8Array} bytes
 * @param {number} typeAt where the EtherType stands
 * @param {number} start where the payload begins
 */
function byEtherType(bytes, typeAt, start) {
  const view = viewOf(bytes);
  let at = typeAt;
  let payload = start;
  for (let tags = 0; tags <= MAX_VLAN_TAGS; tags += 1) {
    if (at + 2 > bytes.length || payload > bytes.length) return undefined;
    const type = view.getUint16(at);
    if (type === ETHER.ipv4 || type === ETHER.ipv6) return bytes.subarray(payload);
    if (type !== ETHER.vlan && type !== ETHER.providerVlan) return undefined;
    // Two bytes of tag, then the type of what is within.
    at = payload + 2;
    payload += 4;
  }
  return undefined;
}

/** Four bytes of address family, in the byte order of the machine that captured or in that of the network. @param {Uint8Array} bytes */
const afterFamily = (bytes) => bytes.subarray(4);

/** @typedef {(bytes: Uint8Array) => Uint8Array | undefined} Unwrap */

/** By LINKTYPE_ value of the registry of tcpdump.org. @type {Record<number, { name: string, unwrap: Unwrap }>} */
const LINK_TYPES = {
  0: { name: 'BSD loopback', unwrap: afterFamily },
  1: { name: 'Ethernet', unwrap: (bytes) => byEtherType(bytes, 12, 14) },
  // What systems without the registry's numbers wrote for raw IP.
  12: { name: 'raw IP', unwrap: (bytes) => bytes },
  14: { name: 'raw IP', unwrap: (bytes) => bytes },
  101: { name: 'raw IP', unwrap: (bytes) => bytes },
  108: { name: 'OpenBSD loopback', unwrap: afterFamily },
  113: { name: 'Linux cooked', unwrap: (bytes) => byEtherType(bytes, 14, 16) },
  228: { name: 'IPv4', unwrap: (bytes) => bytes },
  229: { name: 'IPv6', unwrap: (bytes) => bytes },
  276: { name: 'Linux cooked v2', unwrap: (bytes) => byEtherType(bytes, 0, 20) },
};

/** @param {number} linkType */
export const isKnownLinkType = (linkType) => linkType in LINK_TYPES;

/**
 * @param {number} linkType
 * @param {Uint8Array} bytes a frame
 * @returns {Uint8Array | undefined} the IP packet; undefined where it carries something else
 */
export const ipPacketOf = (linkType, bytes) => LINK_TYPES[linkType]?.unwrap(bytes);
