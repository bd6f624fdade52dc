// The form of each kind of measurement.
import {
  address,
  allBut,
  behaviour,
  count,
  date,
  endpoint,
  host,
  id,
  list,
  nullable,
  number,
  object,
  oneOf,
  port,
  positive,
  ratio,
  text,
  url,
  user,
  whole,
  yesOrNo,
} from './schema-parts.js';

/** @typedef {import('./types.js').Common} Common */
/** @template T @typedef {import('./schema-parts.js').Properties<T>} Properties */

/** Classes are 3 to 6 (RFC 8489 section 14.8); those of RFC 3489 began with 1. */
const MAX_STUN_ERROR = 699;

/** @type {Properties<Common>} */
const COMMON = {
  id,
  whose: oneOf('client', 'gateway', 'server'),
  status: oneOf('ok', 'failed', 'unknown', 'skipped'),
  because: text,
  error: object(
    {
      code: text,
      message: text,
      errorCode: { type: 'integer', minimum: 0, maximum: MAX_STUN_ERROR },
      systemCode: text,
      phase: text,
      hint: text,
    },
    ['code', 'message'],
  ),
  elapsedMs: positive,
};

/** @type {Properties<import('./types.js').DnsFields>} */
const DNS = {
  kind: { const: 'dns' },
  name: host,
  ipv4: list(address),
  ipv6: list(address),
  services: list(host),
  nat64Prefix: text,
};

/** @type {Properties<import('./types.js').CertificateFields>} */
const CERTIFICATE = {
  kind: { const: 'certificate' },
  host,
  port,
  names: list(host),
  issuer: text,
  validFrom: date,
  validTo: date,
  alpn: text,
  protocol: text,
  trusted: { type: 'boolean' },
};

/** @type {Properties<import('./types.js').ReachabilityFields>} */
const REACHABILITY = {
  kind: { const: 'reachability' },
  url,
  service: oneOf('stun', 'turn'),
  transport: oneOf('udp', 'tcp', 'tls', 'ws', 'wss'),
  host,
  port,
  family: oneOf('IPv4', 'IPv6'),
  proxy: url,
  username: user,
  serverAddress: endpoint,
  localAddress: endpoint,
  mappedAddress: endpoint,
  relayedAddress: endpoint,
  software: text,
  dataPath: oneOf('proven', 'refused', 'lost'),
  roundTripMs: nullable,
  echoes: whole({ sent: count, received: count }),
  phases: {
    type: 'object',
    propertyNames: { pattern: '^[A-Za-z]{1,20}$' },
    additionalProperties: positive,
  },
};

/** @type {Properties<import('./types.js').SignallingFields>} */
const SIGNALLING = {
  kind: { const: 'signalling' },
  url,
  protocol: text,
  proxy: url,
  connectMs: positive,
  roundTripMs: positive,
};

/** @type {Properties<import('./types.js').HttpsFields>} */
const HTTPS = {
  kind: { const: 'https' },
  url,
  httpStatus: { type: 'integer', minimum: 100, maximum: 999 },
  proxy: url,
  roundTripMs: positive,
};

/** @type {Properties<import('./types.js').WebTransportFields>} */
const WEBTRANSPORT = {
  kind: { const: 'webtransport' },
  url,
  datagrams: { type: 'boolean' },
  connectMs: positive,
  roundTripMs: positive,
};

/** @type {Properties<import('./types.js').NatFields>} */
const NAT = {
  kind: { const: 'nat' },
  method: oneOf('discovery', 'mirror', 'ice'),
  transport: oneOf('udp', 'tcp'),
  behindNat: yesOrNo,
  mapping: behaviour,
  filtering: behaviour,
  hairpinning: yesOrNo,
  portPreservation: yesOrNo,
  requestFragments: yesOrNo,
  answerFragments: yesOrNo,
  lifetime: object({ atLeastMs: positive, atMostMs: positive, because: text }, []),
  mappedAddresses: list(endpoint),
};

const portState = oneOf('open', 'blocked', 'unknown', 'untestable');

/** @type {Properties<import('./types.js').PortMapFields>} */
const PORT_MAP = {
  kind: { const: 'port-map' },
  transport: oneOf('udp', 'tcp'),
  address,
  ports: list(
    object({ port, outwards: portState, inwards: portState, because: text }, [
      'port',
      'outwards',
      'inwards',
    ]),
  ),
};

/** @type {Properties<import('./types.js').InspectionFields>} */
const INSPECTION = {
  kind: { const: 'inspection' },
  transport: oneOf('udp', 'tcp'),
  port,
  patterns: list(
    object(
      {
        looksLike: oneOf('stun', 'rtp', 'sip', 'random'),
        result: oneOf('passed', 'blocked', 'unknown'),
        because: text,
      },
      ['looksLike', 'result'],
    ),
  ),
};

