// The order in which to try the addresses of one host (RFC 8305 section 4).

/**
 * Alternates the families, so that a family without connectivity delays the other by one try only.
 * The first address stays the first: the list comes sorted by RFC 6724, which puts IPv6 first
 * wherever this machine can use it.
 *
 * @template {{ family: unknown }} T
 * @param {readonly T[]} addresses
 * @returns {T[]}
 */
export function interleaveFamilies(addresses) {
  const first = addresses.filter(({ family }) => family === addresses[0].family);
  const second = addresses.filter(({ family }) => family !== addresses[0].family);
  const longer = Math.max(first.length, second.length);
  return Array.from({ length: longer }, (_, i) => [
    ...first.slice(i, i + 1),
    ...second.slice(i, i + 1),
  ]).flat();
}
