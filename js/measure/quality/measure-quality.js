// What a path is like, through a relay and back.
import { findLoop } from '../../check/find-loop.js';
import { PosternError } from '../../errors.js';
import { measurementId } from '../../report/measurements/ids.js';
import { allocate } from '../../turn/allocate.js';
import { shownUri } from '../../uri.js';
import { errorOf, measured } from '../measured.js';
import { withLimit } from '../with-limit.js';
import { measureEachWay } from './each-way.js';
import { LaneMeasurement } from './measure-lane.js';
import { RelayLane } from './relay-lane.js';

/** @typedef {import('../../network-test/events.js').QualitySample} QualitySample */
/** @typedef {import('../../network-test/plan.js').CheckedQuality} CheckedQuality */
/** @typedef {import('../../report/measurements/types.js').QualityMeasurement} QualityMeasurement */
/** @typedef {import('../../turn/relay.js').Relay} Relay */
/** @typedef {import('../reflector/open-reflector.js').ReflectorSession} ReflectorSession */

/**
 * @typedef {object} QualityTarget
 * @property {import('../../ice-server.js').IceServer & { urls: string }} server one URL
 * @property {'udp' | 'tcp' | 'tls' | 'ws' | 'wss'} transport one that the URL allows
 * @property {'IPv4' | 'IPv6'} [family] of the server's address
 * @property {string} [proxy] for TCP and TLS
 */

/**
 * @typedef {object} QualityMore
 * @property {CheckedQuality} quality
 * @property {(sample: QualitySample) => void} [onSample] is called four times a second
 * @property {import('../../turn/allocate-options.js').AllocateOptions['WebSocket']} [WebSocket]
 * @property {(signal: AbortSignal) => Promise<ReflectorSession>} [openReflector] for throughput each way; it is closed
 */

/** @typedef {QualityTarget & import('../options.js').MeasureOptions & QualityMore} QualityOptions */

/** Permissions and channels come on top of what packets are waited for, twice. */
const AROUND_MS = 6000;
const LOST = 'The relay was allocated, but none of the data sent through it came back.';

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
    family: transport.startsWith('ws') ? undefined : family && (family === 'IPv4' ? 4 : 6),
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
 * crosses the path twice, up and down. Over streams, where nothing is lost, stalls take the place of arrivals. With a
 * reflector as a peer of the relay, throughput is measured each way apart as well.
 *
 * What fails is a measurement of status 'failed', with what was measured before; where the server lets no packets be sent
 * in a circle it is 'unknown'. Relays are given back.
 *
 * @param {QualityOptions} options
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
 * @param {Relay[]} relays those that are made are put there, for the caller to close
 */
async function findLane(options, id, relays) {
  const { server, transport, quality, onSample, signal, timeoutMs } = options;
  const make = async () => {
    const made = await allocate(server, allocateOptions(options));
    relays.push(made);
    return made;
  };
  const relay = await make();
  const isStream = transport !== 'udp';
  const loop = await withLimit(
    { signal, timeoutMs: timeoutMs + AROUND_MS },
    () => new PosternError('ERR_STUN_TIMEOUT', LOST, { phase: 'permission' }),
    (inner) =>
      findLoop(relay, make, {
        signal: inner,
        prove: async (peer) => {
          const lane = new RelayLane(relay, peer, isStream);
          const name = { id, transport };
          const own = { quality, name, onSample, signal };
          const measurement = new LaneMeasurement(lane, own);
          const isProven = await measurement.knock();
          if (isProven) await lane.bindChannels(peer, inner);
          return isProven ? { isProven, measurement } : {};
        },
      }),
  );
  return { relay, dataPath: loop.dataPath, measurement: loop.proof?.measurement };
}

/**
 * @param {QualityOptions} options
 * @param {string} id
 * @param {Relay[]} relays
 * @returns {Promise<Partial<QualityMeasurement>>}
 */
async function measure(options, id, relays) {
  const { signal } = options;
  const { relay, dataPath, measurement } = await findLane(options, id, relays);
  if (dataPath === 'refused') {
    return {
      status: 'unknown',
      because:
        'The server does not let a relay send to itself (403), and a second relay did not help.',
    };
  }
  if (measurement === undefined) {
    const error = { code: 'ERR_STUN_TIMEOUT', message: LOST, phase: 'peer' };
    return { status: 'failed', error };
  }
  try {
    await measurement.run();
    const { numbers } = measurement;
    return { ...numbers, ...(await eachWay(options, relay, numbers)) };
  } catch (error) {
    signal.throwIfAborted();
    return { status: 'failed', error: errorOf(error), ...measurement.numbers };
  }
}

/**
 * @param {QualityOptions} options
 * @param {Relay} relay
 * @param {import('./measure-lane.js').Numbers} numbers of the loop
 */
async function eachWay({ openReflector, quality, signal }, relay, { throughput, roundTrips }) {
  if (openReflector === undefined || throughput === undefined || roundTrips === undefined)
    return {};
  let session;
  try {
    session = await openReflector(signal);
  } catch (error) {
    signal.throwIfAborted();
    // That it does not answer is told by what is for it.
    if (error instanceof PosternError) return {};
    throw error;
  }
  try {
    return await measureEachWay(relay, session, {
      maxKbps: quality.maxKbps,
      seconds: quality.throughputSeconds,
      loopKbps: throughput.kbps,
      keptShare: roundTrips.n / (roundTrips.n + roundTrips.lost),
      signal,
    });
  } finally {
    await session.close();
  }
}
