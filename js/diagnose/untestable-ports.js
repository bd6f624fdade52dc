// UDP ports to which browsers send no checks: silence there says nothing of the network.

/** Ports that the fetch standard calls bad, as far as browsers keep WebRTC from them, too. */
const IN_BOTH = new Set([
  123, 137, 161, 554, 1719, 1720, 1723, 2049, 3659, 4045, 5060, 5061, 6000, 6566, 6665, 6667, 6697,
  10_080,
]);
const IN_FIREFOX = new Set([4190]);
const PRIVILEGED = 1024;
/** Of the privileged ports, those that Chromium sends to, where the address is a public one. */
const IN_CHROMIUM_OPEN = new Set([80, 443]);

/** @param {string} address */
const isPrivate = (address) =>
  /^(10|127)\.|^192\.168\.|^172\.(1[6-9]|2\d|3[01])\.|^169\.254\.|^f[cd]|^fe[89ab]|^::1$/i.test(
    address,
  );

/**
 * @param {number} port
 * @param {string} address of the mirror
 * @param {string} [userAgent]
 */
export function isTestable(port, address, userAgent = navigator.userAgent) {
  if (IN_BOTH.has(port)) return false;
  if (userAgent.includes('Firefox/')) return !IN_FIREFOX.has(port);
  if (!userAgent.includes('Chrome/')) return true;
  return port >= PRIVILEGED || (IN_CHROMIUM_OPEN.has(port) && !isPrivate(address));
}
