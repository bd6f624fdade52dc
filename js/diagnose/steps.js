// The steps of a network test in a page, by what its plan names.
import { isGateway, measureGateway } from './gateway.js';
import { measureHttps } from './https.js';
import { measureReachability } from './reachability.js';
import { measureSignalling } from './signalling.js';
import { targetsOf } from './targets.js';

/** @typedef {import('../network-test/plan.js').CheckedPlan} CheckedPlan */
/** @typedef {import('../network-test/run-steps.js').Step} Step */
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
        await Promise.all(
          [...new Set(urls)].map(async (url) => report(await measure(url, { timeoutMs, signal }))),
        );
      },
    },
  ];
}

/** @param {CheckedPlan} plan @param {StepOptions} options @returns {Step[]} */
function relays({ iceServers }, options) {
  if (iceServers.length === 0) return [];
  const targets = targetsOf(iceServers);
  return [
    {
      id: 'relays',
      title: 'STUN and TURN servers',
      expectedMs: 2000,
      run: async ({ signal, report }) => {
        const bounds = { timeoutMs: options.timeoutMs, signal };
        await Promise.all([
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

/**
 * @param {CheckedPlan} plan
 * @param {StepOptions} options
 * @returns {Step[][]} without those whose input the plan does not have; the steps of a group run at once
 * @throws {TypeError} ERR_INVALID_ARGUMENT, such as of 'plan.iceServers[0].credential'
 */
export function pageSteps(plan, options) {
  const web = [
    ...eachUrl(
      { id: 'https', title: 'Web servers', expectedMs: 500 },
      plan.https,
      measureHttps,
      options,
    ),
    ...eachUrl(
      { id: 'signalling', title: 'Signalling', expectedMs: 500 },
      plan.signalling,
      measureSignalling,
      options,
    ),
  ];
  return [web, relays(plan, options)].filter((group) => group.length > 0);
}
