// What the user's NAT and network do to packets: facts of NAT tests, port maps, inspection, SIP and ICE candidates.
import { listed } from './listed.js';

/** @typedef {import('../measurements/types.js').Measurement} Measurement */
/** @typedef {import('../measurements/types.js').NatMeasurement} NatMeasurement */
/** @typedef {import('./facts.js').Evidence} Evidence */
/** @typedef {import('./facts.js').Facts} Facts */

/** RFC 4787 REQ-5: a mapping lives for two minutes at least. */
const LEAST_LIFETIME_MS = 120_000;
const MAX_PORTS_NAMED = 12;

/** @param {NatMeasurement} nat @param {string} words @returns {Evidence} */
const evidenceOf = ({ id }, words) => ({ id, words });

/** The methods, for people. */
const METHODS = Object.freeze({
  discovery: 'RFC 5780 test',
  mirror: 'test of the browser',
  ice: 'ICE candidates',
});

/** @param {NatMeasurement} nat @returns {Evidence} */
const natEvidence = (nat) => evidenceOf(nat, METHODS[nat.method]);

/**
 * @param {readonly NatMeasurement[]} nats
 * @param {(nat: NatMeasurement) => string | undefined} read
 * @param {readonly string[]} values in the order of their weight: what one test has found counts more than another's
 *   silence
 */
const found = (nats, read, values) =>
  Object.fromEntries(
    values.map((value) => [value, nats.filter((nat) => read(nat) === value).map(natEvidence)]),
  );

/** @param {NatMeasurement} nat */
function lifetimeOf({ lifetime: { atLeastMs, atMostMs } = {} }) {
  if (atMostMs !== undefined && atMostMs < LEAST_LIFETIME_MS) return 'short';
  return atLeastMs !== undefined && atLeastMs >= LEAST_LIFETIME_MS ? 'long' : undefined;
}

/** @param {NatMeasurement} nat */
const mappingOf = ({ mapping }) =>
  mapping?.value === 'address-dependent' || mapping?.value === 'address-and-port-dependent'
    ? 'dependent'
    : mapping?.value;

/** @param {Facts} facts @param {readonly NatMeasurement[]} nats */
function addNat(facts, nats) {
  facts.decide(
    'behindNat',
    found(nats, (nat) => nat.behindNat?.value, ['yes', 'no']),
  );
  facts.decide('mapping', found(nats, mappingOf, ['dependent', 'endpoint-independent']));
  facts.decide(
    'hairpinning',
    found(nats, (nat) => nat.hairpinning?.value, ['no', 'yes']),
  );
  facts.decide('lifetime', found(nats, lifetimeOf, ['short', 'long']));
  const fragments = (/** @type {NatMeasurement} */ { requestFragments, answerFragments }) =>
    [requestFragments?.value, answerFragments?.value].includes('no') ? 'blocked' : undefined;
  facts.decide('fragments', found(nats, fragments, ['blocked']));
  for (const nat of nats) {
    const reasons = [nat.mapping, nat.filtering].flatMap((answer) =>
      answer?.value === 'unknown' ? [answer.because ?? ''] : [],
    );
    const because = nat.status === 'unknown' ? (nat.because ?? '') : reasons[0];
    if (because !== undefined) facts.add('nat', 'untold', evidenceOf(nat, because || 'no reason'));
  }
}

/** Whether nothing at all passes over a transport: then no port and no payload is to blame. @param {Facts} facts @param {string} lane */
const isClosed = (facts, lane) => facts.has(lane, 'silent') || facts.has(lane, 'doubtful');

/** @param {Facts} facts @param {import('../measurements/types.js').PortMapMeasurement} map */
function addPortMap(facts, { id, transport, ports }) {
  /** @param {string} value @param {(port: (typeof ports)[number]) => boolean} isMeant */
  const add = (value, isMeant) => {
    const meant = ports.filter(isMeant).map(({ port }) => port);
    const words = `${transport.toUpperCase()} ${listed(meant.map(String), MAX_PORTS_NAMED)}`;
    if (meant.length > 0) facts.add('ports', value, { id, words });
  };
  if (!isClosed(facts, transport)) add('blocked', ({ outwards }) => outwards === 'blocked');
  add('blocked-inwards', ({ outwards, inwards }) => outwards === 'open' && inwards === 'blocked');
  add('untestable', ({ outwards }) => outwards === 'untestable');
}

/** @param {Facts} facts @param {import('../measurements/types.js').InspectionMeasurement} inspection */
function addInspection(facts, { id, transport, port, patterns }) {
  const passes = patterns.filter(({ result }) => result === 'passed');
  // Where nothing at all passes, it is not by its looks.
  if (passes.length === 0) return;
  const place = `${transport.toUpperCase()}${port === undefined ? '' : ` port ${port}`}`;
  const passing = passes.map(({ looksLike }) => looksLike).join(', ');
  for (const { looksLike, result } of patterns) {
    if (result !== 'blocked') continue;
    facts.add('inspection', looksLike, { id, words: `${place}, where ${passing} passes` });
  }
}

/** @param {Facts} facts @param {import('../measurements/types.js').PathMeasurement} path */
function addPath(facts, { id, status, candidates, selected }) {
  if (selected) {
    const { local, remote } = selected;
    const isRelayed = local === 'relay' || remote === 'relay';
    facts.add('path', isRelayed ? 'relayed' : 'direct', { id, words: `${local} to ${remote}` });
  }
  if ((status === 'ok' || status === 'failed') && candidates.length === 0) {
    facts.add('webrtc', 'disabled', { id, words: 'no candidates' });
  }
}

/**
 * Facts of names: behindNat, mapping ('dependent' is anything but 'endpoint-independent'), hairpinning, lifetime, fragments,
 * nat, ports, inspection, sipAlg, path, webrtc. Only of what was measured on the user's own path: behind a
 * gateway, servers see the gateway's NAT.
 *
 * @param {Facts} facts with those of addReachFacts()
 * @param {readonly Measurement[]} measurements
 */
export function addNatFacts(facts, measurements) {
  const own = measurements.filter(({ whose }) => whose === 'client');
  addNat(
    facts,
    // What calls use is UDP.
    own.filter((one) => one.kind === 'nat').filter(({ transport }) => transport !== 'tcp'),
  );
  for (const one of own) {
    if (one.kind === 'port-map') addPortMap(facts, one);
    if (one.kind === 'inspection') addInspection(facts, one);
    if (one.kind === 'path') addPath(facts, one);
    if (one.kind === 'sip-alg' && !(one.result === 'blocked' && isClosed(facts, one.transport))) {
      const words = one.changes?.join('; ') || `SIP over ${one.transport.toUpperCase()}`;
      facts.add('sipAlg', one.result, { id: one.id, words });
    }
  }
  for (const { id, kind, whose } of measurements) {
    if (whose === 'gateway') facts.add('view', 'gateway', { id, words: kind });
  }
}
