/**
 * For sockets that are only given addresses, never names: without it, Node.js asks its resolver for each datagram, and
 * hears in another turn of the event loop.
 *
 * @param {string} address
 * @param {number | object} family
 * @param {(error: null, address: string, family: number) => void} callback
 */
export function literalLookup(address, family, callback) {
  callback(null, address, typeof family === 'number' ? family : 0);
}
