// Whether web servers are reached.
import { shownUrl } from '../measure/options.js';
import { measurementId } from '../report/measurements/ids.js';
import { FORBIDDEN, mixedContent, underPolicy } from './page-policy.js';

/** @typedef {import('../report/measurements/types.js').HttpsMeasurement} HttpsMeasurement */

/** What no answer of a server means; browsers tell no more. */
const UNREACHED = Object.freeze({
  code: 'ERR_TRANSPORT_CONNECT',
  message:
    'The server was not reached. Browsers do not tell pages whether it is its name, its certificate or the way there.',
});
const TIMEOUT = Object.freeze({
  code: 'ERR_TRANSPORT_CONNECT',
  message: 'No answer came in time.',
});

/**
 * @param {string} url
 * @param {RequestMode} mode 'no-cors': whoever answers, the page does not see what
 * @param {AbortSignal} signal
 * @returns {Promise<{ httpStatus?: number, roundTripMs: number } | undefined>}
 */
async function request(url, mode, signal) {
  const enough = new AbortController();
  const start = performance.now();
  try {
    const { type, status } = await fetch(url, {
      mode,
      signal: AbortSignal.any([signal, enough.signal]),
      cache: 'no-store',
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
    });
    const roundTripMs = performance.now() - start;
    return type === 'opaque' ? { roundTripMs } : { httpStatus: status, roundTripMs };
  } catch {
    return undefined;
  } finally {
    // Only whether something answers is of interest, not what.
    enough.abort();
  }
}

/**
 * Asks for a page. Where the server shares no answer with this origin, a second request tells whether there was one.
 *
 * @param {string} url https: or http:
 * @param {{ timeoutMs: number, signal: AbortSignal }} bounds
 * @returns {Promise<HttpsMeasurement>}
 * @throws `signal.reason`
 */
export async function measureHttps(url, { timeoutMs, signal }) {
  const shown = shownUrl(url);
  /** @type {Pick<HttpsMeasurement, 'id' | 'kind' | 'whose' | 'url'>} */
  const head = { id: measurementId('https', shown), kind: 'https', whose: 'client', url: shown };
  const because = mixedContent(url);
  if (because !== undefined) return { ...head, status: 'skipped', because };
  const late = AbortSignal.timeout(timeoutMs);
  const either = AbortSignal.any([signal, late]);
  const start = performance.now();
  const { result, isForbidden } = await underPolicy(
    url,
    async () => (await request(url, 'cors', either)) ?? request(url, 'no-cors', either),
    (answer) => answer === undefined,
  );
  signal.throwIfAborted();
  const elapsedMs = performance.now() - start;
  if (result !== undefined) return { ...head, status: 'ok', ...result, elapsedMs };
  if (isForbidden) return { ...head, status: 'skipped', because: FORBIDDEN };
  return { ...head, status: 'failed', error: late.aborted ? TIMEOUT : UNREACHED, elapsedMs };
}
