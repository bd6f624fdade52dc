// What to ask those for who run the network: from findings to ports and destinations.
import { listed } from './listed.js';
import { triesOf } from './reach-facts.js';

/** @typedef {import('../measurements/types.js').Ask} Ask */
/** @typedef {import('../measurements/types.js').Measurement} Measurement */
/** @typedef {import('../measurements/types.js').ReachabilityMeasurement} ReachabilityMeasurement */
/** @typedef {import('../measurements/types.js').ReportFinding} ReportFinding */

/** @typedef {ReachabilityMeasurement['transport']} Transport */

/** How good a way is for calls: 1 is the best. And what it is called by those who run firewalls. */
const WAYS =
  /** @type {Readonly<Record<Transport, { preference: number, protocol: 'udp' | 'tcp', why: string }>>} */ ({
    udp: { preference: 1, protocol: 'udp', why: 'the media of calls, over STUN and TURN' },
    tls: {
      preference: 2,
      protocol: 'tcp',
      why: 'the media of calls over TURN in TLS; no inspection of TLS',
    },
    tcp: { preference: 3, protocol: 'tcp', why: 'the media of calls over TURN' },
    wss: {
      preference: 4,
      protocol: 'tcp',
      why: 'the media of calls over TURN in WebSocket; a proxy is to let the upgrade pass',
    },
    ws: {
      preference: 5,
      protocol: 'tcp',
      why: 'the media of calls over TURN in WebSocket; a proxy is to let the upgrade pass',
    },
  });

/**
 * With each of these findings, what was tried over these transports in vain is asked for.
 *
 * @type {readonly { finding: string, transports: readonly Transport[] }[]}
 */
export const ASKS = [
  { finding: 'nothing-passes', transports: ['udp', 'tls', 'tcp', 'wss', 'ws'] },
  { finding: 'https-only', transports: ['udp', 'tls', 'tcp', 'wss', 'ws'] },
  { finding: 'one-server-silent', transports: ['udp', 'tls', 'tcp', 'wss', 'ws'] },
  { finding: 'udp-blocked', transports: ['udp'] },
  { finding: 'udp-443-only', transports: ['udp'] },
  { finding: 'websocket-only', transports: ['udp', 'tls'] },
  { finding: 'websocket-blocked', transports: ['wss', 'ws'] },
];

/** Without signalling there are no media. @type {readonly Ask['purpose'][]} */
export const PURPOSES = ['signalling', 'media'];

const SIGNALLING = Object.freeze({
  findings: ['signalling-blocked', 'nothing-passes'],
  why: 'the signalling of calls, a WebSocket',
});
/** Where more is asked for than that it passes. @type {readonly { finding: string, outcome: string, transports?: readonly Transport[], name: string, why: string }[]} */
const SPECIAL = [
  {
    finding: 'proxy-refuses',
    outcome: 'proxy',
    name: 'proxy',
    why: 'calls; the proxy is to allow CONNECT to it',
  },
  {
    finding: 'stun-filtered',
    outcome: 'silent',
    transports: ['udp'],
    name: 'stun',
    why: 'the media of calls, over STUN and TURN, which are not to be filtered out',
  },
];
const PORTS = Object.freeze({ 'wss:': 443, 'ws:': 80 });

/**
 * @typedef {object} Wish
 * @property {string} id of the ask that it becomes a part of
 * @property {string} evidence id of a measurement
 * @property {'udp' | 'tcp'} protocol
 * @property {number} port
 * @property {string} host
 * @property {string[]} addresses
 * @property {Ask['purpose']} purpose
 * @property {number} preference
 * @property {string} why
 */

/** @param {readonly Measurement[]} measurements @param {string} host @returns {string[]} */
const addressesOf = (measurements, host) =>
  measurements.flatMap((one) =>
    one.kind === 'dns' && one.name === host ? [...(one.ipv4 ?? []), ...(one.ipv6 ?? [])] : [],
  );

/** All of them are in `names` and `addresses`. */
const MAX_NAMED = 10;

const LITERAL = /^[\d.]+$|:/;

