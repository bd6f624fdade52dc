// The step of the NAT: which server is asked.
import { measureNat } from '../../measure/nat.js';
import { measurementId } from '../../report/measurements/ids.js';
import { formatUri } from '../../uri.js';
import { serversOf } from './targets.js';

/** @typedef {import('../../report/index.js').Measurement} Measurement */
/** @typedef {import('../../uri.js').ServerUri} ServerUri */
/** @typedef {import('../plan.js').CheckedPlan} CheckedPlan */
/** @typedef {import('../run-steps.js').Step} Step */

/** Some of its tests end by silence; a second run confirms the first. */
const EXPECTED_MS = 10_000;

/** @param {ServerUri} uri */
const withoutTransport = (uri) => formatUri({ ...uri, transport: null });

/**
 * The server to ask: the plan's, else the first over UDP that has answered.
 *
 * @param {CheckedPlan} plan
 * @param {readonly ServerUri[]} servers over UDP
 * @param {readonly Measurement[]} measured
 * @returns {string | undefined} undefined where none has answered
 */
function choose({ natServer }, servers, measured) {
  if (typeof natServer === 'string') return natServer;
  const answering = servers.find(({ host, port }) =>
    measured.some(
      (one) =>
        one.kind === 'reachability' &&
        one.transport === 'udp' &&
        one.host === host &&
        (port === null || one.port === port) &&
        (one.status === 'ok' || one.mappedAddress !== undefined || one.error?.errorCode),
    ),
  );
  return answering && withoutTransport(answering);
}

/**
 * @param {CheckedPlan} plan
 * @param {import('./steps.js').StepOptions} options
 * @returns {Step[]} none where there is no server for it, or it is not wanted
 */
export function natStep(plan, options) {
  const { natServer, lifetimeSeconds } = plan;
  if (natServer === false) return [];
  const servers = serversOf(plan).flatMap(({ uri, transport }) => (transport === 'udp' ? uri : []));
  if (natServer === undefined && servers.length === 0) return [];
  const longest = lifetimeSeconds.length === 0 ? undefined : Math.max(...lifetimeSeconds) * 1000;
  return [
    {
      id: 'nat',
      title: 'NAT',
      // The search takes some times the longest silence.
      expectedMs: EXPECTED_MS + 2 * (longest ?? 0),
      run: async ({ signal, measured, report }) => {
        const url = choose(plan, servers, measured);
        if (url === undefined) {
          const because = 'No server answered over UDP.';
          report({
            id: measurementId('nat', 'discovery'),
            kind: 'nat',
            whose: 'client',
            status: 'skipped',
            because,
            method: 'discovery',
          });
          return;
        }
        const own = { families: plan.families, longestSilenceMs: longest, report };
        await measureNat(url, { ...options, signal }, own);
      },
    },
  ];
}
