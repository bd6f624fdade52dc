/**
 * Whom limits count as one: a host; with IPv6 a /64, of which one subscriber has at least one.
 *
 * @param {string} address
 * @returns {string}
 */
export function sourceKey(address) {
  if (!address.includes(':')) return address;
  const [head, tail] = address.replace(/%.*$/, '').split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    // `::` stands for as many zeros as are missing; only the first four groups count.
    const after = tail === '' ? [] : tail.split(':');
    while (groups.length + after.length < 8) groups.push('0');
    groups.push(...after);
  }
  return `${groups.slice(0, 4).join(':')}::/64`;
}
