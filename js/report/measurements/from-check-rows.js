// Rows of checkIceServers() as measurements.
import { familyOf } from '../../address.js';
import { argumentError } from '../../errors.js';
import { DEFAULT_PORT, DEFAULT_TLS_PORT, parseUri } from '../../uri.js';
import { measurementId } from './ids.js';

/** @typedef {import('../../check/check-ice-servers.js').CheckRow} CheckRow */
/** @typedef {import('./types.js').ReachabilityMeasurement} ReachabilityMeasurement */

/** @template {object} T @param {T} object @returns {T} without what is undefined */
const present = (object) =>
  /** @type {T} */ (
    Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined))
  );

/** @param {import('../../codec/values.js').TransportAddress | undefined} from */
const endpointOf = (from) =>
  from === undefined || from.address === ''
    ? undefined
    : { address: from.address, port: from.port };

/** @param {string} url as rows show it @returns {import('../../uri.js').ServerUri | undefined} */
function readUrl(url) {
  try {
    return parseUri(url);
  } catch {
    return undefined;
  }
}

/** @param {CheckRow} row @param {boolean} isReadable */
function statusOf({ ok, code }, isReadable) {
  if (ok) return 'ok';
  // Nothing was sent: neither the server nor the network had a part in it.
  return isReadable && code !== 'ERR_TRANSPORT_UNSUPPORTED' ? 'failed' : 'skipped';
}

/** @param {CheckRow} row @param {ReachabilityMeasurement['status']} status @returns {Partial<ReachabilityMeasurement>} */
function failureOf({ code, message, errorCode, systemCode, phase, hint }, status) {
  if (status === 'ok' || code === undefined) return {};
  const error = present({ code, message: message ?? '', errorCode, systemCode, phase, hint });
  return status === 'skipped' ? { because: error.message, error } : { error };
}

/**
 * @param {CheckRow} row
 * @param {{ whose: ReachabilityMeasurement['whose'], family?: 'IPv4' | 'IPv6', proxy?: string, username?: string }} context
 * @returns {ReachabilityMeasurement}
 */
function measurementOf(row, { whose, family, proxy, username }) {
  const uri = readUrl(row.url);
  const secure = uri?.secure ?? false;
  const transport = row.transport === 'ws' && secure ? 'wss' : row.transport;
  const status = statusOf(row, uri !== undefined && row.transport !== '');
  const port = uri?.port ?? (secure ? DEFAULT_TLS_PORT : DEFAULT_PORT);
  const host = uri?.host ?? '';
  const [attempt] = row.attempts ?? [];
  // A WebSocket does not tell the address, but the name.
  const isAddress = familyOf(attempt?.address ?? '') !== undefined;
  const tried = isAddress ? { address: attempt.address, port: attempt.port } : undefined;
  return present({
    id: measurementId(
      'reachability',
      row.url,
      transport || undefined,
      family,
      proxy === undefined ? undefined : 'proxy',
    ),
    kind: /** @type {const} */ ('reachability'),
    whose,
    status,
    ...failureOf(row, status),
    url: row.url,
    service: /** @type {'stun' | 'turn'} */ (uri?.scheme.startsWith('stun') ? 'stun' : 'turn'),
    transport: /** @type {ReachabilityMeasurement['transport']} */ (transport || 'udp'),
    host,
    port,
    family,
    proxy,
    username,
    serverAddress: endpointOf(row.serverAddress) ?? tried,
    localAddress: endpointOf(row.localAddress),
    mappedAddress: endpointOf(row.mappedAddress),
    relayedAddress: endpointOf(row.relayedAddress),
    software: row.software,
    dataPath: row.dataPath,
    roundTripMs: row.roundTripMs,
    echoes: row.echoes,
    phases: /** @type {Record<string, number>} */ (present(row.phases)),
  });
}

/**
 * One measurement for each row of checkIceServers(). Two rows of the same URL and transport get ids of their own.
 *
 * @param {readonly CheckRow[]} rows
 * @param {{ whose?: ReachabilityMeasurement['whose'], family?: 'IPv4' | 'IPv6', proxy?: string, username?: string }}
 *   [context] what the check was asked for: `whose` is 'client' where rows are of the user's machine (the default)
 * @returns {ReachabilityMeasurement[]}
 * @throws {TypeError} ERR_INVALID_ARGUMENT
 */
export function measurementsOfRows(rows, { whose = 'client', ...context } = {}) {
  if (!Array.isArray(rows)) throw argumentError('rows', 'an array of rows of checkIceServers()');
  /** @type {Map<string, number>} */
  const seen = new Map();
  return rows.map((row) => {
    const measurement = measurementOf(row, { whose, ...context });
    const count = (seen.get(measurement.id) ?? 0) + 1;
    seen.set(measurement.id, count);
    return count === 1 ? measurement : { ...measurement, id: `${measurement.id}/${count}` };
  });
}
