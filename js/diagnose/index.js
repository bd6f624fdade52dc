// postern/diagnose: what a page can learn of its own network. Plain JavaScript for browsers.

export { PosternError } from '../errors.js';
export { checkPlan } from '../network-test/plan.js';
export { diagnose } from './diagnose.js';
export { diagnoseNat } from './nat.js';
export { REASONS } from './unknown.js';

/** @typedef {import('../network-test/events.js').QualitySample} QualitySample */
/** @typedef {import('../network-test/events.js').StepInfo} StepInfo */
/** @typedef {import('../network-test/events.js').TestEvent} TestEvent */
/** @typedef {import('../network-test/plan.js').NetworkPlan} NetworkPlan */
/** @typedef {import('../report/index.js').Report} Report */
/** @typedef {import('./diagnose.js').PageTestOptions} PageTestOptions */
/** @typedef {import('./nat.js').DiagnoseOptions} DiagnoseOptions */
/** @typedef {import('./nat.js').NatDiagnosis} NatDiagnosis */
/** @typedef {import('./nat.js').NatStep} NatStep */
/** @typedef {import('./lifetime.js').Lifetime} Lifetime */
/** @typedef {import('./ports.js').PortFinding} PortFinding */
/** @typedef {import('./unknown.js').Reason} Reason */
