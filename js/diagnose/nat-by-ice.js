// The NAT by the browser's candidates alone: STUN servers that are known to answer are asked from one socket.
import { measurementId } from '../report/measurements/ids.js';
import { IceAgent } from './ice-agent.js';
import { natFromIce } from './nat-from-ice.js';

/** @typedef {import('../report/index.js').Measurement} Measurement */
/** @typedef {import('../report/measurements/types.js').NatMeasurement} NatMeasurement */

/** Firefox warns of five servers and more. */
const MAX_SERVERS = 4;

/** @param {{ host: string, port: number }} place */
const urlOf = ({ host, port }) => `stun:${host.includes(':') ? `[${host}]` : host}:${port}`;

/**
 * Those that have answered over UDP: TURN servers answer STUN as well (RFC 8656 section 4).
 *
 * @param {readonly Measurement[]} measured
 */
export function stunServersIn(measured) {
  const places = measured.flatMap((one) =>
    one.kind === 'reachability' && one.transport === 'udp' && one.status === 'ok'
      ? [{ host: one.host, port: one.port }]
      : [],
  );
  return [...new Map(places.map((place) => [urlOf(place), place])).values()].slice(0, MAX_SERVERS);
}

/**
 * @param {readonly Measurement[]} measured
 * @param {{ timeoutMs: number, signal: AbortSignal }} bounds
 * @returns {Promise<NatMeasurement>}
 * @throws `signal.reason`
 */
export async function measureNatByIce(measured, bounds) {
  /** @type {Pick<NatMeasurement, 'id' | 'kind' | 'whose' | 'method'>} */
  const head = { id: measurementId('nat', 'ice'), kind: 'nat', whose: 'client', method: 'ice' };
  const servers = stunServersIn(measured);
  if (servers.length === 0) {
    const because = 'no STUN server answered over UDP';
    return { ...head, status: 'unknown', because };
  }
  const start = performance.now();
  const agent = new IceAgent({ iceServers: servers.map((place) => ({ urls: urlOf(place) })) });
  try {
    await agent.offer();
    await agent.gathered(undefined, bounds);
    const candidates = agent.candidates.flatMap(({ type, protocol, address, port, priority }) =>
      type && protocol === 'udp' ? [{ type, address, port, priority }] : [],
    );
    const isComplete = agent.isComplete && agent.errors.length === 0;
    const elapsedMs = performance.now() - start;
    return { ...head, ...natFromIce({ servers, candidates, isComplete }), elapsedMs };
  } finally {
    agent.close();
  }
}
