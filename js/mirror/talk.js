// What a page may ask for: docs/mirror.md has the whole talk.

/** Of ICE (RFC 8839 section 5.4). @typedef {{ ufrag: string, pwd: string }} Credentials */

/**
 * @typedef {object} Start
 * @property {'nat' | 'ports' | 'hairpin' | 'lifetime'} test
 * @property {Credentials} page of its connection
 * @property {Credentials | undefined} partner of the other connection of a test of hairpinning
 * @property {'IPv4' | 'IPv6' | undefined} family
 */

const TESTS = /** @type {const} */ (['nat', 'ports', 'hairpin', 'lifetime']);
const UFRAG = /^[A-Za-z\d+/]{4,256}$/;
const PWD = /^[A-Za-z\d+/]{22,256}$/;

/** @param {unknown} value @returns {Credentials | undefined} */
function credentialsOf(value) {
  if (typeof value !== 'object' || value === null) return undefined;
  const { ufrag, pwd } = /** @type {Record<string, unknown>} */ (value);
  if (typeof ufrag !== 'string' || typeof pwd !== 'string') return undefined;
  return UFRAG.test(ufrag) && PWD.test(pwd) ? { ufrag, pwd } : undefined;
}

/** @param {Record<string, unknown>} body @returns {Start | undefined} */
export function checkStart(body) {
  const test = TESTS.find((one) => one === body.test);
  const page = credentialsOf(body.page);
  const partner = credentialsOf(body.partner);
  const { family } = body;
  if (family !== undefined && family !== 'IPv4' && family !== 'IPv6') return undefined;
  if (test === undefined || page === undefined) return undefined;
  if ((test === 'hairpin') !== (partner !== undefined)) return undefined;
  // Names tell the two apart.
  if (partner?.ufrag === page.ufrag) return undefined;
  return { test, page, partner, family };
}
