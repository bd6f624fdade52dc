// Measurements to judge, and one of each kind with every field.
import { measurementId } from '../../../js/report/measurements/ids.js';

/** @typedef {import('../../../js/report/measurements/types.js').Measurement} Measurement */
/** @typedef {import('../../../js/report/measurements/types.js').ReachabilityMeasurement} ReachabilityMeasurement */
/** @typedef {import('../../../js/report/measurements/types.js').QualityMeasurement} QualityMeasurement */
/** @typedef {import('../../../js/report/measurements/types.js').NatMeasurement} NatMeasurement */

export const CREATED_AT = '2027-01-15T08:00:00.000Z';
export const NOW_MS = Date.parse(CREATED_AT);
export const HOST = 'turn.example.org';
export const ADDRESS = '203.0.113.5';

export const HEAD = Object.freeze({
  createdAt: CREATED_AT,
  tool: { name: 'postern', version: '0.1.0' },
  platform: { name: 'node', version: '22.1.0', system: 'linux' },
});

const PORTS = { udp: 3478, tcp: 3478, tls: 443, ws: 80, wss: 443 };

/**
 * A server that was tried.
 *
 * @param {ReachabilityMeasurement['transport']} transport
 * @param {Partial<ReachabilityMeasurement>} [facts]
 * @returns {ReachabilityMeasurement}
 */
export function turn(transport, facts = {}) {
  const { host = HOST, port = PORTS[transport], service = 'turn', family } = facts;
  return {
    id: measurementId('reachability', service, host, port, transport, family, facts.whose),
    kind: 'reachability',
    whose: 'client',
    status: 'ok',
    url: `${service}:${host}:${port}`,
    service,
    transport,
    host,
    port,
    ...(service === 'turn' ? { dataPath: 'proven' } : {}),
    ...facts,
  };
}

/** @param {ReachabilityMeasurement['transport']} transport @param {Partial<ReachabilityMeasurement>} [facts] */
export const stun = (transport, facts) => turn(transport, { service: 'stun', ...facts });

/** @param {string} code @param {{ errorCode?: number, systemCode?: string }} [more] @returns {Partial<ReachabilityMeasurement>} */
export const failed = (code, more = {}) => ({
  status: 'failed',
  dataPath: undefined,
  error: { code, message: `It failed: ${code}.`, ...more },
});

export const SILENT = failed('ERR_STUN_TIMEOUT');

/** @param {number} errorCode */
export const refused = (errorCode) => failed('ERR_STUN_RESPONSE', { errorCode });

/** @param {Partial<Measurement>} [facts] @returns {Measurement} */
export const https = (facts) =>
  /** @type {Measurement} */ ({
    id: 'https/app',
    kind: 'https',
    whose: 'client',
    status: 'ok',
    url: 'https://app.example.net/',
    ...facts,
  });

/** @param {Partial<Measurement>} [facts] @returns {Measurement} */
export const signalling = (facts) =>
  /** @type {Measurement} */ ({
    id: 'signalling/app',
    kind: 'signalling',
    whose: 'client',
    status: 'ok',
    url: 'wss://app.example.net/signalling',
    ...facts,
  });

/** @param {Partial<NatMeasurement>} [facts] @returns {NatMeasurement} */
export const nat = (facts) => ({
  id: 'nat/discovery',
  kind: 'nat',
  whose: 'client',
  status: 'ok',
  method: 'discovery',
  ...facts,
});

export const SYMMETRIC = Object.freeze({ mapping: { value: 'address-and-port-dependent' } });
export const CONE = Object.freeze({ mapping: { value: 'endpoint-independent' } });

/** @param {Partial<Measurement>} facts with the kind @returns {Measurement} */
export const measured = (facts) =>
  /** @type {Measurement} */ ({ id: `${facts.kind}/1`, whose: 'client', status: 'ok', ...facts });

/** @param {number} lossRatio @returns {import('../../../js/quality/arrivals.js').ArrivalSummary} */
const arrivalsOf = (lossRatio) => ({
  sent: 1000,
  decided: 1000,
  received: Math.round(1000 * (1 - lossRatio)),
  lost: Math.round(1000 * lossRatio),
  late: 0,
  duplicates: 0,
  reordered: 0,
  unknown: 0,
  lossRatio,
  bursts: {
    bursts: 0,
    gaps: 1,
    burstDensity: 0,
    gapDensity: lossRatio,
    burstPackets: 0,
    gapPackets: 1000,
    burstMs: 0,
    gapMs: 20_000,
    burstRatio: lossRatio > 0 ? 1 : null,
  },
});

/**
 * @param {QualityMeasurement['transport']} transport
 * @param {{ loss?: number, jitterMs?: number, medianMs?: number, mos?: number }} [numbers]
 * @param {Partial<QualityMeasurement>} [facts]
 * @returns {QualityMeasurement}
 */
export const quality = (
  transport,
  { loss = 0, jitterMs = 2, medianMs = 30, mos = 4.3 } = {},
  facts = {},
) => ({
  id: `quality/${transport}`,
  kind: 'quality',
  whose: 'client',
  status: 'ok',
  transport,
  via: 'relay',
  roundTrips: { n: 1000, lost: 0, ambiguous: 0, minMs: 20, medianMs, p95Ms: 500, maxMs: 600 },
  jitter: { n: 1000, jitterMs, maxJitterMs: 70, pdvP95Ms: 20 },
  arrivals: arrivalsOf(loss),
  mos: {
    low: mos,
    high: 4.4,
    formulas: [
      { name: 'e-model', r: 90, mos },
      { name: 'rule-of-thumb', r: 92, mos: 4.4 },
    ],
  },
  ...facts,
});

