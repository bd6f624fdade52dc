// What DNS says of the names of a plan.
import { canonicalAddress, familyOf, parseIPv6 } from '../address.js';
import { PosternError } from '../errors.js';
import { measurementId } from '../report/measurements/ids.js';
import { abortable } from '../resolve/abortable.js';
import { systemResolver } from '../resolve/system-resolver.js';
import { codeOf } from '../system-error.js';
import { measured } from './measured.js';
import { withLimit } from './with-limit.js';

/** @typedef {import('../report/measurements/types.js').DnsMeasurement} DnsMeasurement */
/** @typedef {import('../resolve/system-resolver.js').NameResolver} NameResolver */
/** @typedef {import('./options.js').MeasureOptions} MeasureOptions */

/**
 * @typedef {object} NameTarget
 * @property {string} name in ASCII
 * @property {readonly string[]} services names to ask for SRV records, such as '_turn._udp.example.org'
 */

/** RFC 7050 section 2: it has these IPv4 addresses and none of IPv6, unless a NAT64 makes some. */
const WELL_KNOWN_NAME = 'ipv4only.arpa';
const WELL_KNOWN_ADDRESSES = new Set(['192.0.0.170', '192.0.0.171']);
/** RFC 6052 section 2.2: where the bytes of the IPv4 address are, by the length of the prefix. */
const EMBEDDED = /** @type {const} */ ([
  [96, [12, 13, 14, 15]],
  [64, [9, 10, 11, 12]],
  [56, [7, 9, 10, 11]],
  [48, [6, 7, 9, 10]],
  [40, [5, 6, 7, 9]],
  [32, [4, 5, 6, 7]],
]);

/** That there is no such record, in the words of node:dns. */
const NOT_THERE = new Set(['ENOTFOUND', 'ENODATA']);

/**
 * @param {string} name
 * @param {4 | 6} family
 * @param {MeasureOptions} options
 * @returns {Promise<string[]>}
 */
async function addressesOf(name, family, { resolver = systemResolver, signal }) {
  const found = await abortable(resolver.lookup(name, { family, signal }), signal);
  const addresses = found.flatMap(({ address }) => canonicalAddress(address) ?? []);
  return [...new Set(addresses)].filter((address) => familyOf(address) === `IPv${family}`);
}

/** @param {string} question @param {MeasureOptions} options @returns {Promise<string[]>} as 'host:port' */
async function serviceOf(question, { resolver = systemResolver, signal }) {
  try {
    const records = await abortable(resolver.resolveSrv(question, { signal }), signal);
    return [...records]
      .sort((a, b) => a.priority - b.priority || b.weight - a.weight)
      .filter(({ name, port }) => name !== '' && name !== '.' && port > 0)
      .map(({ name, port }) => `${name}:${port}`);
  } catch {
    signal.throwIfAborted();
    // Most names have none, and some resolvers do not answer such questions.
    return [];
  }
}

/** @param {PromiseSettledResult<string[]>} answer */
const foundIn = (answer) => (answer.status === 'fulfilled' ? answer.value : []);

/** @param {string} name @param {readonly PromiseSettledResult<string[]>[]} answers @returns {PosternError} */
function notFound(name, answers) {
  const reasons = answers.flatMap((answer) => (answer.status === 'rejected' ? answer.reason : []));
  // That the resolver failed says more than that a record is not there.
  const cause = reasons.find((reason) => !NOT_THERE.has(codeOf(reason) ?? '')) ?? reasons[0];
  const code = codeOf(cause);
  const sentence = `No address was found for '${name}'${code === undefined ? '' : ` (${code})`}.`;
  const hint =
    code === undefined || NOT_THERE.has(code)
      ? 'Check the spelling of the name.'
      : 'The resolver failed: check the network and its DNS settings, then try again.';
  return new PosternError('ERR_DNS', sentence, { phase: 'dns', hint, cause });
}

/**
 * Asks for the addresses of a name, and for its services where a URL leaves the port to DNS.
 *
 * @param {NameTarget} target
 * @param {MeasureOptions} options
 * @returns {Promise<DnsMeasurement>}
 * @throws `signal.reason`
 */
export async function measureName({ name, services: questions }, options) {
  const what = {
    id: measurementId('dns', name),
    kind: /** @type {const} */ ('dns'),
    name,
  };
  const tooLate = () =>
    new PosternError('ERR_DNS', `No answer about '${name}' came within ${options.timeoutMs} ms.`, {
      phase: 'dns',
      hint: 'The resolver does not answer: check the network and its DNS settings, then try again.',
    });
  return measured(what, options.signal, () =>
    withLimit(options, tooLate, async (signal) => {
      const limited = { ...options, signal };
      const [answers, found] = await Promise.all([
        Promise.allSettled([addressesOf(name, 4, limited), addressesOf(name, 6, limited)]),
        Promise.all(questions.map((question) => serviceOf(question, limited))),
      ]);
      signal.throwIfAborted();
      const [ipv4, ipv6] = answers.map(foundIn);
      const services = [...new Set(found.flat())];
      if (ipv4.length + ipv6.length + services.length === 0) throw notFound(name, answers);
      return { ipv4, ipv6, services: questions.length > 0 ? services : undefined };
    }),
  );
}

/**
 * The prefix that a NAT64 has put before an address of the well-known name.
 *
 * @param {string} address of IPv6
 * @returns {string | undefined} such as '64:ff9b::/96'
 */
export function nat64PrefixOf(address) {
  const bytes = (parseIPv6(address) ?? []).flatMap((group) => [group >> 8, group & 0xff]);
  for (const [length, places] of EMBEDDED) {
    if (!WELL_KNOWN_ADDRESSES.has(places.map((place) => bytes[place]).join('.'))) continue;
    const groups = Array.from({ length: 8 }, (_, i) =>
      [2 * i, 2 * i + 1]
        .map((place) => (place < length / 8 ? bytes[place] : 0).toString(16).padStart(2, '0'))
        .join(''),
    );
    return `${canonicalAddress(groups.join(':'))}/${length}`;
  }
  return undefined;
}

/**
 * Looks whether the network has a NAT64, by what its DNS says of the well-known name (RFC 7050).
 *
 * @param {MeasureOptions} options
 * @returns {Promise<DnsMeasurement | undefined>} undefined where there is none, or DNS knows nothing of the name
 * @throws `signal.reason`
 */
export async function measureNat64(options) {
  const found = await measureName({ name: WELL_KNOWN_NAME, services: [] }, options);
  const [nat64Prefix] = (found.ipv6 ?? []).flatMap((address) => nat64PrefixOf(address) ?? []);
  return nat64Prefix === undefined ? undefined : { ...found, nat64Prefix };
}
