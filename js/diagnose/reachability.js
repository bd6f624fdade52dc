// Whether servers are reached by the browser's own UDP, TCP and TLS: each URL over each transport by itself, with real data
// through relays.
import { familyOf } from '../address.js';
import { mapBounded } from '../check/map-bounded.js';
import { median } from '../check/median.js';
import { PosternError } from '../errors.js';
import { IceAgent, within } from './ice-agent.js';
import { NAME_NOT_FOUND, readFailure } from './ice-errors.js';
import { openRelayPath } from './relay-path.js';
import { headOf } from './targets.js';

/** @typedef {import('../report/measurements/types.js').ReachabilityMeasurement} ReachabilityMeasurement */
/** @typedef {import('./relay-path.js').RelayPath} RelayPath */
/** @typedef {import('./targets.js').Target} Target */

/** Firefox bears no more connections than a few at once. */
const AT_ONCE = 4;
const ECHOES = 5;
const ECHO_WAIT_MS = 1000;
/** It is repeated until it has come; the pauses get longer where much is lost. */
const PROOF_WAIT_MS = 10_000;
const PAYLOAD_BYTES = 64;
const NO_WAY =
  'The relay was made, but no data came through it: it was lost, or the server lets no relay reach its own addresses, which ' +
  'browsers do not tell.';
const NOTHING_BUT_CHECKS =
  'The relay was made, and the checks of ICE came through it, but no data: something on the way drops DTLS.';
/** Allocation Quota Reached (RFC 8656 section 19). */
const QUOTA = 486;

/** @param {RTCIceCandidate | undefined} candidate @returns {{ address: string, port: number } | undefined} */
export function endpointOf(candidate) {
  const { address, port } = candidate ?? {};
  return address && port && familyOf(address) ? { address, port } : undefined;
}

/** @param {Target} target @param {IceAgent} agent */
function failureOf({ row }, agent) {
  const { service, transport, host } = headOf({ row, id: '', server: undefined });
  return readFailure({
    service,
    transport: /** @type {'udp' | 'tcp' | 'tls'} */ (transport),
    isNamed: familyOf(host) === undefined,
    errors: agent.errors,
    isComplete: agent.isComplete,
    elapsedMs: agent.elapsedMs,
  });
}

/**
 * @typedef {object} Judged
 * @property {ReachabilityMeasurement} measurement
 * @property {import('../report/measurements/types.js').MeasurementError} [ifFound] what it is where the name is known to be
 *   found
 */

/** @param {Target} target @param {IceAgent} agent @returns {Judged} */
function failed(target, agent) {
  const { ifFound, ...failure } = /** @type {any} */ (failureOf(target, agent));
  return { measurement: { ...headOf(target), ...failure }, ifFound };
}

/** @param {Target & { server: RTCIceServer }} target @param {{ timeoutMs: number, signal: AbortSignal }} bounds @returns {Promise<Judged>} */
async function askStun(target, bounds) {
  const agent = new IceAgent({ iceServers: [target.server] });
  try {
    await agent.offer();
    const candidate = await agent.gathered('srflx', bounds);
    if (candidate === undefined) return failed(target, agent);
    const phases = { gathering: agent.elapsedMs };
    const mappedAddress = endpointOf(candidate);
    return { measurement: { ...headOf(target), status: 'ok', mappedAddress, phases } };
  } finally {
    agent.close();
  }
}

/** @param {RTCDataChannel} channel @returns {Uint8Array<ArrayBuffer>} what was sent */
function sendRandom(channel) {
  const bytes = crypto.getRandomValues(new Uint8Array(PAYLOAD_BYTES));
  channel.send(bytes);
  return bytes;
}

/** @param {Uint8Array} bytes @param {unknown} data */
const isSame = (bytes, data) =>
  data instanceof ArrayBuffer &&
  data.byteLength === bytes.length &&
  new Uint8Array(data).every((byte, i) => byte === bytes[i]);

/**
 * Sends something over a channel until the other end has it.
 *
 * @param {RTCDataChannel} from
 * @param {RTCDataChannel} to where it is expected
 * @param {{ timeoutMs: number, signal: AbortSignal }} bounds
 * @returns {Promise<number | undefined>} how long that took
 */
async function timeOf(from, to, bounds) {
  /** @type {((event: MessageEvent) => void) | undefined} */
  let listener;
  try {
    return await within((/** @type {(value: number) => void} */ resolve) => {
      const start = performance.now();
      const bytes = sendRandom(from);
      listener = ({ data }) => {
        if (isSame(bytes, data)) resolve(performance.now() - start);
      };
      to.addEventListener('message', listener);
    }, bounds);
  } finally {
    if (listener !== undefined) to.removeEventListener('message', listener);
  }
}

/**
 * Real data through a relay: first to the far end and back, for which both ways have to be open; then several times one
 * way, which is a round trip to the server, as both ends are this page.
 *
 * @param {RelayPath} path
 * @param {AbortSignal} signal
 */