const ERROR = Object.freeze({
  code: 'ERR_STUN_RESPONSE',
  message: 'The server answered 401.',
  errorCode: 401,
  systemCode: 'ECONNRESET',
  phase: 'allocate',
  hint: 'User name or password are wrong.',
});

const COMMON = Object.freeze({
  whose: /** @type {const} */ ('client'),
  status: /** @type {const} */ ('failed'),
  because: 'it was so',
  error: ERROR,
  elapsedMs: 12,
});

const YES = Object.freeze({ value: /** @type {const} */ ('yes'), because: 'seen' });

/** One of each kind, with every field that there is. @type {Measurement[]} */
export const EVERYTHING = [
  {
    ...COMMON,
    id: 'dns/turn.example.org',
    kind: 'dns',
    name: HOST,
    ipv4: [ADDRESS],
    ipv6: ['2001:db8:1:2::5'],
    services: ['a.example.org:3478'],
    nat64Prefix: '64:ff9b::/96',
  },
  {
    ...COMMON,
    id: 'certificate/turn.example.org/443',
    kind: 'certificate',
    host: HOST,
    port: 443,
    names: [HOST],
    issuer: 'An Authority',
    validFrom: '2026-12-01T00:00:00Z',
    validTo: '2027-03-01T00:00:00Z',
    alpn: 'stun.turn',
    protocol: 'TLSv1.3',
    trusted: true,
  },
  {
    ...COMMON,
    id: 'reachability/turn:turn.example.org/udp',
    kind: 'reachability',
    url: 'turn:turn.example.org?transport=udp',
    service: 'turn',
    transport: 'udp',
    host: HOST,
    port: 3478,
    family: 'IPv4',
    proxy: 'http://proxy.example.net:3128',
    username: '1800000000:alice',
    serverAddress: { address: ADDRESS, port: 3478 },
    localAddress: { address: '192.0.2.7', port: 50_000 },
    mappedAddress: { address: '198.51.100.9', port: 50_001 },
    relayedAddress: { address: ADDRESS, port: 60_000 },
    software: 'Server 1',
    dataPath: 'lost',
    roundTripMs: null,
    echoes: { sent: 2, received: 0 },
    phases: { dns: 2, allocate: 20 },
  },
  {
    ...COMMON,
    id: 'signalling/app.example.net',
    kind: 'signalling',
    url: 'wss://app.example.net/signalling',
    protocol: 'v1',
    proxy: 'http://proxy.example.net:3128',
    connectMs: 40,
    roundTripMs: 20,
  },
  {
    ...COMMON,
    id: 'https/app.example.net',
    kind: 'https',
    url: 'https://app.example.net/',
    httpStatus: 200,
    proxy: 'http://proxy.example.net:3128',
    roundTripMs: 30,
  },
  {
    ...COMMON,
    id: 'webtransport/app.example.net',
    kind: 'webtransport',
    url: 'https://app.example.net/wt',
    datagrams: true,
    connectMs: 40,
    roundTripMs: 20,
  },
  {
    ...COMMON,
    id: 'nat/mirror',
    kind: 'nat',
    method: 'mirror',
    transport: 'udp',
    behindNat: YES,
    mapping: { value: 'unknown', because: 'the server has one address' },
    filtering: { value: 'address-dependent', because: 'seen' },
    hairpinning: YES,
    portPreservation: YES,
    requestFragments: YES,
    answerFragments: YES,
    lifetime: { atLeastMs: 16_000, atMostMs: 19_000, because: 'measured' },
    mappedAddresses: [{ address: '198.51.100.9', port: 50_001 }],
  },
  {
    ...COMMON,
    id: 'port-map/udp',
    kind: 'port-map',
    transport: 'udp',
    address: ADDRESS,
    ports: [
      { port: 3478, outwards: 'open', inwards: 'blocked', because: 'no answer' },
      { port: 5060, outwards: 'untestable', inwards: 'unknown' },
      { port: 5004, outwards: 'blocked', inwards: 'unknown' },
    ],
  },
  {
    ...COMMON,
    id: 'inspection/udp',
    kind: 'inspection',
    transport: 'udp',
    port: 4000,
    patterns: [
      { looksLike: 'stun', result: 'blocked', because: 'lost five times' },
      { looksLike: 'random', result: 'passed' },
    ],
  },
  {
    ...COMMON,
    id: 'sip-alg/udp',
    kind: 'sip-alg',
    transport: 'udp',
    result: 'altered',
    changes: ['Via: the address was rewritten'],
  },
  quality(
    'udp',
    {},
    {
      ...COMMON,
      status: 'ok',
      stalls: { n: 100, medianGapMs: 20, stalls: 2, stalledMs: 300, longestMs: 200 },
      throughput: { bytes: 1e6, binMs: 100, bins: 40, kbps: 2100, minKbps: 1000, maxKbps: 2500 },
      throughputUp: { bytes: 1e6, binMs: 100, bins: 40, kbps: 2150, minKbps: 1100, maxKbps: 2500 },
      throughputDown: {
        bytes: 4e6,
        binMs: 100,
        bins: 40,
        kbps: 8400,
        minKbps: 8000,
        maxKbps: 8500,
      },
      loadedLatency: { idleMs: 20, loadedMs: 90, ratio: 4.5, addedMs: 70 },
    },
  ),
  {
    ...COMMON,
    id: 'path/browser',
    kind: 'path',
    candidates: [
      { type: 'host', protocol: 'udp', address: 'f0e1.local', port: 50_000 },
      {
        type: 'relay',
        protocol: 'udp',
        address: ADDRESS,
        port: 60_000,
        url: 'turn:turn.example.org',
        relayProtocol: 'tls',
      },
    ],
    selected: { local: 'relay', remote: 'host' },
  },
];
