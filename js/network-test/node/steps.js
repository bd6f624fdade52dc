// The steps of a network test in Node.js, by what its plan names.
import { measureCertificate } from '../../measure/certificate.js';
import { measureName, measureNat64 } from '../../measure/dns.js';
import { measureHttps } from '../../measure/https.js';
import { measureReachability, reachabilityTargets } from '../../measure/reachability.js';
import { measureSignalling } from '../../measure/signalling.js';
import { natStep } from './nat-step.js';
import { qualitySteps } from './quality-steps.js';
import { reflectorSteps } from './reflector-steps.js';
import { certificatesOf, isLocal, namesOf } from './targets.js';

/** @typedef {import('../../report/index.js').Measurement} Measurement */
/** @typedef {import('../plan.js').CheckedPlan} CheckedPlan */
/** @typedef {import('../run-steps.js').Step} Step */
/** @typedef {Omit<import('../../measure/options.js').MeasureOptions, 'signal'>} StepOptions */

/** @param {CheckedPlan} plan @param {StepOptions} options @returns {Step[]} */
function names(plan, options) {
  const targets = namesOf(plan);
  if (targets.length === 0) return [];
  const asksNat64 = plan.families.includes('IPv6') && targets.some(({ name }) => !isLocal(name));
  return [
    {
      id: 'names',
      title: 'Names',
      expectedMs: 500,
      run: async ({ signal, report }) => {
        const own = { ...options, signal };
        await Promise.all([
          ...targets.map(async (target) => report(await measureName(target, own))),
          asksNat64 &&
            measureNat64(own).then((found) => {
              if (found !== undefined) report(found);
            }),
        ]);
      },
    },
  ];
}

/**
 * A step of one measurement for each URL, and for each through the proxy.
 *
 * @param {Omit<Step, 'run'>} info
 * @param {readonly string[]} urls
 * @param {CheckedPlan} plan
 * @param {(url: string, signal: AbortSignal, proxy?: string) => Promise<Measurement>} measure
 * @returns {Step[]}
 */
function urlStep(info, urls, { proxy }, measure) {
  if (urls.length === 0) return [];
  const ways = proxy === undefined ? [undefined] : [undefined, proxy];
  return [
    {
      ...info,
      run: async ({ signal, report }) => {
        await Promise.all(
          urls.flatMap((url) => ways.map(async (way) => report(await measure(url, signal, way)))),
        );
      },
    },
  ];
}

/** @param {CheckedPlan} plan @param {StepOptions} options @returns {Step[]} */
const https = (plan, options) =>
  urlStep(
    { id: 'https', title: 'HTTPS', expectedMs: 500 },
    plan.https,
    plan,
    (url, signal, proxy) => measureHttps(url, { ...options, signal }, proxy),
  );

/** @param {CheckedPlan} plan @param {StepOptions} options @returns {Step[]} */
const signalling = (plan, options) =>
  urlStep(
    { id: 'signalling', title: 'Signalling', expectedMs: 500 },
    plan.signalling,
    plan,
    (url, signal, proxy) => measureSignalling(url, { ...options, signal }, proxy),
  );

/** @param {CheckedPlan} plan @param {StepOptions} options @returns {Step[]} */
function certificates(plan, options) {
  const targets = certificatesOf(plan);
  if (targets.length === 0) return [];
  return [
    {
      id: 'certificates',
      title: 'Certificates',
      expectedMs: 500,
      run: async ({ signal, report }) => {
        const own = { ...options, signal };
        await Promise.all(
          targets.map(async (one) => report(await measureCertificate(one, own, plan.proxy))),
        );
      },
    },
  ];
}

/**
 * @param {CheckedPlan} plan
 * @param {StepOptions} options
 * @param {readonly import('../../measure/reachability.js').Target[]} targets
 * @param {import('./quality-steps.js').Tried[]} tried gets what was tried
 * @returns {Step[]}
 */
function relays({ iceServers, proxy }, options, targets, tried) {
  if (iceServers.length === 0) return [];
  return [
    {
      id: 'relays',
      title: 'STUN and TURN servers',
      expectedMs: 2000,
      run: ({ signal, report }) =>
        measureReachability(targets, { ...options, signal, proxy }, (measurement, target) => {
          tried.push({ measurement, target });
          report(measurement);
        }),
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
  /** @type {import('./quality-steps.js').Tried[]} */
  const tried = [];
  const targets = plan.iceServers.length === 0 ? [] : reachabilityTargets(plan.iceServers, plan);
  const groups = [
    [...names(plan, options), ...https(plan, options), ...signalling(plan, options)],
    certificates(plan, options),
    relays(plan, options, targets, tried),
    natStep(plan, options),
    reflectorSteps(plan, options),
    ...qualitySteps(plan, options, targets, tried).map((step) => [step]),
  ];
  return groups.filter((group) => group.length > 0);
}
