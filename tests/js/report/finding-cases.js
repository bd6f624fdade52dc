// For each finding of the decision table: measurements that lead to it, and others close to them that do not.
import {
  CONE,
  failed,
  https,
  measured,
  NOW_MS,
  nat,
  quality,
  refused,
  SILENT,
  SYMMETRIC,
  signalling,
  stun,
  turn,
} from './samples.js';

/** @typedef {import('../../../js/report/measurements/types.js').Measurement} Measurement */

const OTHER = { host: 'other.example.com' };
const PROXY = 'http://proxy.example.net/';
const DOWN = failed('ERR_TRANSPORT_CONNECT');
const OFF = { status: /** @type {const} */ ('failed') };

/** @param {string} systemCode */
export const tlsError = (systemCode) => failed('ERR_TRANSPORT_TLS', { systemCode });

/** @param {Partial<Measurement>} facts */
const certificate = (facts) =>
  measured(
    /** @type {any} */ ({ kind: 'certificate', host: 'turn.example.org', port: 443, ...facts }),
  );
/** @param {number} days */
const inDays = (days) => new Date(NOW_MS + days * 86_400_000).toISOString();

/** @param {string} outwards @param {string} inwards @param {string} [other] */
const ports = (outwards, inwards, other = 'open') =>
  measured(
    /** @type {any} */ ({
      kind: 'port-map',
      transport: 'udp',
      ports: [
        { port: 3478, outwards: other, inwards: other },
        { port: 5060, outwards, inwards },
      ],
    }),
  );

/** @param {Record<string, string>} results of packets by what they look like */
const inspection = (results) =>
  measured(
    /** @type {any} */ ({
      kind: 'inspection',
      transport: 'udp',
      patterns: Object.entries(results).map(([looksLike, result]) => ({ looksLike, result })),
    }),
  );

/** @param {string} result */
const sip = (result) =>
  measured(/** @type {any} */ ({ kind: 'sip-alg', transport: 'udp', result }));

/** @param {Partial<import('../../../js/report/measurements/types.js').PathFields>} facts */
const path = (facts) => measured(/** @type {any} */ ({ kind: 'path', candidates: [], ...facts }));
const HOST_CANDIDATE = {
  type: /** @type {const} */ ('host'),
  protocol: /** @type {const} */ ('udp'),
};

/** @param {Partial<Measurement>} [facts] */
const webTransport = (facts) =>
  measured(
    /** @type {any} */ ({ kind: 'webtransport', url: 'https://app.example.net/wt', ...facts }),
  );

const behindNat = { behindNat: { value: /** @type {const} */ ('yes') } };

