// What a path is like, through a relay and back.
import { findLoop } from '../../check/find-loop.js';
import { measurementId } from '../../report/measurements/ids.js';
import { allocate } from '../../turn/allocate.js';
import { shownUri } from '../../uri.js';
import { errorOf, measured } from '../measured.js';
import { LaneMeasurement } from './measure-lane.js';
import { RelayLane } from './relay-lane.js';

/** @typedef {import('../../network-test/events.js').QualitySample} QualitySample */
/** @typedef {import('../../network-test/plan.js').CheckedQuality} CheckedQuality */
/** @typedef {import('../../report/measurements/types.js').QualityMeasurement} QualityMeasurement */
/** @typedef {import('../../turn/relay.js').Relay} Relay */

/**
 * @typedef {object} QualityTarget
 * @property {import('../../ice-server.js').IceServer & { urls: string }} server one URL
 * @property {'udp' | 'tcp' | 'tls' | 'ws' | 'wss'} transport one that the URL allows
 * @property {'IPv4' | 'IPv6'} [family] of the server's address
 * @property {string} [proxy] for TCP and TLS
 */

/**
 * @typedef {QualityTarget & import('../options.js').MeasureOptions & {
 *   quality: CheckedQuality, onSample?: (sample: QualitySample) => void,
 *   WebSocket?: import('../../turn/allocate-options.js').AllocateOptions['WebSocket'] }} QualityOptions `timeoutMs`: of the
 *   making of a relay
 */

/** @param {QualityTarget} target */
const idOf = ({ server, transport, family, proxy }) =>
  measurementId(
    'quality',
    shownUri(server.urls),
    transport,
    family,
    proxy === undefined ? undefined : 'proxy',
  );

/** @param {QualityOptions} options @returns {import('../../turn/allocate-options.js').AllocateOptions} */
function allocateOptions({ transport, family, ...options }) {
  const { proxy, tls, proxyTls, resolver, WebSocket, signal, timeoutMs } = options;
  return {
    transport: transport === 'wss' ? 'ws' : transport,
    family: family && (family === 'IPv4' ? 4 : 6),
    proxy,
    tls,
    proxyTls,
    resolver,
    WebSocket,
    signal,
    timeoutMs,
  };
}

/**
 * Sends numbered packets through a relay of a server to itself and back, or to a second relay of the same server where it
 * forbids that, and tells what becomes of them: first `quality.seconds` of a flow like that of voice, then
 * `quality.throughputSeconds` of as much as the path takes, up to `quality.maxKbps`, beside the same flow. So each packet
 * crosses the path twice, up and down. Over streams, where nothing is lost, stalls take the place of arrivals.
 *
 * What fails is a measurement of status 'failed', with what was measured before; where the server lets no packets be sent
 * in a circle it is 'unknown'. Relays are given back.
 *
 * @param {QualityOptions} options `onSample` is called four times a second
 * @returns {Promise<QualityMeasurement>}
 * @throws {TypeError} ERR_INVALID_ARGUMENT of the server; or `signal.reason`
 */
export async function measureQuality(options) {
  const { transport, signal } = options;
  const id = idOf(options);
  /** @type {Relay[]} */
  const relays = [];
  try {
    const known = { id, kind: /** @type {const} */ ('quality'), transport, via: 'relay' };
    return await measured(known, signal, () => measure(options, id, relays));
  } finally {
    await Promise.all(relays.map((relay) => relay.close()));
  }
}

/**
 * @param {QualityOptions} options
 * @param {string} id
 * @param {Relay[]} relays those that were made are put there, and closed by the caller
 * @returns {Promise<Partial<QualityMeasurement>>}
 */
async function measure(options, id, relays) {
  const { server, transport, quality, onSample, signal } = options;
  const make = async () => {
    const made = await allocate(server, allocateOptions(options));
    relays.push(made);
    return made;
  };
  const relay = await make();
  const { dataPath, peer, proof } = await findLoop(relay, make, {
    signal,
    prove: async (to) => {
      const lane = new RelayLane(relay, to, transport !== 'udp');
      const measurement = new LaneMeasurement(lane, {
        quality,
        name: { id, transport },
        onSample,
        signal,
      });
      const proven = { lane, measurement };
      return (await measurement.knock()) ? { isProven: true, ...proven } : proven;
    },
  });
  if (dataPath === 'refused') {
    return {
      status: 'unknown',
      because: 'The server lets relays send neither to themselves nor to each other (403).',
    };
  }
  if (dataPath === 'lost' || proof === undefined) {
    return {
      status: 'failed',
      error: {
        code: 'ERR_STUN_TIMEOUT',
        message: 'The relay was allocated, but none of the data sent through it came back.',
        phase: 'peer',
      },
    };
  }
  const { lane, measurement } = proof;
  await lane.bindChannels(peer, signal);
  try {
    await measurement.run();
    return measurement.numbers;
  } catch (error) {
    signal.throwIfAborted();
    return { status: 'failed', error: errorOf(error), ...measurement.numbers };
  }
}
