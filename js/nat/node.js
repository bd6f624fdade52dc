// discoverNat() in Node.js: loaded when it is called, as its core is for nobody else.

/**
 * @param {import('../ice-server.js').ServerInput} server
 * @param {import('./options.js').NatOptions} options
 * @returns {Promise<import('./result.js').NatResult>}
 */
export async function discoverNat(server, options) {
  const { discoverNat: discover } = await import('./discover-nat.js');
  return discover(server, options);
}
