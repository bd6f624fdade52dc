// The steps that measure quality: one for each transport, since each is to be alone on the network.
import { measureQuality } from '../../measure/quality/measure-quality.js';
import { webSocketThrough } from '../../measure/web-socket-through.js';
import { measurementId } from '../../report/measurements/ids.js';
import { nameOfTransport } from '../../report/verdict/signs.js';
import { openReflectorOf } from './reflector-steps.js';
import { serversOf } from './targets.js';

/** @typedef {import('../../measure/reachability.js').Target} Target */
/** @typedef {import('../../report/measurements/types.js').QualityMeasurement} QualityMeasurement */
/** @typedef {import('../../report/measurements/types.js').ReachabilityMeasurement} ReachabilityMeasurement */
/** @typedef {import('../plan.js').CheckedPlan} CheckedPlan */
/** @typedef {import('../run-steps.js').Step} Step */
/** @typedef {import('../run-steps.js').StepContext} StepContext */

/** One of the servers that were tried, and what came of it. @typedef {{ measurement: ReachabilityMeasurement, target: Target }} Tried */

/** In the order of how good they are for calls. @type {readonly QualityMeasurement['transport'][]} */
const TRANSPORTS = ['udp', 'tcp', 'tls', 'ws', 'wss'];
/** Making a relay, and waiting for what is late. */
const AROUND_MS = 1500;

/** A relay gave data back, or was not allowed to try. @param {Tried} tried */
const isRelay = ({ measurement: { service, status } }) => service === 'turn' && status === 'ok';

/**
 * The relay to measure: one that gives data back, straight before through the proxy, then the first of the plan, so that it
 * is the same one in the next report.
 *
 * @param {readonly Tried[]} tried
 * @param {readonly Target[]} targets in the order of the plan
 * @returns {Tried | undefined}
 */
function choose(tried, targets) {
  const weights = (/** @type {Tried} */ { measurement, target }) => [
    Number(measurement.dataPath !== 'proven'),
    Number(target.isProxied),
    targets.indexOf(target),
    target.families.indexOf(measurement.family),
  ];
  const [best] = tried
    .map((one) => ({ one, weights: weights(one) }))
    .sort((a, b) => {
      const at = a.weights.findIndex((weight, i) => weight !== b.weights[i]);
      return at < 0 ? 0 : a.weights[at] - b.weights[at];
    });
  return best?.one;
}

/**
 * @param {Tried} tried
 * @param {CheckedPlan & { quality: import('../plan.js').CheckedQuality }} plan
 * @param {import('./steps.js').StepOptions} options
 * @param {StepContext} context
 */
function measure({ measurement, target }, plan, options, { signal, sample }) {
  const { quality, proxy: named, reflector } = plan;
  const { transport, family } = measurement;
  const server = /** @type {import('../../ice-server.js').PlannedServer} */ (target.row.server);
  const { uri, url, username, credential } = server;
  const proxy = target.isProxied ? named : undefined;
  const version = family && (family === 'IPv4' ? 4 : 6);
  return measureQuality({
    ...options,
    signal,
    server: { urls: uri.url ?? url, username, credential },
    transport,
    family,
    proxy,
    WebSocket: webSocketThrough({ ...options, signal }, { family: version, proxy }, {}),
    quality,
    onSample: sample,
    openReflector:
      reflector === undefined ? undefined : (inner) => openReflectorOf(plan, options, inner),
  });
}

/** @param {CheckedPlan} plan @param {import('../plan.js').CheckedQuality} quality */
function expectedMsOf({ reflector }, { seconds, throughputSeconds }) {
  // With a reflector each way is measured apart as well.
  const flows = reflector === undefined ? 1 : 3;
  return (seconds + flows * throughputSeconds) * 1000 + AROUND_MS;
}

/**
 * @param {CheckedPlan} plan
 * @param {import('./steps.js').StepOptions} options
 * @param {readonly Target[]} targets that the step of relays tries
 * @param {readonly Tried[]} tried what it has found, when these run
 * @returns {Step[]} one for each transport that a TURN server has in the plan
 */
export function qualitySteps(plan, options, targets, tried) {
  const { quality } = plan;
  if (quality === false) return [];
  const offered = new Set(
    serversOf(plan)
      .filter(({ uri }) => uri.scheme.startsWith('turn'))
      .map(({ uri, transport }) => (transport === 'ws' && uri.secure ? 'wss' : transport)),
  );
  return TRANSPORTS.filter((transport) => offered.has(transport)).map((transport) => ({
    id: `quality/${transport}`,
    title: `Quality over ${nameOfTransport(transport)}`,
    expectedMs: expectedMsOf(plan, quality),
    run: async (context) => {
      const working = tried.filter(
        (one) => isRelay(one) && one.measurement.transport === transport,
      );
      const best = choose(working, targets);
      if (best !== undefined) {
        context.report(await measure(best, { ...plan, quality }, options, context));
        return;
      }
      context.report({
        id: measurementId('quality', transport),
        kind: 'quality',
        whose: 'client',
        status: 'skipped',
        because: `No relay works over ${nameOfTransport(transport)}.`,
        transport,
        via: 'relay',
      });
    },
  }));
}
