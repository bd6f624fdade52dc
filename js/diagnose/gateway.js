// TURN over WebSocket: our own client, which is loaded for that only.
import { webSocketUrlOf } from '../uri.js';
import { FORBIDDEN, mixedContent, underPolicy } from './page-policy.js';
import { headOf } from './targets.js';

/** @typedef {import('./targets.js').Target} Target */
/** @typedef {import('../report/measurements/types.js').ReachabilityMeasurement} ReachabilityMeasurement */

/**
 * The client, ready for use.
 *
 * @param {{ wasmUrl?: string | URL, signal: AbortSignal }} options
 */
export async function loadClient({ wasmUrl, signal }) {
  const client = await import('./websocket-client.js');
  await client.init(wasmUrl === undefined ? { signal } : { wasmUrl, signal });
  return client;
}

/**
 * A relay through a WebSocket, with real data. That the WebSocket is reached says something of the user's network; the
 * mapped address that the server tells is that of the gateway.
 *
 * @param {Target} target
 * @param {{ timeoutMs: number, signal: AbortSignal, wasmUrl?: string | URL }} options
 * @returns {Promise<ReachabilityMeasurement>}
 * @throws `signal.reason`
 */
export async function measureGateway(target, { timeoutMs, signal, wasmUrl }) {
  const { row, id } = target;
  const { uri, username, credential } = /** @type {NonNullable<typeof row.server>} */ (row.server);
  const url = webSocketUrlOf(uri).href;
  const head = headOf(target);
  const because = mixedContent(url);
  if (because !== undefined) return { ...head, status: 'skipped', because };
  const start = performance.now();
  let client;
  try {
    client = await loadClient({ wasmUrl, signal });
  } catch (error) {
    signal.throwIfAborted();
    return { ...head, status: 'unknown', because: /** @type {Error} */ (error).message };
  }
  const urls = uri.url ?? row.url;
  const server = username === undefined ? urls : { urls, username, credential };
  const { result: rows, isForbidden } = await underPolicy(
    url,
    () => client.checkIceServers(server, { signal, timeoutMs, transport: 'ws' }),
    ([{ ok }]) => !ok,
  );
  if (isForbidden) return { ...head, status: 'skipped', because: FORBIDDEN };
  const [measurement] = client.measurementsOfRows(rows, { username });
  return { ...measurement, id, elapsedMs: performance.now() - start };
}

/** @param {Target} target */
export const isGateway = ({ row }) => row.transport === 'ws' && row.error === undefined;
