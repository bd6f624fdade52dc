// The steps of a network test in a page, by what its plan names.
import { PosternError } from '../errors.js';
import { all } from './all.js';
import { isGateway, measureGateway } from './gateway.js';
import { measureHttps } from './https.js';
import { diagnoseNat } from './nat.js';
import { measureNatByIce } from './nat-by-ice.js';
import { natMeasurement, natUnknown, portMapMeasurement } from './nat-measurements.js';
import { measurePath } from './path.js';
import { measureTransport, nameOf } from './quality.js';
import { measureReachability } from './reachability.js';
import { measureSignalling } from './signalling.js';
import { headOf, targetsOf } from './targets.js';
import { measureWebTransport } from './webtransport.js';

/** @typedef {import('../network-test/plan.js').CheckedPlan} CheckedPlan */
/** @typedef {import('../network-test/run-steps.js').Step} Step */
/** @typedef {import('./targets.js').Target} Target */
/** @typedef {{ timeoutMs: number, wasmUrl?: string | URL }} StepOptions */

/**
 * A step that asks several URLs at once.
 *
 * @param {Pick<Step, 'id' | 'title' | 'expectedMs'>} info
 * @param {readonly string[]} urls
 * @param {(url: string, bounds: { timeoutMs: number, signal: AbortSignal }) => Promise<import('../report/index.js').Measurement>}
 *   measure
 * @param {StepOptions} options
 * @returns {Step[]}
 */
function eachUrl(info, urls, measure, { timeoutMs }) {
  if (urls.length === 0) return [];
  return [
    {
      ...info,
      run: async ({ signal, report }) => {
        await all(
          [...new Set(urls)].map(async (url) => report(await measure(url, { timeoutMs, signal }))),
        );
      },
    },
  ];
}

/** @param {readonly Target[]} targets @param {StepOptions} options @returns {Step[]} */
function relays(targets, options) {
  if (targets.length === 0) return [];
  return [
    {
      id: 'relays',
      title: 'STUN and TURN servers',
      expectedMs: 2000,
      run: async ({ signal, report }) => {
        const bounds = { timeoutMs: options.timeoutMs, signal };
        await all([
          measureReachability(
            targets.filter((one) => !isGateway(one)),
            bounds,
            report,
          ),
          ...targets
            .filter(isGateway)
            .map(async (one) => report(await measureGateway(one, { ...options, signal }))),
        ]);
      },
    },
  ];
}

/** @param {readonly Target[]} targets @returns {Step[]} */
function path(targets) {
  if (targets.length === 0) return [];
  return [
    {
      id: 'path',
      title: 'The way that the browser would choose',
      expectedMs: 1000,
      run: async ({ signal, report }) => report(await measurePath(targets, { signal })),
    },
  ];
}

/**
 * @param {string} url of the mirror
 * @param {CheckedPlan} plan
 * @param {StepOptions} options
 * @param {import('../network-test/run-steps.js').StepContext} context
 */
async function askMirror(url, { families, lifetimeSeconds }, { timeoutMs }, { signal, report }) {
  const start = performance.now();
  const family = families.length === 1 ? families[0] : undefined;
  try {
    const diagnosis = await diagnoseNat({ url, family, lifetimeSeconds, timeoutMs, signal });
    const elapsedMs = performance.now() - start;
    report({ ...natMeasurement(diagnosis, url), elapsedMs });
    const ports = portMapMeasurement(diagnosis, url);
    if (ports !== undefined) report(ports);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof PosternError)) throw error;
    report(natUnknown(url, error));
  }
}

/** @param {CheckedPlan} plan @param {StepOptions} options @returns {Step[]} */
function nat(plan, options) {
  const { mirror, iceServers, natServer } = plan;
  const info = { id: 'nat', title: 'The NAT', expectedMs: 5000 };
  if (mirror !== undefined) {
    return [{ ...info, run: (context) => askMirror(mirror, plan, options, context) }];
  }
  if (iceServers.length === 0 || natServer === false) return [];
  return [
    {
      ...info,
      expectedMs: 1000,
      run: async ({ signal, measured, report }) =>
        report(await measureNatByIce(measured, { timeoutMs: options.timeoutMs, signal })),
    },
  ];
}

const MS_PER_S = 1000;
/** Of the making of relays. */
const SET_UP_MS = 1000;

/**
 * One for each transport: each alone on the network.
 *
 * @param {CheckedPlan} plan
 * @param {readonly Target[]} targets
 * @param {StepOptions} options
 * @returns {Step[]}
 */
function qualities({ quality }, targets, options) {
  if (quality === false) return [];
  const turn = targets.filter(({ row }) => row.server?.uri.scheme.startsWith('turn'));
  const expectedMs = (quality.seconds + quality.throughputSeconds) * MS_PER_S + SET_UP_MS;
  return /** @type {const} */ (['udp', 'tcp', 'tls', 'ws', 'wss']).flatMap((transport) => {
    const own = turn.filter((target) => headOf(target).transport === transport);
    if (own.length === 0) return [];
    return [
      {
        id: `quality/${transport}`,
        title: `Quality over ${nameOf(transport)}`,
        expectedMs,
        /** @param {import('../network-test/run-steps.js').StepContext} context */
        run: async (context) =>
          context.report(await measureTransport(own, transport, { ...options, quality }, context)),
      },
    ];
  });
}

/**
 * @param {CheckedPlan} plan
 * @param {StepOptions} options
 * @returns {Step[][]} without those whose input the plan does not have; the steps of a group run at once
 * @throws {TypeError} ERR_INVALID_ARGUMENT, such as of 'plan.iceServers[0].credential'
 */
export function pageSteps(plan, options) {
  const web = [
    ...eachUrl({ id: 'https', title: 'HTTPS', expectedMs: 500 }, plan.https, measureHttps, options),
    ...eachUrl(
      { id: 'signalling', title: 'Signalling', expectedMs: 500 },
      plan.signalling,
      measureSignalling,
      options,
    ),
    ...eachUrl(
      { id: 'webtransport', title: 'WebTransport', expectedMs: 500 },
      plan.webTransport,
      measureWebTransport,
      options,
    ),
  ];
  const targets = plan.iceServers.length === 0 ? [] : targetsOf(plan.iceServers);
  return [
    web,
    relays(targets, options),
    // Afterwards, as its relays count for a quota, too.
    [...path(targets), ...nat(plan, options)],
    ...qualities(plan, targets, options).map((step) => [step]),
  ].filter((group) => group.length > 0);
}
