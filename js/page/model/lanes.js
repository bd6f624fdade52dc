// What the picture of the path shows: for each way out of the network, what passed.
import { isAnswered, outcomeOf } from '../../report/verdict/outcomes.js';

/** @typedef {import('../../report/index.js').Measurement} Measurement */

/**
 * What one measurement says of a way. 'refused': packets went there and back, and the server said no.
 *
 * @typedef {'passes' | 'lost' | 'refused' | 'silent' | 'untold'} Sign
 */

/** @typedef {'good' | 'warn' | 'bad' | 'unknown'} Tone */

/**
 * @typedef {object} Lane
 * @property {string} id
 * @property {string} name
 * @property {Tone} tone
 * @property {string} words such as 'passes, 24 ms'
 * @property {boolean} isTried
 * @property {boolean} hasGateway whether a gateway talks to the server at its end
 */

/** @type {readonly { id: string, name: string, transports: readonly string[], kinds: readonly Measurement['kind'][] }[]} */
const WAYS = [
  { id: 'udp', name: 'UDP', transports: ['udp'], kinds: ['nat', 'port-map', 'path'] },
  { id: 'tcp', name: 'TCP', transports: ['tcp'], kinds: [] },
  { id: 'tls', name: 'TLS', transports: ['tls'], kinds: [] },
  { id: 'ws', name: 'WebSocket', transports: ['ws', 'wss'], kinds: ['signalling'] },
  { id: 'https', name: 'HTTPS', transports: [], kinds: ['https'] },
];

/** @param {Measurement} one @returns {Sign | undefined} undefined: it says nothing of a way */
function signOf(one) {
  switch (one.kind) {
    case 'reachability': {
      const outcome = outcomeOf(one);
      if (outcome === 'works') return 'passes';
      if (outcome === 'data-lost') return 'lost';
      if (isAnswered(outcome)) return 'refused';
      return outcome === 'silent' ? 'silent' : 'untold';
    }
    case 'signalling':
    case 'https':
      if (one.status === 'ok') return 'passes';
      return one.status === 'failed' ? 'silent' : 'untold';
    case 'path':
      // Firefox does not tell how a relay is reached.
      return one.candidates.some(
        ({ type, protocol, relayProtocol }) =>
          (type === 'srflx' && protocol === 'udp') || (type === 'relay' && relayProtocol === 'udp'),
      )
        ? 'passes'
        : undefined;
    case 'port-map':
      return one.ports.some(({ outwards, inwards }) => outwards === 'open' && inwards === 'open')
        ? 'passes'
        : 'untold';
    case 'nat':
      if (one.status === 'ok') return 'passes';
      // Candidates alone tell nothing where there are none.
      return one.method === 'ice' ? undefined : 'untold';
    default:
      return undefined;
  }
}

/** @param {Measurement} one @returns {number | undefined} milliseconds */
function roundTripOf(one) {
  if (one.kind === 'quality') return one.roundTrips?.medianMs ?? undefined;
  return 'roundTripMs' in one ? (one.roundTripMs ?? undefined) : undefined;
}

/** @param {number} value */
const shownMs = (value) => `${value < 10 ? Number(value.toFixed(1)) : Math.round(value)} ms`;

/**
 * Silence and lost data count as that of the network here, since it is what a person sees of it; the report tells them
 * from servers that are down.
 *
 * @param {Record<Sign, number>} count
 * @returns {{ tone: Tone, words: string }}
 */
function judge({ passes, lost, refused, silent, untold }) {
  const failed = lost + silent;
  if (passes > 0 && failed > 0) {
    return { tone: 'warn', words: `passes to ${passes} of ${passes + failed}` };
  }
  if (lost > 0) return { tone: 'warn', words: 'data gets lost' };
  if (refused > 0) return { tone: 'warn', words: 'passes, server refuses' };
  if (passes > 0) return { tone: 'good', words: 'passes' };
  if (silent > 0) return { tone: 'bad', words: 'no answer' };
  return { tone: 'unknown', words: untold > 0 ? 'could not be told' : 'not tested' };
}

/**
 * @param {readonly Measurement[]} measurements
 * @returns {Lane[]} always the same, in the order of the picture
 */
export const lanesOf = (measurements) =>
  WAYS.map(({ id, name, transports, kinds }) => {
    const over = measurements.filter(
      (one) =>
        one.whose === 'client' &&
        (kinds.includes(one.kind) ||
          (one.kind === 'reachability' && transports.includes(one.transport))),
    );
    const signs = over
      .filter(({ status }) => status !== 'skipped')
      .map(signOf)
      .filter((sign) => sign !== undefined);
    /** @type {Record<Sign, number>} */
    const count = { passes: 0, lost: 0, refused: 0, silent: 0, untold: 0 };
    for (const sign of signs) count[sign] += 1;
    const { tone, words } = judge(count);
    const qualities = measurements.filter(
      (one) => one.kind === 'quality' && transports.includes(one.transport),
    );
    const times = [qualities, over]
      .map((list) => list.map(roundTripOf).filter((value) => value !== undefined))
      .find((list) => list.length > 0);
    const time = times && tone === 'good' ? `, ${shownMs(Math.min(...times))}` : '';
    return {
      id,
      name,
      tone,
      words: `${words}${time}`,
      isTried: signs.length > 0,
      hasGateway: over.some(({ kind }) => kind === 'reachability') && id === 'ws',
    };
  });

/**
 * What is between the device and the servers.
 *
 * @param {readonly Measurement[]} measurements
 * @returns {string}
 */
export function barrierOf(measurements) {
  const answers = measurements.flatMap((one) =>
    one.kind === 'nat' && one.whose === 'client' ? [one.behindNat?.value] : [],
  );
  if (answers.includes('yes')) return 'NAT and firewall';
  return answers.includes('no') ? 'Firewall, no NAT' : 'NAT or firewall';
}
