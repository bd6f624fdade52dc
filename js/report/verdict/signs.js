// What measurements of all kinds but servers tell of what passes the network.
import { certificateFault } from './outcomes.js';

/** @typedef {import('../measurements/types.js').Measurement} Measurement */
/** @typedef {import('../measurements/types.js').QualityMeasurement['transport']} Transport */

/** What a transport counts as. */
export const LANES = Object.freeze({
  udp: 'udp',
  tcp: 'tcp',
  tls: 'tls',
  ws: 'websocket',
  wss: 'websocket',
  webtransport: 'quic',
});

/** @type {Readonly<Record<Transport, string>>} */
const NAMES = Object.freeze({
  udp: 'UDP',
  tcp: 'TCP',
  tls: 'TLS',
  ws: 'WebSocket',
  wss: 'WebSocket (TLS)',
  webtransport: 'WebTransport',
});

/** @param {Transport} transport */
export const nameOfTransport = (transport) => NAMES[transport];

/**
 * @typedef {object} Sign
 * @property {string} lane
 * @property {boolean} passes
 * @property {boolean} isWeak silence of one server, which may be down
 * @property {import('./facts.js').Evidence} evidence
 */

/** @typedef {{ lane: string, passes: boolean, words: string, isWeak?: boolean }} BareSign */

/** Kinds that are one request to one URL. */
const WEB = Object.freeze({ signalling: 'signalling', https: 'https', webtransport: 'quic' });

/** @param {Measurement & { kind: keyof typeof WEB }} one @returns {BareSign | undefined} */
function signOfUrl({ kind, url, status, error }) {
  // A name that is not found, or a certificate, is no sign of what passes.
  const isElsewhere = error?.code === 'ERR_DNS' || certificateFault(error) !== undefined;
  if ((status !== 'ok' && status !== 'failed') || isElsewhere) return undefined;
  return { lane: WEB[kind], passes: status === 'ok', words: url };
}

/** @param {import('../measurements/types.js').NatMeasurement} nat @returns {BareSign | undefined} */
function signOfNat({ status, error, transport = 'udp', mappedAddresses = [] }) {
  const passes = mappedAddresses.length > 0;
  const isSilent = status === 'failed' && error?.code === 'ERR_STUN_TIMEOUT';
  if (!passes && !isSilent) return undefined;
  return { lane: transport, passes, words: 'the NAT test', isWeak: true };
}

/** @param {import('../measurements/types.js').PortMapMeasurement} map @returns {BareSign | undefined} */
function signOfPorts({ transport, ports }) {
  const states = ports.map(({ outwards }) => outwards);
  if (!states.includes('open') && !states.includes('blocked')) return undefined;
  const words = `the port test over ${nameOfTransport(transport)}`;
  return { lane: transport, passes: states.includes('open'), words, isWeak: true };
}

/** @param {Measurement} one @returns {BareSign | undefined} */
function signOf(one) {
  switch (one.kind) {
    case 'signalling':
    case 'https':
    case 'webtransport':
      return signOfUrl(one);
    case 'nat':
      return signOfNat(one);
    case 'port-map':
      return signOfPorts(one);
    case 'quality': {
      const words = `data over ${nameOfTransport(one.transport)}`;
      return one.status === 'ok' ? { lane: LANES[one.transport], passes: true, words } : undefined;
    }
    case 'path':
      return one.candidates.some(({ type }) => type === 'srflx')
        ? { lane: 'udp', passes: true, words: 'a server-reflexive candidate' }
        : undefined;
    default:
      return undefined;
  }
}

/**
 * @param {readonly Measurement[]} measurements
 * @returns {Sign[]} of the user's own path
 */
export function signsOf(measurements) {
  return measurements.flatMap((one) => {
    const sign = one.whose === 'client' ? signOf(one) : undefined;
    if (sign === undefined) return [];
    const { lane, passes, words, isWeak = false } = sign;
    return [{ lane, passes, isWeak: isWeak && !passes, evidence: { id: one.id, words } }];
  });
}