async function prove(path, signal) {
  const { near, far } = path;
  const back = (/** @type {MessageEvent} */ { data }) => far.reliable.send(data);
  far.reliable.addEventListener('message', back);
  const firstByte = await timeOf(near.reliable, near.reliable, {
    timeoutMs: PROOF_WAIT_MS,
    signal,
  });
  if (firstByte === undefined) return undefined;
  const times = [];
  for (let sent = 0; sent < ECHOES; sent += 1) {
    const time = await timeOf(near.datagrams, far.datagrams, { timeoutMs: ECHO_WAIT_MS, signal });
    if (time !== undefined) times.push(time);
  }
  return {
    firstByte,
    roundTripMs: median(times),
    echoes: { sent: ECHOES, received: times.length },
  };
}

/** @param {Target & { server: RTCIceServer }} target @param {{ timeoutMs: number, signal: AbortSignal }} bounds @returns {Promise<Judged>} */
async function askTurn(target, bounds) {
  /** @type {RelayPath[]} */
  const paths = [];
  try {
    const { path, relay, outcome } = await openRelayPath(target.server, bounds, (one) =>
      paths.push(one),
    );
    if (relay === undefined) return failed(target, path.near);
    const proof = outcome === 'open' ? await prove(path, bounds.signal) : undefined;
    const known = { ...headOf(target), relayedAddress: endpointOf(relay) };
    if (proof === undefined) {
      return {
        measurement: {
          ...known,
          status: 'failed',
          dataPath: 'lost',
          error: {
            code: 'ERR_STUN_TIMEOUT',
            message: outcome === 'no-way' ? NO_WAY : NOTHING_BUT_CHECKS,
            phase: 'peer',
          },
          phases: path.phases,
        },
      };
    }
    const { firstByte, ...numbers } = proof;
    return {
      measurement: {
        ...known,
        status: 'ok',
        dataPath: 'proven',
        ...numbers,
        phases: { ...path.phases, firstByte },
      },
    };
  } finally {
    for (const path of paths) path.close();
  }
}

/** @param {Target} target @param {{ timeoutMs: number, signal: AbortSignal }} bounds @returns {Promise<Judged>} */
async function ask(target, bounds) {
  const head = headOf(target);
  if (target.server === undefined) {
    const because = target.because ?? 'browsers take no such URL';
    return { measurement: { ...head, status: 'skipped', because } };
  }
  const start = performance.now();
  const full = { ...target, server: target.server };
  try {
    const judged = await (head.service === 'stun' ? askStun(full, bounds) : askTurn(full, bounds));
    const elapsedMs = performance.now() - start;
    return { ...judged, measurement: { ...judged.measurement, elapsedMs } };
  } catch (error) {
    bounds.signal.throwIfAborted();
    if (!(error instanceof PosternError) || error.code !== 'ERR_WEBRTC_UNAVAILABLE') throw error;
    const { message, cause } = /** @type {PosternError} */ (error);
    const because = cause === undefined ? message : `the browser does not take it (${cause})`;
    return {
      measurement: { ...head, status: cause === undefined ? 'unknown' : 'skipped', because },
    };
  }
}

/** @template T @param {Promise<T>} promise */
const settled = async (promise) => (await Promise.allSettled([promise]))[0];

/**
 * Tries each server that is reached without a WebSocket.
 *
 * @param {readonly Target[]} targets
 * @param {{ timeoutMs: number, signal: AbortSignal }} bounds of each until it has answered
 * @param {(measurement: ReachabilityMeasurement) => void} report is given each when it is finished
 * @returns {Promise<void>}
 * @throws `signal.reason`
 */
export async function measureReachability(targets, bounds, report) {
  /** @type {Judged[]} */
  const open = [];
  const found = new Set();
  const notFound = new Set();
  const judge = (/** @type {Judged} */ judged) => {
    const { measurement, ifFound } = judged;
    if (isNameFound(measurement)) found.add(measurement.host);
    if (measurement.error?.code === NAME_NOT_FOUND.code) notFound.add(measurement.host);
    if (ifFound === undefined) report(measurement);
    else open.push(judged);
  };
  /** @type {Target[]} */
  const again = [];
  // Where one fails, such as by an abort, the others close what they have opened before this ends.
  const ends = await mapBounded(targets, AT_ONCE, async (target) => {
    const judged = await settled(ask(target, bounds));
    if (judged.status === 'rejected') return judged;
    const { measurement } = judged.value;
    if (measurement.error?.errorCode === QUOTA && targets.length > 1) again.push(target);
    else judge(judged.value);
    return judged;
  });
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  // The quota may have been used up by the others, which were asked at the same time.
  for (const target of again) judge(await ask(target, bounds));
  // What one of them leaves open, the others of the same name may tell.
  for (const { measurement, ifFound } of open) {
    const { host } = measurement;
    const known = notFound.has(host) ? { ...NAME_NOT_FOUND } : found.has(host) && ifFound;
    if (!known) report(measurement);
    else report({ ...measurement, status: 'failed', because: undefined, error: known });
  }
}

/**
 * Whether the name of the server is found: it answered, whatever it said; or the browser waited in vain over UDP, where it
 * gives up at once when there is no address.
 *
 * @param {ReachabilityMeasurement} measurement
 */
const isNameFound = ({ status, error, transport }) =>
  status === 'ok' ||
  error?.errorCode !== undefined ||
  (transport === 'udp' && error?.code === 'ERR_STUN_TIMEOUT');
