// IP addresses as text. In plain JavaScript, because browsers have no node:net.

/** @typedef {'IPv4' | 'IPv6'} AddressFamily */

/** @typedef {import('./codec/values.js').TransportAddress} TransportAddress */

// dec-octet of RFC 3986 section 3.2.2: no leading zeros, which some systems take for octal.
const OCTET = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const IPV4 = new RegExp(`^(?:${OCTET}\\.){3}${OCTET}$`);
const IPV6_GROUPS = 8;
const GROUPS_OF_A_SUBNET = 4;

/** @param {string} text @returns {number[] | undefined} */
function parseGroups(text) {
  if (text === '') return [];
  const groups = text.split(':');
  if (!groups.every((group) => /^[\da-f]{1,4}$/i.test(group))) return undefined;
  return groups.map((group) => Number.parseInt(group, 16));
}

/**
 * @param {string} text
 * @returns {number[] | undefined} the eight groups of an IPv6 address, by RFC 4291 section 2.2
 */
export function parseIPv6(text) {
  const lastColon = text.lastIndexOf(':');
  let hex = text;
  if (text.includes('.')) {
    const tail = text.slice(lastColon + 1);
    if (!IPV4.test(tail)) return undefined;
    const [a, b, c, d] = tail.split('.').map(Number);
    const groups = [(a << 8) | b, (c << 8) | d].map((group) => group.toString(16));
    hex = text.slice(0, lastColon + 1) + groups.join(':');
  }
  const [head, tail, ...more] = hex.split('::').map(parseGroups);
  if (head === undefined || more.length > 0) return undefined;
  if (!hex.includes('::')) return head.length === IPV6_GROUPS ? head : undefined;
  if (tail === undefined) return undefined;
  // The two colons stand for at least one group.
  const missing = IPV6_GROUPS - head.length - tail.length;
  return missing < 1 ? undefined : [...head, ...new Array(missing).fill(0), ...tail];
}

/** @param {number[]} groups @returns {string} the one form of RFC 5952 */
function formatIPv6(groups) {
  const isIPv4Mapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (isIPv4Mapped) {
    const octets = groups.slice(6).flatMap((group) => [group >> 8, group & 0xff]);
    return `::ffff:${octets.join('.')}`;
  }
  // The longest run of zeros, the first of equals; a single zero stays (section 4.2).
  let start = -1;
  let length = 1;
  for (let i = 0; i < groups.length; i++) {
    let end = i;
    while (groups[end] === 0) end++;
    if (end - i > length) {
      start = i;
      length = end - i;
    }
  }
  /** @param {number[]} part */
  const hex = (part) => part.map((group) => group.toString(16)).join(':');
  if (start < 0) return hex(groups);
  return `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}

/**
 * The family of an address literal; undefined for anything else, such as a name, brackets or an
 * address with a zone.
 *
 * @param {string} text
 * @returns {AddressFamily | undefined}
 */
export function familyOf(text) {
  if (IPV4.test(text)) return 'IPv4';
  return parseIPv6(text) === undefined ? undefined : 'IPv6';
}

/**
 * The address in the form that sockets report it in (RFC 5952 for IPv6), so that two spellings of
 * one address compare equal.
 *
 * @param {string} text
 * @returns {string | undefined} undefined when `text` is no address
 */
export function canonicalAddress(text) {
  if (IPV4.test(text)) return text;
  const groups = parseIPv6(text);
  return groups && formatIPv6(groups);
}

/**
 * For people: '192.0.2.1:3478', '[2001:db8::1]:3478'.
 *
 * @param {{ address: string, port: number }} transportAddress
 */
export function formatTransportAddress({ address, port }) {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/**
 * What counts as one client: an IPv4 address, or the /64 of an IPv6 address, of which one subscriber has at least one.
 *
 * @param {string} address
 */
export function sourceOf(address) {
  if (!address.includes(':')) return address;
  const groups = parseIPv6(address);
  return groups === undefined
    ? address
    : `${groups
        .slice(0, GROUPS_OF_A_SUBNET)
        .map((group) => group.toString(16))
        .join(':')}::/64`;
}
