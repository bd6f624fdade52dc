// RFC 5780 section 6: a server for NAT discovery has two addresses with two ports each, and answers from all four.

/** @typedef {import('./udp-listener.js').UdpListener} UdpListener */

/**
 * For each socket of such a four, the links of the others: at the other address with the same port, at the same address
 * with the other port, and at the other address with the other port.
 *
 * @param {readonly UdpListener[]} sockets
 * @returns {Map<number, readonly [number, number, number]>} by link
 */
export function natDiscoveryLinks(sockets) {
  const at = new Map(
    sockets.map(({ address: { address, port }, link }) => [`${address} ${port}`, link]),
  );
  /** @type {Map<number, readonly [number, number, number]>} */
  const links = new Map();
  for (const { address: own, link } of sockets) {
    const family = sockets.filter(({ address }) => address.family === own.family);
    for (const { address: other } of family) {
      if (other.address === own.address || other.port === own.port) continue;
      const sameOther = at.get(`${other.address} ${own.port}`);
      const otherSame = at.get(`${own.address} ${other.port}`);
      const both = at.get(`${other.address} ${other.port}`);
      if (sameOther === undefined || otherSame === undefined || both === undefined) continue;
      links.set(link, [sameOther, otherSame, both]);
      break;
    }
  }
  return links;
}
