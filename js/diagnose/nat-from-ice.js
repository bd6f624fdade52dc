// What a browser's candidates alone tell of its NAT: several STUN servers are asked from one socket, and the browser tells
// which mapped addresses they have seen. Pure.

import { familyOf } from '../address.js';

/** @typedef {import('../report/measurements/types.js').NatMeasurement} NatMeasurement */
/** @typedef {import('../report/measurements/types.js').Endpoint} Endpoint */

/**
 * @typedef {object} IceFacts
 * @property {readonly { host: string, port: number }[]} servers that were asked, each of which is known to answer
 * @property {readonly SeenCandidate[]} candidates over UDP
 * @property {boolean} isComplete all have answered: gathering has ended with no error
 */

/**
 * @typedef {object} SeenCandidate
 * @property {string} type
 * @property {string | null} address an address, or a name of mDNS
 * @property {number | null} port
 * @property {number | null} priority
 */

/** @param {string} because */
const unknown = (because) => ({ value: /** @type {const} */ ('unknown'), because });

/** RFC 8445 section 5.1.2.1. */
const LOCAL_PREFERENCE_SHIFT = 8;
const LOCAL_PREFERENCE_MASK = 0xffff;
/** Firefox counts servers down in the lower half. */
const INTERFACE_SHIFT = 8;

/** @param {SeenCandidate} candidate */
const preferenceOf = ({ priority }) =>
  ((priority ?? 0) >>> LOCAL_PREFERENCE_SHIFT) & LOCAL_PREFERENCE_MASK;

/** @param {Endpoint} endpoint */
const keyOf = ({ address, port }) => `${address} ${port}`;

/** @param {readonly SeenCandidate[]} candidates @returns {(SeenCandidate & Endpoint)[]} one for each mapped address */
const mappedOf = (candidates) => [
  ...new Map(
    candidates
      .filter(({ type, address, port }) => type === 'srflx' && address && port)
      .map((one) => [keyOf(/** @type {Endpoint} */ (one)), /** @type {any} */ (one)]),
  ).values(),
];

/**
 * Whether all were asked from one socket: their local preference is that of one host candidate only. In Firefox its upper
 * half is.
 *
 * @param {readonly (SeenCandidate & Endpoint)[]} mapped
 * @param {readonly SeenCandidate[]} hosts
 */
function isOneSocket(mapped, hosts) {
  if (new Set(mapped.map(({ address }) => address.includes(':'))).size > 1) return false;
  const exact = hosts.some((host) => preferenceOf(host) === preferenceOf(mapped[0]));
  const keyOfSocket = (/** @type {SeenCandidate} */ one) =>
    preferenceOf(one) >>> (exact ? 0 : INTERFACE_SHIFT);
  const key = keyOfSocket(mapped[0]);
  return (
    mapped.every((one) => keyOfSocket(one) === key) &&
    hosts.filter((one) => keyOfSocket(one) === key).length === 1
  );
}

/**
 * @param {IceFacts} facts
 * @param {readonly (SeenCandidate & Endpoint)[]} mapped
 * @param {readonly SeenCandidate[]} hosts
 * @returns {NonNullable<NatMeasurement['mapping']>}
 */
function mappingOf({ servers, isComplete }, mapped, hosts) {
  const places = new Set(servers.map(({ host, port }) => `${host} ${port}`));
  const names = new Set(servers.map(({ host }) => host));
  if (mapped.length === 0) return unknown('the browser told no mapped address');
  if (places.size < 2) return unknown('one STUN server only: it takes two to compare');
  if (mapped.length === 1) {
    if (!isComplete) return unknown('not all of the STUN servers have answered');
    if (names.size < 2) return unknown('all STUN servers have one address');
    const isSure = [...names].every((name) => familyOf(name) !== undefined);
    const because = `taken that ${[...names].join(' and ')} are different machines`;
    return { value: 'endpoint-independent', ...(isSure ? {} : { because }) };
  }
  if (!isOneSocket(mapped, hosts)) {
    return unknown('the browser has several network interfaces, or addresses of both families');
  }
  if (new Set(mapped.map(({ address }) => address)).size > 1) {
    return unknown(
      'servers saw several addresses: there are several ways out, or the NAT has several addresses',
    );
  }
  // As many as there are servers, of which two differ in their ports only.
  if (names.size < places.size && mapped.length === places.size) {
    return { value: 'address-and-port-dependent' };
  }
  // As many as there are addresses: those that differ in their ports only have seen the same.
  if (isComplete && names.size < places.size && mapped.length === names.size) {
    return { value: 'address-dependent' };
  }
  return {
    value: 'address-dependent',
    because: 'at least: whether it depends on ports as well was not seen',
  };
}

/** @param {readonly (SeenCandidate & Endpoint)[]} mapped @param {readonly SeenCandidate[]} hosts @returns {NonNullable<NatMeasurement['behindNat']>} */
function behindNatOf(mapped, hosts) {
  const shown = hosts.filter(({ address }) => address && !address.endsWith('.local'));
  if (mapped.length === 0) return unknown('the browser told no mapped address');
  if (hosts.length === 0 || shown.length < hosts.length) {
    return unknown('the browser hides the addresses of this device');
  }
  const own = new Set(shown.map(({ address }) => address));
  return { value: mapped.some(({ address }) => own.has(address)) ? 'no' : 'yes' };
}

/** @param {readonly Endpoint[]} mapped @param {readonly SeenCandidate[]} hosts @returns {NonNullable<NatMeasurement['portPreservation']>} */
function preservationOf(mapped, hosts) {
  if (mapped.length === 0) return unknown('the browser told no mapped address');
  if (hosts.length === 0) return unknown('the browser told no port of its own');
  const ports = new Set(hosts.map(({ port }) => port));
  const kept = mapped.filter(({ port }) => ports.has(port)).length;
  if (kept > 0 && kept < mapped.length) return unknown('some ports were kept, and others were not');
  return { value: kept > 0 ? 'yes' : 'no' };
}

/**
 * @param {IceFacts} facts
 * @returns {Omit<NatMeasurement, 'id' | 'kind' | 'whose' | 'method'>}
 */
export function natFromIce(facts) {
  const hosts = facts.candidates.filter(({ type }) => type === 'host');
  const mapped = mappedOf(facts.candidates);
  const mapping = mappingOf(facts, mapped, hosts);
  return {
    ...(mapping.value === 'unknown'
      ? { status: 'unknown', because: mapping.because }
      : { status: 'ok' }),
    behindNat: behindNatOf(mapped, hosts),
    mapping,
    filtering: unknown('candidates do not tell; a mirror does'),
    portPreservation: preservationOf(mapped, hosts),
    mappedAddresses: mapped.map(({ address, port }) => ({ address, port })),
  };
}
