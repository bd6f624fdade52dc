// Whether servers are reached: each URL over each transport, each family of addresses, and the proxy, judged by itself.
import { familyOf } from '../address.js';
import { CONCURRENCY, checkIceServers } from '../check/check-ice-servers.js';
import { mapBounded } from '../check/map-bounded.js';
import { planRows } from '../check/plan-rows.js';
import { failureOf } from '../check/row-failure.js';
import { measurementsOfRows } from '../report/measurements/from-check-rows.js';
import { shownProxy } from './options.js';
import { webSocketThrough } from './web-socket-through.js';

/** @typedef {import('../address.js').AddressFamily} AddressFamily */
/** @typedef {import('../check/check-ice-servers.js').CheckRow} CheckRow */
/** @typedef {import('../check/plan-rows.js').PlannedRow} PlannedRow */
/** @typedef {import('../report/measurements/types.js').ReachabilityMeasurement} ReachabilityMeasurement */
/** @typedef {import('./options.js').MeasureOptions} MeasureOptions */

/**
 * One server over one transport, and what of it is tried.
 *
 * @typedef {object} Target
 * @property {PlannedRow} row
 * @property {readonly (AddressFamily | undefined)[]} families undefined: as it comes
 * @property {boolean} isProxied through the proxy
 */

/** What a proxy takes. @type {readonly string[]} */
const STREAMS = ['tcp', 'tls', 'ws'];
const VERSIONS = /** @type {const} */ ({ IPv4: 4, IPv6: 6 });
/** That a name has no address of a family, in the words of node:dns. */
const NOT_THERE = new Set(['ENOTFOUND', 'ENODATA']);

/**
 * @param {PlannedRow} row
 * @param {readonly AddressFamily[]} families
 * @returns {readonly (AddressFamily | undefined)[]} none where the URL has an address of a family that is not wanted
 */
function familiesOf({ server, error }, families) {
  const literal = familyOf(server?.uri.host ?? '');
  if (literal !== undefined) return families.includes(literal) ? [literal] : [];
  return server === undefined || error !== undefined ? [undefined] : families;
}

/**
 * @param {import('../ice-server.js').ServerInput} iceServers
 * @param {{ families: readonly AddressFamily[], proxy?: string }} plan
 * @returns {Target[]}
 * @throws {TypeError} ERR_INVALID_ARGUMENT with the exact path, such as 'plan.iceServers[0].credential'
 */
export function reachabilityTargets(iceServers, { families, proxy }) {
  return planRows(iceServers, undefined, 'plan.iceServers').flatMap((row) => {
    const direct = { row, families: familiesOf(row, families), isProxied: false };
    const isProxied = proxy !== undefined && row.server && STREAMS.includes(row.transport);
    const targets = isProxied ? [direct, { row, families: [undefined], isProxied }] : [direct];
    return targets.filter((target) => target.families.length > 0);
  });
}

/**
 * @param {PlannedRow} row
 * @param {AddressFamily | undefined} family
 * @param {string | undefined} proxy
 * @param {MeasureOptions} options
 * @returns {Promise<CheckRow>}
 */
async function check({ url, transport, server, error }, family, proxy, options) {
  if (server === undefined || error !== undefined) {
    return { url, transport, ok: false, ...failureOf(error), phases: {} };
  }
  const { uri, username, credential } = server;
  const { signal, tls, proxyTls, resolver, timeoutMs } = options;
  const version = family && VERSIONS[family];
  /** @type {Partial<CheckRow>} */
  const told = {};
  const WebSocket = webSocketThrough(options, { proxy, family: version }, told);
  const [row] = await checkIceServers(
    { urls: uri.url ?? url, username, credential },
    {
      signal,
      tls,
      proxyTls,
      resolver,
      timeoutMs,
      transport: /** @type {'udp' | 'tcp' | 'tls' | 'ws'} */ (transport),
      family: transport === 'ws' ? undefined : version,
      proxy,
      WebSocket,
    },
  );
  const { phases, ...others } = told;
  return { ...row, ...others, phases: { ...row.phases, ...phases } };
}

/** @param {ReachabilityMeasurement} measurement */
const hasNoAddress = ({ status, error }) =>
  status === 'failed' && error?.code === 'ERR_DNS' && NOT_THERE.has(error.systemCode ?? '');

/**
 * A name that has addresses of one family is no failure of the other: that one was not tried. One that has none at all is
 * one failure, not two.
 *
 * @param {ReachabilityMeasurement[]} measurements of the families of one target
 */
function withoutAbsentFamilies(measurements) {
  const absent = measurements.filter(hasNoAddress);
  if (absent.length < measurements.length) {
    return measurements.map((one) => {
      if (!hasNoAddress(one)) return one;
      const { error: _, ...others } = one;
      const because = `'${one.host}' has no ${one.family} address.`;
      return { ...others, status: /** @type {const} */ ('skipped'), because };
    });
  }
  return absent.slice(0, 1);
}

/**
 * Tries each server, with real data through relays; see checkIceServers().
 *
 * @param {readonly Target[]} targets of reachabilityTargets()
 * @param {MeasureOptions & { proxy?: string }} options
 * @param {(measurement: ReachabilityMeasurement, target: Target) => void} report is given each when it is finished
 * @returns {Promise<void>}
 * @throws `signal.reason`
 */
export async function measureReachability(targets, options, report) {
  await mapBounded(targets, CONCURRENCY, async (target) => {
    const { row, families, isProxied } = target;
    const proxy = isProxied ? options.proxy : undefined;
    const found = await Promise.all(
      families.map(async (family) => {
        const start = performance.now();
        const [measurement] = measurementsOfRows([await check(row, family, proxy, options)], {
          family,
          proxy: shownProxy(proxy),
          username: row.server?.username,
        });
        return { ...measurement, elapsedMs: performance.now() - start };
      }),
    );
    for (const measurement of withoutAbsentFamilies(found)) report(measurement, target);
  });
}