/** For each finding: what leads to it, and what does not. @type {Record<string, { with: Measurement[], without: Measurement[] }>} */
export const CASES = {
  'nothing-passes': {
    with: [turn('udp', SILENT), turn('tcp', SILENT), https(OFF)],
    without: [https(OFF)],
  },
  'https-only': {
    with: [turn('udp', SILENT), turn('tls', { ...OTHER, ...SILENT }), https()],
    without: [
      turn('udp', SILENT),
      turn('tls', { ...OTHER, ...tlsError('CERT_HAS_EXPIRED') }),
      https(),
    ],
  },
  'one-server-silent': {
    with: [turn('udp', SILENT), turn('tls', SILENT), https()],
    without: [
      turn('udp', SILENT),
      turn('tls', SILENT),
      https({ url: 'https://turn.example.org/' }),
    ],
  },
  'udp-passes': { with: [stun('udp')], without: [stun('tcp')] },
  'udp-blocked': {
    with: [turn('udp', SILENT), turn('tcp')],
    without: [turn('udp', refused(401)), turn('tcp')],
  },
  'udp-unanswered': {
    with: [turn('udp', SILENT), turn('tcp', OTHER)],
    without: [turn('udp', SILENT), turn('tcp')],
  },
  'udp-443-only': {
    with: [turn('udp', SILENT), turn('udp', { port: 443 })],
    without: [turn('udp', SILENT), turn('udp', { port: 443 }), turn('udp', { port: 5000 })],
  },
  'quic-only': {
    with: [turn('udp', SILENT), turn('tcp'), webTransport()],
    without: [turn('udp'), webTransport()],
  },
  'tls-only': {
    with: [turn('tcp', { port: 443, ...SILENT }), turn('tls')],
    without: [turn('tcp', SILENT), turn('tls')],
  },
  'web-ports-only': {
    with: [turn('tcp', SILENT), turn('tls', { port: 5349, ...SILENT }), turn('tls')],
    without: [turn('tcp', SILENT), turn('tls')],
  },
  'websocket-only': {
    with: [turn('udp', SILENT), turn('tcp', SILENT), turn('tls', SILENT), turn('wss')],
    without: [turn('udp', SILENT), turn('tcp', SILENT), turn('tls'), turn('wss')],
  },
  'websocket-blocked': {
    with: [turn('wss', SILENT), turn('udp'), https()],
    without: [turn('wss', SILENT), turn('udp')],
  },
  'signalling-blocked': {
    with: [signalling(OFF), turn('udp')],
    without: [
      signalling({ ...OFF, ...{ error: { code: 'ERR_DNS', message: 'no' } } }),
      turn('udp'),
    ],
  },
  'webtransport-blocked': {
    with: [webTransport(OFF), https()],
    without: [webTransport(), https()],
  },
  'proxy-used': {
    with: [turn('tcp', { proxy: PROXY })],
    without: [turn('tcp', { proxy: PROXY, ...SILENT })],
  },
  'proxy-refuses': {
    with: [turn('tcp', failed('ERR_TRANSPORT_PROXY'))],
    without: [
      turn('tcp', DOWN),
      turn('tcp', { proxy: PROXY, ...failed('ERR_TRANSPORT_PROXY') }),
      turn('tls', { proxy: PROXY }),
    ],
  },
  'proxy-refuses-some': {
    with: [
      turn('tcp', { proxy: PROXY, ...failed('ERR_TRANSPORT_PROXY') }),
      turn('tls', { proxy: PROXY }),
    ],
    without: [turn('tcp', { proxy: PROXY, ...failed('ERR_TRANSPORT_PROXY') }), turn('tls')],
  },
  'ipv6-only': {
    with: [turn('udp', { family: 'IPv6' }), turn('udp', { family: 'IPv4', ...SILENT })],
    without: [turn('udp', { family: 'IPv6' })],
  },
  'ipv6-silent': {
    with: [turn('udp', { family: 'IPv4' }), turn('udp', { family: 'IPv6', ...SILENT })],
    without: [turn('udp', { family: 'IPv6', ...SILENT })],
  },
  'no-ipv6': {
    with: [
      turn('tcp', {
        family: 'IPv6',
        ...failed('ERR_TRANSPORT_CONNECT', { systemCode: 'ENETUNREACH' }),
      }),
    ],
    without: [
      turn('tcp', {
        family: 'IPv4',
        ...failed('ERR_TRANSPORT_CONNECT', { systemCode: 'ENETUNREACH' }),
      }),
    ],
  },
  nat64: {
    with: [measured(/** @type {any} */ ({ kind: 'dns', name: 'a', nat64Prefix: '64:ff9b::/96' }))],
    without: [measured(/** @type {any} */ ({ kind: 'dns', name: 'a' }))],
  },
  'ports-blocked': {
    with: [ports('blocked', 'unknown')],
    without: [ports('blocked', 'unknown', 'blocked'), turn('udp', SILENT), turn('tcp')],
  },
  'ports-blocked-inwards': {
    with: [ports('open', 'blocked')],
    without: [ports('blocked', 'blocked')],
  },
  'ports-untestable': {
    with: [ports('untestable', 'unknown')],
    without: [ports('blocked', 'unknown')],
  },
  'stun-filtered': {
    with: [inspection({ stun: 'blocked', random: 'passed' })],
    without: [inspection({ stun: 'blocked', random: 'blocked' })],
  },
  'rtp-filtered': {
    with: [inspection({ rtp: 'blocked', stun: 'passed' })],
    without: [inspection({ rtp: 'unknown', stun: 'passed' })],
  },
  'sip-filtered': {
    with: [inspection({ sip: 'blocked', stun: 'passed' })],
    without: [inspection({ sip: 'passed', stun: 'blocked' })],
  },
  'unknown-filtered': {
    with: [inspection({ random: 'blocked', stun: 'passed' })],
    without: [inspection({ random: 'blocked' })],
  },
  'sip-alg': { with: [sip('altered')], without: [sip('none')] },
  'sip-blocked': {
    with: [sip('blocked'), turn('udp')],
    without: [sip('blocked'), turn('udp', SILENT), turn('tcp')],
  },

  'relay-works': { with: [turn('tls')], without: [stun('tls')] },
  'relay-data-lost': {
    with: [turn('udp', { ...SILENT, dataPath: 'lost' })],
    without: [turn('udp', { ...SILENT, dataPath: 'lost' }), turn('tls')],
  },
  'relay-silent': {
    with: [stun('udp'), turn('udp', SILENT)],
    without: [stun('udp'), turn('udp', SILENT), turn('tcp', refused(401))],
  },
  'server-silent': {
    with: [turn('udp', SILENT), turn('udp', OTHER)],
    without: [turn('udp', SILENT), turn('tcp', OTHER)],
  },
  'server-partly-silent': {
    with: [turn('tcp', SILENT), turn('udp'), turn('tcp', OTHER)],
    without: [turn('tcp', SILENT), turn('udp')],
  },
  'credentials-refused': {
    with: [turn('udp', refused(401))],
    without: [turn('udp', refused(441))],
  },
  'credentials-expired': {
    with: [turn('udp', { ...refused(401), username: `${NOW_MS / 1000 - 60}:alice` })],
    without: [turn('udp', { ...refused(401), username: `${NOW_MS / 1000 + 60}:alice` })],
  },
  'credentials-missing': {
    with: [turn('udp', failed('ERR_STUN_CREDENTIALS_NEEDED'))],
    without: [turn('udp', refused(401))],
  },
  'credentials-of-another': {
    with: [turn('udp', refused(441))],
    without: [turn('udp', refused(437))],
  },
  'allocation-mismatch': {
    with: [turn('udp', refused(437))],
    without: [turn('udp', refused(441))],
  },
  'quota-reached': { with: [turn('udp', refused(486))], without: [turn('udp', refused(508))] },
  'server-full': { with: [turn('udp', refused(508))], without: [turn('udp', refused(486))] },
  'relay-forbidden': { with: [turn('udp', refused(403))], without: [turn('udp', refused(401))] },
  'server-error': { with: [turn('udp', refused(500))], without: [turn('udp', refused(403))] },
  'tls-fails': {
    with: [turn('tls', failed('ERR_TRANSPORT_TLS'))],
    without: [turn('tls', tlsError('ECONNRESET'))],
  },
  'certificate-expired': {
    with: [turn('tls', tlsError('CERT_HAS_EXPIRED'))],
    without: [certificate({ validTo: inDays(1) })],
  },
  'certificate-expiring': {
    with: [certificate({ validTo: inDays(14) })],
    without: [certificate({ validTo: inDays(14.1) })],
  },
  'certificate-early': {
    with: [certificate({ validFrom: inDays(1), validTo: inDays(90) })],
    without: [certificate({ validFrom: inDays(-1), validTo: inDays(90) })],
  },
  'certificate-name': {
    with: [turn('tls', tlsError('ERR_TLS_CERT_ALTNAME_INVALID'))],
    without: [turn('tls', tlsError('CERT_HAS_EXPIRED'))],
  },
  'certificate-untrusted': {
    with: [certificate({ trusted: false, validTo: inDays(90) })],
    without: [certificate({ trusted: true, validTo: inDays(90) })],
  },
  'no-names': {
    with: [turn('udp', failed('ERR_DNS')), turn('udp', { ...OTHER, ...failed('ERR_DNS') })],
    without: [turn('udp', failed('ERR_DNS')), turn('tcp', failed('ERR_DNS'))],
  },
  'name-not-found': { with: [turn('udp', failed('ERR_DNS'))], without: [turn('udp', SILENT)] },

  'no-nat': { with: [nat({ behindNat: { value: 'no' } })], without: [nat(behindNat)] },
  'nat-direct': { with: [nat(CONE)], without: [nat(CONE), nat({ id: 'nat/2', ...SYMMETRIC })] },
  'nat-symmetric-relayed': {
    with: [nat(SYMMETRIC), turn('udp')],
    without: [nat(SYMMETRIC), turn('udp', refused(401))],
  },
  'nat-symmetric-blocked': {
    with: [nat(SYMMETRIC), turn('udp', SILENT)],
    without: [nat(SYMMETRIC), turn('udp', SILENT), turn('tls')],
  },
  'nat-symmetric': {
    with: [nat(SYMMETRIC), turn('udp', refused(401))],
    without: [nat(SYMMETRIC), turn('udp', SILENT)],
  },
  'nat-mapping-short': {
    with: [nat({ lifetime: { atLeastMs: 20_000, atMostMs: 30_000 } })],
    without: [nat({ lifetime: { atLeastMs: 20_000 } })],
  },
  'nat-no-hairpin': {
    with: [nat({ ...behindNat, hairpinning: { value: 'no' } })],
    without: [nat({ behindNat: { value: 'no' }, hairpinning: { value: 'no' } })],
  },
  'fragments-blocked': {
    with: [nat({ answerFragments: { value: 'no' } })],
    without: [nat({ answerFragments: { value: 'unknown', because: 'no answer' } })],
  },
  'nat-unknown': {
    with: [nat({ mapping: { value: 'unknown', because: 'the server has one address' } })],
    without: [nat({ ...CONE, filtering: { value: 'unknown', because: 'one address' } })],
  },
  'gateway-view': { with: [nat({ whose: 'gateway', ...SYMMETRIC })], without: [nat(SYMMETRIC)] },
  'path-direct': {
    with: [path({ candidates: [HOST_CANDIDATE], selected: { local: 'host', remote: 'srflx' } })],
    without: [path({ candidates: [HOST_CANDIDATE], selected: { local: 'host', remote: 'relay' } })],
  },
  'path-relayed': {
    with: [path({ candidates: [HOST_CANDIDATE], selected: { local: 'relay', remote: 'host' } })],
    without: [path({ candidates: [HOST_CANDIDATE], selected: { local: 'prflx', remote: 'host' } })],
  },
  'webrtc-disabled': { with: [path({})], without: [path({ candidates: [HOST_CANDIDATE] })] },

  'quality-good': { with: [quality('udp')], without: [quality('udp', { loss: 0.03 })] },
  'loss-high': {
    with: [quality('udp', { loss: 0.05 })],
    without: [quality('udp', { loss: 0.01 })],
  },
  'loss-severe': {
    with: [quality('udp', { loss: 0.06 })],
    without: [quality('udp', { loss: 0.05 })],
  },
  'jitter-high': {
    with: [quality('udp', { jitterMs: 31 })],
    without: [quality('udp', { jitterMs: 30 })],
  },
  'jitter-severe': {
    with: [quality('udp', { jitterMs: 61 })],
    without: [quality('udp', { jitterMs: 60 })],
  },
  'delay-high': {
    with: [quality('udp', { medianMs: 301 })],
    without: [quality('udp', { medianMs: 300 })],
  },
  'delay-severe': {
    with: [quality('udp', { medianMs: 501 })],
    without: [quality('udp', { medianMs: 500 })],
  },
  'voice-fair': { with: [quality('udp', { mos: 3.5 })], without: [quality('udp', { mos: 3.6 })] },
  'voice-poor': { with: [quality('udp', { mos: 3 })], without: [quality('udp', { mos: 3.1 })] },
  ...Object.fromEntries(
    /** @type {const} */ ([
      ['stalls', 'stalls-long', 'stalls-severe', 'longestMs', 401, 1001],
      ['loadedLatency', 'load-delay-high', 'load-delay-severe', 'addedMs', 101, 401],
      ['throughput', 'throughput-low', 'throughput-too-low', 'kbps', 499, 99],
    ]).flatMap(([field, warning, error, name, some, many]) => {
      const at = (/** @type {number} */ value) => [
        quality('tcp', {}, /** @type {any} */ ({ [field]: { [name]: value } })),
      ];
      return [
        [warning, { with: at(some), without: at(many) }],
        [error, { with: at(many), without: at(some) }],
      ];
    }),
  ),
  ...Object.fromEntries(
    /** @type {const} */ ([
      ['bursts-long', 201, 1001],
      ['bursts-severe', 1001, 201],
    ]).map(([id, yes, no]) => {
      const at = (/** @type {number} */ burstMs) => {
        const one = quality('udp');
        const arrivals = /** @type {NonNullable<typeof one.arrivals>} */ (one.arrivals);
        return [{ ...one, arrivals: { ...arrivals, bursts: { ...arrivals.bursts, burstMs } } }];
      };
      return [id, { with: at(yes), without: at(no) }];
    }),
  ),
  ...Object.fromEntries(
    /** @type {const} */ ([
      ['reordering', 'reordered', 'duplicates'],
      ['duplicates', 'duplicates', 'reordered'],
    ]).map(([id, field, other]) => {
      const at = (/** @type {string} */ name) => {
        const one = quality('udp');
        return [{ ...one, arrivals: /** @type {any} */ ({ ...one.arrivals, [name]: 3 }) }];
      };
      return [id, { with: at(field), without: at(other) }];
    }),
  ),
};
