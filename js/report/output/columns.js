// What tables of reports show of each kind of measurement.
import { formatTransportAddress } from '../../address.js';
import { inUnit } from '../verdict/thresholds.js';

/** @typedef {import('../measurements/types.js').Measurement} Measurement */
/** @typedef {import('../measurements/types.js').Kind} Kind */
/** @template {Kind} K @typedef {Extract<Measurement, { kind: K }>} Of */

/**
 * A title, and the cell of a measurement; undefined is an empty one.
 *
 * @template {Kind} K
 * @typedef {readonly [title: string, cell: (measurement: Of<K>) => string | number | undefined]} Column
 */

/** @param {{ address: string, port: number } | undefined} endpoint */
const place = (endpoint) => endpoint && formatTransportAddress(endpoint);

/** @param {number | null | undefined} value */
export const ms = (value) =>
  value === undefined || value === null ? undefined : `${Number(value.toFixed(1))} ms`;

/** @param {readonly string[] | undefined} list */
const joined = (list) => list?.join(', ');

/** @param {readonly string[]} words @returns {string} such as '58 open, 2 blocked' */
function tally(words) {
  const kinds = [...new Set(words)];
  const count = (/** @type {string} */ kind) => words.filter((one) => one === kind).length;
  return kinds.map((kind) => `${count(kind)} ${kind}`).join(', ');
}

/** @param {boolean | undefined} value */
const yesNo = (value) => {
  if (value === undefined) return undefined;
  return value ? 'yes' : 'no';
};

/** @param {{ value: string, because?: string } | undefined} answer */
const answered = (answer) =>
  answer &&
  (answer.value === 'unknown' && answer.because ? `unknown: ${answer.because}` : answer.value);

/** @param {import('../measurements/types.js').NatMeasurement} nat */
function lifetime({ lifetime: of }) {
  if (of === undefined) return undefined;
  const { atLeastMs, atMostMs, because } = of;
  if (atLeastMs === undefined && atMostMs === undefined) return because && `unknown: ${because}`;
  if (atMostMs === undefined) return `more than ${ms(atLeastMs)}`;
  return atLeastMs === undefined
    ? `less than ${ms(atMostMs)}`
    : `${ms(atLeastMs)} to ${ms(atMostMs)}`;
}

/** @param {Record<string, number> | undefined} phases */
const phasesOf = (phases) =>
  phases &&
  Object.entries(phases)
    .map(([name, value]) => `${name} ${ms(value)}`)
    .join(', ');

/** Data of a relay. @param {Of<'reachability'>} measurement */
function data({ dataPath, echoes }) {
  if (dataPath === undefined) return undefined;
  const count = echoes === undefined ? '' : `, ${echoes.received} of ${echoes.sent}`;
  return dataPath === 'refused' ? 'not allowed' : `${dataPath}${count}`;
}

/** @param {Of<'quality'>} measurement */
const mosRange = ({ mos }) => (mos ? `${mos.low.toFixed(1)} to ${mos.high.toFixed(1)}` : undefined);

/** @param {{ kbps: number | null } | undefined} throughput */
const throughputOf = (throughput) => {
  const kbps = throughput?.kbps ?? undefined;
  return kbps === undefined ? undefined : inUnit(kbps, 'kbit/s');
};

/** @param {number | null | undefined} ratio */
const percent = (ratio) => (ratio === undefined || ratio === null ? undefined : inUnit(ratio, '%'));

