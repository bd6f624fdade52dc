// The entry postern/network-test: the network test of Node.js.

export { PosternError } from '../errors.js';
export { runNetworkTest } from './node/run-network-test.js';
export { checkPlan } from './plan.js';

/** @typedef {import('./events.js').OnEvent} OnEvent */
/** @typedef {import('./events.js').QualitySample} QualitySample */
/** @typedef {import('./events.js').StepInfo} StepInfo */
/** @typedef {import('./events.js').TestEvent} TestEvent */
/** @typedef {import('./node/run-network-test.js').NetworkTestOptions} NetworkTestOptions */
/** @typedef {import('./plan.js').NetworkPlan} NetworkPlan */
/** @typedef {import('./plan.js').QualityPlan} QualityPlan */
