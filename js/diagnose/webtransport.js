// Whether HTTP/3 gets through, which is UDP: by WebTransport, where the browser has it.
import { median } from '../check/median.js';
import { shownUrl } from '../measure/options.js';
import { measurementId } from '../report/measurements/ids.js';
import { within } from './ice-agent.js';
import { FORBIDDEN, underPolicy } from './page-policy.js';

/** @typedef {import('../report/measurements/types.js').WebTransportMeasurement} WebTransportMeasurement */
/** @typedef {{ timeoutMs: number, signal: AbortSignal }} Bounds */

const ECHOES = 5;
const ECHO_WAIT_MS = 1000;
const PAYLOAD_BYTES = 32;
const ERRORS = Object.freeze({
  refused: {
    code: 'ERR_TRANSPORT_CONNECT',
    message:
      'WebTransport did not connect. Browsers do not tell pages whether it is its name, its certificate, the way there, or ' +
      'the server that refuses it.',
  },
  late: { code: 'ERR_TRANSPORT_CONNECT', message: 'WebTransport did not connect in time.' },
});

/**
 * Sends datagrams and takes the time until the same bytes are back, where the server is one that returns them.
 *
 * @param {WebTransport} transport
 * @param {AbortSignal} signal
 * @returns {Promise<number[]>}
 */
async function echoTimes({ datagrams }, signal) {
  const writer = datagrams.writable.getWriter();
  const reader = datagrams.readable.getReader();
  const times = [];
  for (let i = 0; i < ECHOES; i += 1) {
    const bytes = crypto.getRandomValues(new Uint8Array(PAYLOAD_BYTES));
    const start = performance.now();
    const expected = bytes.join();
    const arrival = (async () => {
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return undefined;
        if (new Uint8Array(value).join() === expected) return performance.now() - start;
      }
    })().catch(() => undefined);
    await writer.write(bytes);
    const time = await within(
      (/** @type {(value: number | undefined) => void} */ resolve) => void arrival.then(resolve),
      { timeoutMs: ECHO_WAIT_MS, signal },
    );
    // What is read for it may come to the next one.
    if (time === undefined) break;
    times.push(time);
  }
  return times;
}

/**
 * @param {string} url https:
 * @param {Bounds} bounds
 * @returns {Promise<WebTransportMeasurement>}
 * @throws `signal.reason`
 */
export async function measureWebTransport(url, bounds) {
  const { signal } = bounds;
  const shown = shownUrl(url);
  /** @type {Pick<WebTransportMeasurement, 'id' | 'kind' | 'whose' | 'url'>} */
  const head = {
    id: measurementId('webtransport', shown),
    kind: 'webtransport',
    whose: 'client',
    url: shown,
  };
  if (typeof WebTransport === 'undefined') {
    return { ...head, status: 'skipped', because: 'this browser has no WebTransport' };
  }
  const start = performance.now();
  /** @type {WebTransport | undefined} */
  let transport;
  try {
    const { result, isForbidden } = await underPolicy(
      url,
      () =>
        within((/** @type {(value: 'open' | 'refused') => void} */ resolve) => {
          try {
            transport = new WebTransport(url);
          } catch {
            resolve('refused');
            return;
          }
          transport.closed.catch(() => {});
          transport.ready.then(
            () => resolve('open'),
            () => resolve('refused'),
          );
        }, bounds),
      (outcome) => outcome !== 'open',
    );
    if (transport === undefined || result !== 'open') {
      if (isForbidden) return { ...head, status: 'skipped', because: FORBIDDEN };
      const elapsedMs = performance.now() - start;
      return {
        ...head,
        status: 'failed',
        error: ERRORS[result === 'refused' ? result : 'late'],
        elapsedMs,
      };
    }
    const connectMs = performance.now() - start;
    const times = await echoTimes(transport, signal).catch(() => []);
    signal.throwIfAborted();
    const roundTripMs = median(times);
    return {
      ...head,
      status: 'ok',
      connectMs,
      // That none came back says nothing of a server that returns none.
      ...(roundTripMs === null ? {} : { datagrams: true, roundTripMs }),
      elapsedMs: performance.now() - start,
    };
  } finally {
    transport?.close();
  }
}