/** @type {{ readonly [K in Kind]: { title: string, columns: readonly Column<K>[] } }} */
export const KIND_TABLES = {
  reachability: {
    title: 'Servers',
    columns: [
      ['server', ({ url }) => url],
      ['over', ({ transport }) => transport],
      ['family', ({ family }) => family],
      ['proxy', ({ proxy }) => proxy],
      ['address', ({ serverAddress }) => place(serverAddress)],
      ['mapped address', ({ mappedAddress }) => place(mappedAddress)],
      ['relayed address', ({ relayedAddress }) => place(relayedAddress)],
      ['local address', ({ localAddress }) => place(localAddress)],
      ['data', data],
      ['round trip', ({ roundTripMs }) => ms(roundTripMs)],
      ['user', ({ username }) => username],
      ['software', ({ software }) => software],
      ['phases', ({ phases }) => phasesOf(phases)],
    ],
  },
  quality: {
    title: 'Quality',
    columns: [
      ['over', ({ transport }) => transport],
      ['via', ({ via }) => via],
      ['round trip', ({ roundTrips }) => ms(roundTrips?.medianMs)],
      ['p95', ({ roundTrips }) => ms(roundTrips?.p95Ms)],
      ['jitter', ({ jitter }) => ms(jitter?.jitterMs)],
      ['loss', ({ arrivals }) => percent(arrivals?.lossRatio)],
      ['throughput', ({ throughput }) => throughputOf(throughput)],
      ['up', ({ throughputUp }) => throughputOf(throughputUp)],
      ['down', ({ throughputDown }) => throughputOf(throughputDown)],
      ['MOS', mosRange],
    ],
  },
  nat: {
    title: 'NAT',
    columns: [
      ['by', ({ method }) => method],
      ['over', ({ transport }) => transport],
      ['NAT', ({ behindNat }) => answered(behindNat)],
      ['mapping', ({ mapping }) => answered(mapping)],
      ['filtering', ({ filtering }) => answered(filtering)],
      ['hairpinning', ({ hairpinning }) => answered(hairpinning)],
      ['keeps ports', ({ portPreservation }) => answered(portPreservation)],
      ['fragments out', ({ requestFragments }) => answered(requestFragments)],
      ['fragments in', ({ answerFragments }) => answered(answerFragments)],
      ['lifetime', lifetime],
      ['mapped addresses', ({ mappedAddresses }) => mappedAddresses?.map(place).join(', ')],
    ],
  },
  path: {
    title: 'Paths of the browser',
    columns: [
      ['candidates', ({ candidates }) => candidates.length],
      ['selected', ({ selected }) => selected && `${selected.local} to ${selected.remote}`],
    ],
  },
  signalling: {
    title: 'Signalling',
    columns: [
      ['url', ({ url }) => url],
      ['protocol', ({ protocol }) => protocol],
      ['proxy', ({ proxy }) => proxy],
      ['connected in', ({ connectMs }) => ms(connectMs)],
      ['round trip', ({ roundTripMs }) => ms(roundTripMs)],
    ],
  },
  https: {
    title: 'HTTPS',
    columns: [
      ['url', ({ url }) => url],
      ['HTTP status', ({ httpStatus }) => httpStatus],
      ['proxy', ({ proxy }) => proxy],
      ['round trip', ({ roundTripMs }) => ms(roundTripMs)],
    ],
  },
  webtransport: {
    title: 'WebTransport',
    columns: [
      ['url', ({ url }) => url],
      ['datagrams', ({ datagrams }) => yesNo(datagrams)],
      ['connected in', ({ connectMs }) => ms(connectMs)],
      ['round trip', ({ roundTripMs }) => ms(roundTripMs)],
    ],
  },
  dns: {
    title: 'Names',
    columns: [
      ['name', ({ name }) => name],
      ['IPv4', ({ ipv4 }) => joined(ipv4)],
      ['IPv6', ({ ipv6 }) => joined(ipv6)],
      ['services', ({ services }) => joined(services)],
      ['NAT64', ({ nat64Prefix }) => nat64Prefix],
    ],
  },
  certificate: {
    title: 'Certificates',
    columns: [
      ['server', ({ host, port }) => formatTransportAddress({ address: host, port })],
      ['names', ({ names }) => joined(names)],
      ['issuer', ({ issuer }) => issuer],
      ['from', ({ validFrom }) => validFrom],
      ['to', ({ validTo }) => validTo],
      ['ALPN', ({ alpn }) => alpn],
      ['protocol', ({ protocol }) => protocol],
      ['trusted', ({ trusted }) => yesNo(trusted)],
    ],
  },
  'port-map': {
    title: 'Ports',
    columns: [
      ['over', ({ transport }) => transport],
      ['address', ({ address }) => address],
      ['ports', ({ ports }) => ports.length],
      ['outwards', ({ ports }) => tally(ports.map(({ outwards }) => outwards))],
      ['inwards', ({ ports }) => tally(ports.map(({ inwards }) => inwards))],
    ],
  },
  inspection: {
    title: 'Inspection of packets',
    columns: [
      ['over', ({ transport }) => transport],
      ['port', ({ port }) => port],
      [
        'looks',
        ({ patterns }) => joined(patterns.map(({ looksLike, result }) => `${looksLike} ${result}`)),
      ],
    ],
  },
  'sip-alg': {
    title: 'SIP',
    columns: [
      ['over', ({ transport }) => transport],
      ['ALG', ({ result }) => result],
      ['changes', ({ changes }) => joined(changes)],
    ],
  },
};
