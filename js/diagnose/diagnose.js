// A network test of the page that this runs in.
import { requireObject } from '../codec/arguments.js';
import { argumentError } from '../errors.js';
import { VERSION } from '../generated/version.js';
import { checkPlan } from '../network-test/plan.js';
import { runSteps } from '../network-test/run-steps.js';
import { checkMilliseconds, checkSignal } from '../option-checks.js';
import { platformOf } from './platform.js';
import { pageSteps } from './steps.js';

/** @typedef {import('../network-test/events.js').OnEvent} OnEvent */
/** @typedef {import('../network-test/plan.js').NetworkPlan} NetworkPlan */
/** @typedef {import('../report/index.js').Report} Report */

/**
 * @typedef {object} PageTestOptions
 * @property {AbortSignal} [signal] ends the test
 * @property {OnEvent} [onEvent] told what is done and what was measured
 * @property {number} [timeoutMs] of each server; default 10,000
 * @property {string | URL} [wasmUrl] where engine.wasm is, if not where the bundler has put it; it is fetched only for
 *   relays over WebSocket
 */

/** Browsers themselves wait for 11 (Firefox) to 40 s (Chromium). */
const TIMEOUT_MS = 10_000;

/** @param {PageTestOptions} options */
function checkOptions({ signal, onEvent, timeoutMs }) {
  checkSignal(signal, 'options.signal');
  if (onEvent !== undefined && typeof onEvent !== 'function') {
    throw argumentError('options.onEvent', 'a function');
  }
  checkMilliseconds(timeoutMs, 'options.timeoutMs');
}

/** @param {unknown} url @param {'http' | 'ws'} scheme @returns {unknown} absolute, where it is relative to the page */
function absolute(url, scheme) {
  const base = globalThis.location?.href;
  if (typeof url !== 'string' || URL.canParse(url) || !URL.canParse(url, base)) return url;
  const { href } = new URL(url, base);
  return scheme === 'ws' ? href.replace(/^http/, 'ws') : href;
}

/**
 * URLs of web servers may be relative to the page.
 *
 * @param {NetworkPlan} plan
 * @returns {NetworkPlan}
 */
export function resolvePlan(plan) {
  const resolved = /** @type {Record<string, unknown>} */ ({ ...requireObject(plan, 'plan') });
  for (const [name, scheme] of /** @type {const} */ ([
    ['signalling', 'ws'],
    ['https', 'http'],
    ['webTransport', 'http'],
    ['mirror', 'http'],
    ['reflector', 'http'],
  ])) {
    const value = resolved[name];
    if (Array.isArray(value)) resolved[name] = value.map((url) => absolute(url, scheme));
    else if (value !== undefined) resolved[name] = absolute(value, scheme);
  }
  return /** @type {NetworkPlan} */ (resolved);
}

/** @param {string | undefined} name */
const headOf = (name) => ({
  createdAt: new Date().toISOString(),
  tool: { name: 'postern', version: VERSION },
  platform: platformOf(navigator.userAgent, navigator.platform),
  ...(name === undefined ? {} : { name }),
});

/**
 * Tests from this page whether calls will work: what gets through to the servers of a plan and how well, and what to ask
 * those for who run the network. No permission is asked for.
 *
 * What fails, or cannot be told, is a measurement in the report.
 *
 * @param {NetworkPlan} plan what it names is tested; URLs of web servers may be relative to the page. `reflector`,
 *   `natServer` and `proxy` are for Node.js
 * @param {PageTestOptions} [options]
 * @returns {Promise<Report>} see docs/report.md
 * @throws {TypeError} ERR_INVALID_ARGUMENT with the path of what is wrong, such as 'plan.iceServers[0].credential'; or
 *   `signal.reason`
 */
export async function diagnose(plan, options = {}) {
  const checked = checkPlan(resolvePlan(plan));
  checkOptions(requireObject(options, 'options'));
  const {
    signal = new AbortController().signal,
    onEvent,
    timeoutMs = TIMEOUT_MS,
    wasmUrl,
  } = options;
  const groups = pageSteps(checked, { timeoutMs, wasmUrl });
  return runSteps(groups, { head: () => headOf(checked.name), signal, onEvent });
}