/** @type {Properties<import('./types.js').SipAlgFields>} */
const SIP_ALG = {
  kind: { const: 'sip-alg' },
  transport: oneOf('udp', 'tcp'),
  result: oneOf('none', 'altered', 'blocked', 'unknown'),
  changes: list(text),
};

/** @type {Properties<import('./types.js').RoundTripSummary>} */
const ROUND_TRIPS = {
  n: count,
  lost: count,
  ambiguous: count,
  minMs: nullable,
  medianMs: nullable,
  p95Ms: nullable,
  maxMs: nullable,
};

/** @type {Properties<import('./types.js').JitterSummary>} */
const JITTER = { n: count, jitterMs: nullable, maxJitterMs: nullable, pdvP95Ms: nullable };

/** @type {Properties<import('../../quality/bursts.js').BurstSummary>} */
const BURSTS = {
  bursts: count,
  gaps: count,
  burstDensity: ratio,
  gapDensity: ratio,
  burstPackets: positive,
  gapPackets: positive,
  burstMs: positive,
  gapMs: positive,
  burstRatio: nullable,
};

/** @type {Properties<import('./types.js').ArrivalSummary>} */
const ARRIVALS = {
  sent: count,
  decided: count,
  received: count,
  lost: count,
  late: count,
  duplicates: count,
  reordered: count,
  unknown: count,
  lossRatio: { type: ['number', 'null'], minimum: 0, maximum: 1 },
  bursts: object(BURSTS, allBut(BURSTS, 'burstMs', 'gapMs')),
};

/** @type {Properties<import('./types.js').StallSummary>} */
const STALLS = {
  n: count,
  medianGapMs: nullable,
  stalls: count,
  stalledMs: positive,
  longestMs: positive,
};

/** @type {Properties<import('./types.js').ThroughputSummary>} */
const THROUGHPUT = {
  bytes: positive,
  binMs: positive,
  bins: count,
  kbps: nullable,
  minKbps: nullable,
  maxKbps: nullable,
};

/** @type {Properties<import('./types.js').LoadedLatencySummary>} */
const LOADED_LATENCY = {
  idleMs: nullable,
  loadedMs: nullable,
  ratio: nullable,
  addedMs: { type: ['number', 'null'] },
};

/** @type {Properties<import('./types.js').MosEstimate>} */
const MOS = {
  low: positive,
  high: positive,
  formulas: list(whole({ name: text, r: number, mos: positive })),
};

/** @type {Properties<import('./types.js').QualityFields>} */
const QUALITY = {
  kind: { const: 'quality' },
  transport: oneOf('udp', 'tcp', 'tls', 'ws', 'wss', 'webtransport'),
  via: oneOf('relay', 'direct', 'server'),
  roundTrips: whole(ROUND_TRIPS),
  jitter: whole(JITTER),
  arrivals: whole(ARRIVALS),
  stalls: whole(STALLS),
  throughput: whole(THROUGHPUT),
  throughputUp: whole(THROUGHPUT),
  throughputDown: whole(THROUGHPUT),
  loadedLatency: whole(LOADED_LATENCY),
  mos: { ...whole(MOS), type: ['object', 'null'] },
};

const candidateType = oneOf('host', 'srflx', 'prflx', 'relay');

/** @type {Properties<import('./types.js').PathFields>} */
const PATH = {
  kind: { const: 'path' },
  candidates: list(
    object(
      {
        type: candidateType,
        protocol: oneOf('udp', 'tcp'),
        address,
        port,
        url,
        relayProtocol: oneOf('udp', 'tcp', 'tls'),
      },
      ['type', 'protocol'],
    ),
  ),
  selected: whole({ local: candidateType, remote: candidateType }),
};

/** For each kind: its properties, and which of them must be there. */
const KINDS = /** @type {const} */ ([
  [DNS, ['name']],
  [CERTIFICATE, ['host', 'port']],
  [REACHABILITY, ['url', 'service', 'transport', 'host', 'port']],
  [SIGNALLING, ['url']],
  [HTTPS, ['url']],
  [WEBTRANSPORT, ['url']],
  [NAT, ['method']],
  [PORT_MAP, ['transport', 'ports']],
  [INSPECTION, ['transport', 'patterns']],
  [SIP_ALG, ['transport', 'result']],
  [QUALITY, ['transport', 'via']],
  [PATH, ['candidates']],
]);

/** One for each kind. */
export const MEASUREMENTS = KINDS.map(([properties, required]) =>
  object({ ...COMMON, ...properties }, ['id', 'kind', 'whose', 'status', ...required]),
);