/** @param {ReachabilityMeasurement} measurement @param {readonly Measurement[]} all @param {{ name: string, why: string }} [otherwise] @returns {Wish} */
function wishFor({ id: evidence, transport, host, port, serverAddress }, all, otherwise) {
  const { preference, protocol, why } = WAYS[transport];
  const known = serverAddress === undefined ? [] : [serverAddress.address];
  const addresses = [...new Set([...known, ...addressesOf(all, host)])];
  return {
    id: `${otherwise ? `${otherwise.name}-` : ''}${transport}-${port}`,
    evidence,
    protocol,
    port,
    host,
    addresses,
    purpose: 'media',
    preference,
    why: otherwise?.why ?? why,
  };
}

/** @param {readonly Measurement[]} measurements @param {readonly string[]} evidence @returns {Wish[]} */
function signallingWishes(measurements, evidence) {
  return measurements.flatMap((one) => {
    if (one.kind !== 'signalling' || !evidence.includes(one.id) || !URL.canParse(one.url))
      return [];
    const { hostname, port, protocol } = new URL(one.url);
    const host = hostname.replace(/^\[|\]$/g, '');
    const number = Number(port) || (PORTS[/** @type {'wss:'} */ (protocol)] ?? PORTS['wss:']);
    return [
      {
        id: `signalling-${number}`,
        evidence: one.id,
        protocol: /** @type {const} */ ('tcp'),
        port: number,
        host,
        addresses: addressesOf(measurements, host),
        purpose: /** @type {const} */ ('signalling'),
        preference: 1,
        why: SIGNALLING.why,
      },
    ];
  });
}

/** @param {readonly string[]} names @param {readonly string[]} addresses */
function wordsOfDestinations(names, addresses) {
  const numbers = listed(addresses, MAX_NAMED);
  if (names.length === 0) return numbers;
  return `${listed(names, MAX_NAMED)}${numbers === '' ? '' : ` (${numbers})`}`;
}

/**
 * Those of one id become one.
 *
 * @param {readonly Wish[]} wishes not empty
 * @returns {Ask}
 */
function askFor(wishes) {
  const [{ id, protocol, port, purpose, preference, why }] = wishes;
  const hosts = [...new Set(wishes.map(({ host }) => host))].filter((host) => host !== '');
  const names = hosts.filter((host) => !LITERAL.test(host));
  const literals = hosts.filter((host) => LITERAL.test(host));
  const addresses = [...new Set([...literals, ...wishes.flatMap((wish) => wish.addresses)])];
  const place = wordsOfDestinations(names, addresses);
  return {
    id,
    protocol,
    ports: [port],
    names,
    addresses,
    direction: 'outbound',
    purpose,
    preference,
    why,
    text: `Outbound ${protocol.toUpperCase()}, port ${port}, to ${place}, and what comes back: for ${why}.`,
    evidence: [...new Set(wishes.map(({ evidence }) => evidence))],
  };
}

/**
 * @param {readonly ReportFinding[]} findings
 * @param {readonly Measurement[]} measurements
 * @returns {Ask[]} those for signalling, then those for media, the best first
 */
export function asksFor(findings, measurements) {
  const ids = new Set(findings.map(({ id }) => id));
  const wanted = new Set(
    ASKS.filter(({ finding }) => ids.has(finding)).flatMap(({ transports }) => transports),
  );
  const tries = triesOf(measurements);
  const wishes = tries
    .filter(({ outcome, measurement }) => outcome === 'silent' && wanted.has(measurement.transport))
    .map(({ measurement }) => wishFor(measurement, measurements));
  for (const special of SPECIAL.filter(({ finding }) => ids.has(finding))) {
    const { outcome: meant, transports } = special;
    const refused = tries.filter(
      ({ outcome, measurement }) =>
        outcome === meant && (transports?.includes(measurement.transport) ?? true),
    );
    wishes.push(...refused.map(({ measurement }) => wishFor(measurement, measurements, special)));
  }
  const signalling = findings.filter(({ id }) => SIGNALLING.findings.includes(id));
  wishes.push(
    ...signallingWishes(
      measurements,
      signalling.flatMap(({ evidence }) => evidence),
    ),
  );
  /** @type {Map<string, Wish[]>} */
  const groups = new Map();
  for (const wish of wishes) {
    groups.set(wish.id, [...(groups.get(wish.id) ?? []), wish]);
  }
  const asks = [...groups.values()].map(askFor);
  return asks.sort(
    (a, b) =>
      PURPOSES.indexOf(a.purpose) - PURPOSES.indexOf(b.purpose) ||
      a.preference - b.preference ||
      a.ports[0] - b.ports[0],
  );
}
