// A network test from this machine.
import { release, type } from 'node:os';
import { ROW_TIMEOUT_MS } from '../../check/check-ice-servers.js';
import { packageVersion } from '../../cli/version.js';
import { requireObject } from '../../codec/arguments.js';
import { argumentError } from '../../errors.js';
import { checkMilliseconds, checkSignal } from '../../option-checks.js';
import { asciiHost } from '../../resolve/resolve-server.js';
import { parseProxyUrl } from '../../transports/proxy/proxy-url.js';
import { parseUri } from '../../uri.js';
import { checkPlan } from '../plan.js';
import { runSteps } from '../run-steps.js';
import { nodeSteps } from './steps.js';

/** @typedef {import('../events.js').OnEvent} OnEvent */
/** @typedef {import('../plan.js').NetworkPlan} NetworkPlan */
/** @typedef {import('../../report/index.js').Report} Report */

/**
 * @typedef {object} NetworkTestOptions
 * @property {AbortSignal} [signal] ends the test
 * @property {OnEvent} [onEvent] told what is done and what was measured
 * @property {import('../../transports/tls.js').TlsOptions} [tls] options of node:tls for servers, such as `ca`
 * @property {import('../../transports/tls.js').TlsOptions} [proxyTls] the same for a proxy of https://
 * @property {import('../../resolve/system-resolver.js').NameResolver} [resolver] default: the system's
 * @property {number} [timeoutMs] for reaching a server, and again for its answer; of STUN and TURN for both. Default
 *   10,000
 */

/** @param {NetworkTestOptions} options */
function checkOptions({ signal, onEvent, tls = {}, proxyTls = {}, resolver, timeoutMs }) {
  checkSignal(signal, 'options.signal');
  if (onEvent !== undefined && typeof onEvent !== 'function') {
    throw argumentError('options.onEvent', 'a function');
  }
  requireObject(tls, 'options.tls');
  requireObject(proxyTls, 'options.proxyTls');
  if (resolver !== undefined && typeof resolver?.lookup !== 'function') {
    throw argumentError('options.resolver', 'an object with lookup() and resolveSrv()');
  }
  checkMilliseconds(timeoutMs, 'options.timeoutMs');
}

/** What is not checked of a plan in pages. @param {import('../plan.js').CheckedPlan} plan */
function checkOwn({ proxy, natServer }) {
  try {
    if (proxy !== undefined) parseProxyUrl(proxy);
  } catch {
    const expected =
      "the URL of a proxy and nothing after it, such as 'http://proxy.example.org:3128'";
    throw argumentError('plan.proxy', expected);
  }
  try {
    if (typeof natServer === 'string') asciiHost(parseUri(natServer));
  } catch {
    throw argumentError('plan.natServer', "a URI such as 'stun:stun.example.org'");
  }
}

/** @param {string | undefined} name */
const headOf = (name) => ({
  createdAt: new Date().toISOString(),
  tool: { name: 'postern', version: packageVersion() },
  platform: { name: 'node', version: process.versions.node, system: `${type()} ${release()}` },
  ...(name === undefined ? {} : { name }),
});

/**
 * Tests from this machine whether calls will work: what gets through to the servers of a plan and how well, and what to ask
 * those for who run the network.
 *
 * What fails, or cannot be told, is a measurement in the report.
 *
 * @param {NetworkPlan} plan what it names is tested
 * @param {NetworkTestOptions} [options]
 * @returns {Promise<Report>} see docs/report.md
 * @throws {TypeError} ERR_INVALID_ARGUMENT with the path of what is wrong, such as 'plan.iceServers[0].credential'; or
 *   `signal.reason`
 */
export async function runNetworkTest(plan, options = {}) {
  const checked = checkPlan(plan);
  checkOptions(requireObject(options, 'options'));
  const { signal = new AbortController().signal, onEvent, timeoutMs = ROW_TIMEOUT_MS } = options;
  const { tls, proxyTls, resolver } = options;
  checkOwn(checked);
  const steps = nodeSteps(checked, {
    tls,
    proxyTls,
    resolver,
    timeoutMs,
    origin: checked.origin,
  });
  return runSteps(steps, { head: () => headOf(checked.name), signal, onEvent });
}
