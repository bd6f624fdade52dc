// The steps of a network test in Node.js, by what its plan names.
import { measureReachability, reachabilityTargets } from '../../measure/reachability.js';

/** @typedef {import('../plan.js').CheckedPlan} CheckedPlan */
/** @typedef {import('../run-steps.js').Step} Step */
/** @typedef {Omit<import('../../measure/options.js').MeasureOptions, 'signal'>} StepOptions */

/** @param {CheckedPlan} plan @param {StepOptions} options @returns {Step[]} */
function relays(plan, options) {
  const { iceServers, families, proxy } = plan;
  if (iceServers.length === 0) return [];
  const targets = reachabilityTargets(iceServers, { families, proxy });
  return [
    {
      id: 'relays',
      title: 'STUN and TURN servers',
      expectedMs: 2000,
      run: ({ signal, report }) =>
        measureReachability(targets, { ...options, signal, proxy }, report),
    },
  ];
}

/**
 * @param {CheckedPlan} plan
 * @param {StepOptions} options
 * @returns {Step[][]} without those whose input the plan does not have; the steps of a group run at once
 * @throws {TypeError} ERR_INVALID_ARGUMENT, such as of 'plan.iceServers[0].credential'
 */
export function nodeSteps(plan, options) {
  return [relays(plan, options)].filter((group) => group.length > 0);
}
