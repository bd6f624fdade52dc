// What the events of a test say of a NAT, in the terms of RFC 4787: a pure function.

import { unknown } from '../diagnose/unknown.js';

/**
 * Where packets arrive at the mirror, or leave it: its address A or B, and which of its ports. The browser is told of
 * A:first, then of A:second and B:first; of the ports named `strange` never.
 *
 * @typedef {'A:first' | 'A:second' | 'B:first' | 'A:strange' | 'B:strange'} Place
 */

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */
/** @typedef {'endpoint-independent' | 'address-dependent' | 'address-and-port-dependent'} Dependence */
/**
 * @template T
 * @typedef {import('../diagnose/unknown.js').Finding<T>} Finding
 */

/**
 * What happened, in order:
 * - `check`: a signed request of the browser's arrived at a place; those of equal priority come from one of its sockets
 * - `knock`: the mirror sent a request to where such a socket was seen at A:first
 * - `answer`: that request was answered, with success or an error
 * - `mapping`: the browser is told of more of the mirror's addresses: what it opens by itself from here on, no longer
 *   says what was open
 * - `page`: what the page saw: the kind of its own candidate in a pair that succeeded, and the ports of its sockets
 *
 * @typedef {{ kind: 'check', place: Place, priority: number, source: TransportAddress }
 *   | { kind: 'knock', place: Place, priority: number, id: string }
 *   | { kind: 'answer', id: string }
 *   | { kind: 'mapping' }
 *   | { kind: 'page', localType: 'host' | 'translated' | undefined, hostPorts: readonly number[] }} MirrorEvent
 */

/**
 * One way from the browser to the mirror: of several network interfaces each has its own.
 *
 * @typedef {object} PathVerdict
 * @property {Finding<TransportAddress>} publicAddress as the mirror saw it
 * @property {Finding<Dependence>} mapping RFC 4787 section 4.1
 * @property {Finding<Dependence>} filtering RFC 4787 section 5
 */

/**
 * @typedef {PathVerdict & {
 *   behindNat: Finding<boolean>,
 *   portPreservation: Finding<boolean>,
 *   otherPaths: PathVerdict[],
 * }} NatVerdict
 */

const EIX = 'endpoint-independent';
const ADX = 'address-dependent';
const APDX = 'address-and-port-dependent';

/** A NAT is said to filter when it is less likely than this that all those packets were lost. */
const MOST_DOUBT = 0.03;

/** @param {TransportAddress} a @param {TransportAddress} b */
const isSame = (a, b) => a.port === b.port && a.address === b.address;

/**
 * @param {readonly MirrorEvent[]} events
 * @param {{ hasSecondAddress: boolean }} mirror
 * @returns {NatVerdict}
 */
export function judge(events, { hasSecondAddress }) {
  const priorities = new Set(
    events.flatMap((event) =>
      event.kind === 'check' && event.place === 'A:first' ? [event.priority] : [],
    ),
  );
  // The browser's favourite interface comes first.
  const [first, ...others] = [...priorities]
    .sort((a, b) => b - a)
    .map((priority) => judgePath(events, priority, hasSecondAddress));
  if (first === undefined) {
    const none = unknown('no-check');
    return {
      publicAddress: none,
      mapping: none,
      filtering: none,
      behindNat: none,
      portPreservation: none,
      otherPaths: [],
    };
  }
  const behindNat = judgeNat(events, first);
  return {
    ...first,
    behindNat,
    portPreservation: judgePort(events, first, behindNat),
    otherPaths: others,
  };
}

/**
 * @param {readonly MirrorEvent[]} events
 * @param {number} priority
 * @param {boolean} hasSecondAddress
 * @returns {PathVerdict}
 */
function judgePath(events, priority, hasSecondAddress) {
  /** @type {Map<Place, TransportAddress>} */
  const seen = new Map();
  let hasChanged = false;
  for (const event of events) {
    if (event.kind !== 'check' || event.priority !== priority) continue;
    const before = seen.get(event.place);
    if (before === undefined) seen.set(event.place, event.source);
    else if (!isSame(before, event.source)) hasChanged = true;
  }
  const filtering = judgeFiltering(events, priority, hasSecondAddress);
  if (hasChanged) {
    const changed = unknown('address-changed');
    return { publicAddress: changed, mapping: changed, filtering };
  }
  return {
    publicAddress: { value: /** @type {TransportAddress} */ (seen.get('A:first')) },
    mapping: judgeMapping(seen, hasSecondAddress),
    filtering,
  };
}

