// Whether the WebSocket of an application opens, and how long it takes there and back.
import { median } from '../check/median.js';
import { shownUrl } from '../measure/options.js';
import { measurementId } from '../report/measurements/ids.js';
import { within } from './ice-agent.js';
import { FORBIDDEN, mixedContent, underPolicy } from './page-policy.js';

/** @typedef {import('../report/measurements/types.js').SignallingMeasurement} SignallingMeasurement */
/** @typedef {{ timeoutMs: number, signal: AbortSignal }} Bounds */

/** The sub-protocol of servers that send back what they get. */
export const ECHO_PROTOCOL = 'postern.echo';

const ECHOES = 5;
const ECHO_WAIT_MS = 2000;
const NORMAL_CLOSURE = 1000;
const ERRORS = Object.freeze({
  refused: {
    code: 'ERR_TRANSPORT_CONNECT',
    message:
      'The WebSocket did not open. Browsers do not tell pages whether it is its name, its certificate, the way there, or ' +
      'the server that refuses it.',
  },
  late: { code: 'ERR_TRANSPORT_CONNECT', message: 'The WebSocket did not open in time.' },
});

/**
 * @param {string} url
 * @param {string[]} protocols
 * @param {Bounds} bounds
 * @returns {Promise<WebSocket | 'refused' | 'late'>} open
 */
async function open(url, protocols, bounds) {
  /** @type {WebSocket} */
  let socket;
  try {
    socket = new WebSocket(url, protocols);
  } catch {
    return 'refused';
  }
  try {
    const outcome = await within((/** @type {(value: 'open' | 'refused') => void} */ resolve) => {
      socket.addEventListener('open', () => resolve('open'));
      socket.addEventListener('close', () => resolve('refused'));
    }, bounds);
    if (outcome === 'open') return socket;
    socket.close();
    return outcome ?? 'late';
  } catch (error) {
    socket.close();
    throw error;
  }
}

/** @param {WebSocket} socket @param {AbortSignal} signal @returns {Promise<number | undefined>} the median */
async function roundTrip(socket, signal) {
  const times = [];
  for (let i = 0; i < ECHOES; i += 1) {
    const text = crypto.randomUUID();
    const start = performance.now();
    /** @type {((event: MessageEvent) => void) | undefined} */
    let listener;
    const bounds = { timeoutMs: ECHO_WAIT_MS, signal };
    const time = await within((/** @type {(value: number) => void} */ resolve) => {
      listener = ({ data }) => {
        if (data === text) resolve(performance.now() - start);
      };
      socket.addEventListener('message', listener);
      socket.send(text);
    }, bounds);
    if (listener !== undefined) socket.removeEventListener('message', listener);
    if (time === undefined) break;
    times.push(time);
  }
  return median(times) ?? undefined;
}

/**
 * Opens a WebSocket: with a sub-protocol whose servers send back what they get, and, where the server does not take that,
 * without.
 *
 * @param {string} url ws: or wss:
 * @param {Bounds} bounds of each try
 * @returns {Promise<SignallingMeasurement>}
 * @throws `signal.reason`
 */
export async function measureSignalling(url, bounds) {
  const shown = shownUrl(url);
  /** @type {Pick<SignallingMeasurement, 'id' | 'kind' | 'whose' | 'url'>} */
  const head = {
    id: measurementId('signalling', shown),
    kind: 'signalling',
    whose: 'client',
    url: shown,
  };
  const because = mixedContent(url);
  if (because !== undefined) return { ...head, status: 'skipped', because };
  const start = performance.now();
  let begin = start;
  const { result, isForbidden } = await underPolicy(
    url,
    async () => {
      const first = await open(url, [ECHO_PROTOCOL], bounds);
      if (first !== 'refused') return first;
      begin = performance.now();
      return open(url, [], bounds);
    },
    (socket) => typeof socket === 'string',
  );
  if (typeof result === 'string') {
    if (isForbidden) return { ...head, status: 'skipped', because: FORBIDDEN };
    const elapsedMs = performance.now() - start;
    return { ...head, status: 'failed', error: ERRORS[result], elapsedMs };
  }
  try {
    const connectMs = performance.now() - begin;
    const { protocol } = result;
    const roundTripMs =
      protocol === ECHO_PROTOCOL ? await roundTrip(result, bounds.signal) : undefined;
    const elapsedMs = performance.now() - start;
    return {
      ...head,
      status: 'ok',
      ...(protocol === '' ? {} : { protocol }),
      connectMs,
      ...(roundTripMs === undefined ? {} : { roundTripMs }),
      elapsedMs,
    };
  } finally {
    result.close(NORMAL_CLOSURE);
  }
}
