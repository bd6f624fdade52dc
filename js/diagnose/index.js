// postern/diagnose: what a page can learn of its own network. Plain JavaScript for browsers.

export { PosternError } from '../errors.js';
export { diagnoseNat } from './nat.js';
export { REASONS } from './unknown.js';

/** @typedef {import('./nat.js').DiagnoseOptions} DiagnoseOptions */
/** @typedef {import('./nat.js').NatDiagnosis} NatDiagnosis */
/** @typedef {import('./nat.js').NatStep} NatStep */
/** @typedef {import('./lifetime.js').Lifetime} Lifetime */
/** @typedef {import('./ports.js').PortFinding} PortFinding */
/** @typedef {import('./unknown.js').Reason} Reason */
