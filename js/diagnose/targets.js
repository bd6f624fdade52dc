// What of a plan's servers is tried: each URL over each transport, as browsers take it.
import { familyOf } from '../address.js';
import { planRows } from '../check/plan-rows.js';
import { measurementId } from '../report/measurements/ids.js';
import { formatUri, portOf } from '../uri.js';

/** @typedef {import('../check/plan-rows.js').PlannedRow} PlannedRow */
/** @typedef {import('../report/measurements/types.js').ReachabilityMeasurement} ReachabilityMeasurement */

/**
 * One URL over one transport.
 *
 * @typedef {object} Target
 * @property {PlannedRow} row
 * @property {string} id of its measurement
 * @property {RTCIceServer | undefined} server as the browser takes it; undefined: it cannot
 * @property {string} [because] it cannot
 */

/** @param {PlannedRow} row @returns {string} as reports call it; empty where the URL could not be read */
const transportOf = ({ transport, server }) =>
  transport === 'ws' && server?.uri.secure ? 'wss' : transport;

/** @param {PlannedRow} row @returns {{ server?: RTCIceServer, because?: string }} */
function asBrowsersTakeIt({ server, transport, error }) {
  if (server === undefined || error !== undefined) return { because: error?.message };
  const { uri, username, credential } = server;
  if (transport === 'ws') return {};
  if (uri.scheme === 'stuns') {
    return { because: 'browsers ask STUN servers over UDP, and not over TLS' };
  }
  if (uri.scheme === 'stun') return { server: { urls: formatUri(uri) } };
  if (username === undefined) {
    return { because: 'browsers take turn: URLs with a user name and a password only' };
  }
  const urls = formatUri({ ...uri, transport: transport === 'udp' ? 'udp' : 'tcp' });
  return { server: { urls, username, credential } };
}

/**
 * @param {readonly import('../ice-server.js').IceServer[]} iceServers
 * @returns {Target[]} those over WebSocket too, which have no `server`
 * @throws {TypeError} ERR_INVALID_ARGUMENT with the exact path, such as 'plan.iceServers[0].credential'
 */
export function targetsOf(iceServers) {
  /** @type {Map<string, number>} */
  const seen = new Map();
  return planRows(iceServers, undefined, 'plan.iceServers').map((row) => {
    const id = measurementId('reachability', row.url, transportOf(row) || undefined);
    // The same URL may be there twice, with other credentials.
    const count = (seen.get(id) ?? 0) + 1;
    seen.set(id, count);
    const { server, because } = asBrowsersTakeIt(row);
    return { row, id: count === 1 ? id : `${id}/${count}`, server, because };
  });
}

/** @param {Target} target @returns {Pick<ReachabilityMeasurement, 'id' | 'kind' | 'whose' | 'url' | 'service' | 'transport' | 'host' | 'port' | 'family' | 'username'>} */
export function headOf({ row, id }) {
  const { uri, username } = row.server ?? {};
  const family = familyOf(uri?.host ?? '');
  return {
    id,
    kind: 'reachability',
    whose: 'client',
    url: row.url,
    service: uri?.scheme.startsWith('stun') ? 'stun' : 'turn',
    transport: /** @type {ReachabilityMeasurement['transport']} */ (transportOf(row) || 'udp'),
    host: uri?.host ?? '',
    port: uri === undefined ? 0 : portOf(uri),
    ...(family === undefined ? {} : { family }),
    ...(username === undefined ? {} : { username }),
  };
}
