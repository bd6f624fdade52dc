// "Will these ICE servers work from here?": each URL over each transport, with real data through the relays.
import { requireObject } from '../codec/arguments.js';
import { checkInteger, checkMilliseconds } from '../option-checks.js';
import { checkAllocateOptions } from '../turn/allocate-options.js';
import { checkBinding } from './check-binding.js';
import { checkRelay } from './check-relay.js';
import { hintsFor } from './hints.js';
import { mapBounded } from './map-bounded.js';
import { planRows } from './plan-rows.js';
import { failedRow } from './row-failure.js';

/** @typedef {import('../codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('../errors.js').AttemptReport} AttemptReport */
/** @typedef {import('../ice-server.js').ServerInput} ServerInput */
/** @typedef {import('../turn/allocate-options.js').AllocateOptions} AllocateOptions */
/** @typedef {import('./find-loop.js').DataPath} DataPath */
/** @typedef {import('./plan-rows.js').PlannedRow} PlannedRow */

/**
 * How long each step took, in milliseconds; those that were reached.
 *
 * @typedef {object} CheckPhases
 * @property {number} [dns]
 * @property {number} [connect]
 * @property {number} [proxy]
 * @property {number} [tls]
 * @property {number} [request] of a stun: row: the first Binding transaction
 * @property {number} [challenge] from the first Allocate to the server's challenge
 * @property {number} [allocate]
 * @property {number} [permission]
 * @property {number} [firstByte] from the first data that was sent through the relay to the first that came back
 */

/**
 * What came of one URL over one transport.
 *
 * @typedef {object} CheckRow
 * @property {string} url as it was given; of ws:// and wss:// without the query, which may hold keys
 * @property {string} transport 'udp', 'tcp', 'tls' or 'ws'; empty where the URL could not be read
 * @property {boolean} ok stun: the server told the mapped address. turn: it made a relay, and where it lets data be
 *   sent in a circle, that came back
 * @property {string} [code] why it is not ok: a code of docs/errors.md
 * @property {number} [errorCode] STUN error code of the server's answer
 * @property {string} [message]
 * @property {string} [hint] what it means, or what to do, in plain words
 * @property {string} [phase] that failed
 * @property {string} [systemCode] of node:tls or the system, such as 'CERT_HAS_EXPIRED'
 * @property {number} [offset] in a URL that could not be read
 * @property {AttemptReport[]} [attempts] addresses that were tried in vain
 * @property {TransportAddress} [serverAddress]
 * @property {TransportAddress} [localAddress]
 * @property {TransportAddress} [mappedAddress]
 * @property {TransportAddress} [relayedAddress]
 * @property {string} [software] what the server calls itself
 * @property {DataPath} [dataPath] of a relay: 'proven': data came back. 'refused': the server gives no permission for
 *   its own addresses. 'lost': it gave it, and nothing came back
 * @property {'self' | 'second-relay'} [via] who sent the data back
 * @property {number | null} [roundTripMs] the median of several: of Binding transactions, or of data through the relay
 *   and back. Lost and ambiguous ones are left out (Karn's rule); null where none is left
 * @property {{ sent: number, received: number }} [echoes] what the median is of
 * @property {CheckPhases} phases
 */

/** @typedef {Omit<CheckRow, 'url' | 'transport'>} RowResult */

/**
 * Those of allocate(), for each row, and
 *
 * @typedef {Omit<AllocateOptions, 'relayTransport' | 'strategy' | 'evenPort' | 'reservationToken'> & {
 *   timeoutMs?: number, echoes?: number, concurrency?: number }} CheckOptions
 *   `timeoutMs`: of each row, default 10,000. `echoes`: round trips to measure, 1 to 100, default 5. `concurrency`: rows
 *   under way at once, default 8. `transport`: only rows of this one
 */

/** Ours: a server that needs longer is of no use to a call. */
export const ROW_TIMEOUT_MS = 10_000;
const ECHOES = 5;
const MAX_ECHOES = 100;
/** Ours: a firewall may take many connections at once for an attack. */
export const CONCURRENCY = 8;
const MAX_CONCURRENCY = 256;

/**
 * @param {PlannedRow} row
 * @param {AllocateOptions & { timeoutMs: number }} options
 * @param {number} echoes
 * @returns {Promise<RowResult>}
 */
async function checkRow({ server, transport, error }, options, echoes) {
  try {
    if (server === undefined || error !== undefined) throw error;
    const wanted = typeof options.transport === 'function' ? options.transport : transport;
    const own = { ...options, transport: /** @type {AllocateOptions['transport']} */ (wanted) };
    const isStun = server.uri.scheme === 'stun' || server.uri.scheme === 'stuns';
    if (!isStun) return await checkRelay(server, own, echoes);
    // Credentials are for the relays: a Binding needs none.
    const { credentials: _, ...binding } = own;
    return await checkBinding({ url: server.url, uri: server.uri }, binding, echoes);
  } catch (failure) {
    options.signal?.throwIfAborted();
    return failedRow(failure);
  }
}

/** @param {PlannedRow} planned @param {RowResult} result @returns {import('./hints.js').RowFacts} */
function factsOf({ server, transport }, result) {
  const { host = '', scheme = '' } = server?.uri ?? {};
  const { ok, code, errorCode, systemCode, hint, dataPath, echoes } = result;
  const kind = scheme.startsWith('stun') ? 'stun' : 'turn';
  const { username } = server ?? {};
  return {
    host,
    kind,
    transport,
    ok,
    username,
    code,
    errorCode,
    systemCode,
    hint,
    dataPath,
    echoes,
  };
}

/**
 * Checks ICE servers as a WebRTC application is given them, each URL by itself: a `stun:` URL is asked for the mapped
 * address; of a `turn:` URL, which without a transport makes a row for UDP and one for TCP, a relay is allocated, and
 * random data sent through it to itself and back. Where the server does not let a relay reach itself (403), a second
 * relay of the same server takes its place.
 *
 * What is wrong with a server, or with a URL, ends in its row. Relays are given back.
 *
 * @param {ServerInput} iceServers RTCIceServer objects or URIs
 * @param {CheckOptions} [options] `signal` ends all
 * @returns {Promise<CheckRow[]>} in the order of the URLs
 * @throws {TypeError} ERR_INVALID_ARGUMENT with the exact path; or `signal.reason`
 */
export async function checkIceServers(iceServers, options = {}) {
  const {
    timeoutMs = ROW_TIMEOUT_MS,
    echoes = ECHOES,
    concurrency = CONCURRENCY,
    ...others
  } = requireObject(options, 'options');
  checkAllocateOptions(others);
  checkMilliseconds(timeoutMs, 'options.timeoutMs');
  checkInteger(echoes, 'options.echoes', 1, MAX_ECHOES);
  checkInteger(concurrency, 'options.concurrency', 1, MAX_CONCURRENCY);
  others.signal?.throwIfAborted();
  const { transport } = others;
  const rows = planRows(iceServers, transport);
  const results = await mapBounded(rows, concurrency, (row) =>
    checkRow(row, { ...others, timeoutMs }, echoes),
  );
  const facts = rows.map((row, i) => factsOf(row, results[i]));
  const hints = hintsFor(facts, Date.now());
  return rows.map(({ url, transport: name }, i) => {
    const { hint: _, ...result } = results[i];
    const hint = hints[i];
    return { url, transport: name, ...result, ...(hint === undefined ? {} : { hint }) };
  });
}