/**
 * @param {ReadonlyMap<Place, TransportAddress>} seen
 * @param {boolean} hasSecondAddress
 * @returns {Finding<Dependence>}
 */
function judgeMapping(seen, hasSecondAddress) {
  const first = /** @type {TransportAddress} */ (seen.get('A:first'));
  const second = seen.get('A:second');
  const other = seen.get('B:first');
  if (second === undefined) {
    const depends = other !== undefined && !isSame(first, other);
    return unknown('check-missing', depends ? [ADX, APDX] : undefined);
  }
  if (!isSame(first, second)) return { value: APDX };
  if (!hasSecondAddress) return unknown('one-address', [EIX, ADX]);
  if (other === undefined) return unknown('check-missing', [EIX, ADX]);
  return { value: isSame(first, other) ? EIX : ADX };
}

/**
 * @param {readonly MirrorEvent[]} events
 * @param {number} priority
 * @param {boolean} hasSecondAddress
 * @returns {Finding<Dependence>}
 */
function judgeFiltering(events, priority, hasSecondAddress) {
  /** @type {Map<string, Place>} */
  const knocks = new Map();
  /** @type {Set<string>} */
  const answered = new Set();
  for (const event of events) {
    if (event.kind === 'mapping') break;
    if (event.kind === 'knock' && event.priority === priority) knocks.set(event.id, event.place);
    if (event.kind === 'answer' && knocks.has(event.id)) answered.add(event.id);
  }
  /** @param {Place} place */
  const count = (place) => {
    const sent = [...knocks].filter(([, from]) => from === place).map(([id]) => id);
    return { sent: sent.length, arrived: sent.filter((id) => answered.has(id)).length };
  };
  const control = count('A:first');
  const otherPort = count('A:strange');
  const otherAddress = count('B:strange');
  if (control.arrived === 0) return unknown('control-failed');
  const lossRate = 1 - control.arrived / control.sent;
  /** Whether silence means that the NAT let none of them in. @param {number} sent */
  const isTelling = (sent) => sent > 0 && lossRate ** sent <= MOST_DOUBT;

  if (otherAddress.arrived > 0) {
    return otherPort.arrived > 0 ? { value: EIX } : unknown('contradiction');
  }
  if (otherPort.arrived > 0) {
    if (!hasSecondAddress) return unknown('one-address', [EIX, ADX]);
    return isTelling(otherAddress.sent) ? { value: ADX } : unknown('loss', [EIX, ADX]);
  }
  return isTelling(otherPort.sent) ? { value: APDX } : unknown('loss');
}

/** @param {readonly MirrorEvent[]} events */
const pageOf = (events) => events.find((event) => event.kind === 'page');

/** Its own addresses: what comes from there has not left the machine (RFC 6890). */
const LOOPBACK = /^(?:127\.|::1$)/;

/**
 * @param {readonly MirrorEvent[]} events
 * @param {PathVerdict} path
 * @returns {Finding<boolean>}
 */
function judgeNat(events, { publicAddress, mapping }) {
  const page = pageOf(events);
  // Browsers tell of no loopback candidate, so that one would look translated.
  if (publicAddress.value !== 'unknown' && LOOPBACK.test(publicAddress.value.address)) {
    return { value: false };
  }
  if (page?.localType !== undefined) return { value: page.localType === 'translated' };
  // Without one, the address that others see would be that of the socket.
  if (mapping.value === ADX || mapping.value === APDX) return { value: true };
  const { value } = publicAddress;
  const isOtherPort =
    page !== undefined &&
    page.hostPorts.length > 0 &&
    value !== 'unknown' &&
    !page.hostPorts.includes(value.port);
  return isOtherPort ? { value: true } : unknown('not-connected');
}

/**
 * @param {readonly MirrorEvent[]} events
 * @param {PathVerdict} path
 * @param {Finding<boolean>} behindNat
 * @returns {Finding<boolean>} RFC 4787 section 4.2.1
 */
function judgePort(events, { publicAddress }, behindNat) {
  if (behindNat.value === false) return unknown('no-nat');
  if (publicAddress.value === 'unknown') return unknown('address-changed');
  const { hostPorts = [] } = pageOf(events) ?? {};
  if (hostPorts.length === 0) return unknown('no-host-ports');
  return { value: hostPorts.includes(publicAddress.value.port) };
}
