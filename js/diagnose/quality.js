// What a path is like, through the relays that were found to work.
import { measured } from '../measure/measured.js';
import { LaneMeasurement } from '../measure/quality/measure-lane.js';
import { measurementId } from '../report/measurements/ids.js';
import { ChannelLane } from './channel-lane.js';
import { loadClient } from './gateway.js';
import { openRelayPath } from './relay-path.js';

/** @typedef {import('../network-test/plan.js').CheckedQuality} CheckedQuality */
/** @typedef {import('../network-test/run-steps.js').StepContext} StepContext */
/** @typedef {import('../report/measurements/types.js').QualityMeasurement} QualityMeasurement */
/** @typedef {import('./relay-path.js').RelayPath} RelayPath */
/** @typedef {import('./targets.js').Target} Target */
/** @typedef {QualityMeasurement['transport']} Transport */

/**
 * @typedef {object} QualityOptions
 * @property {CheckedQuality} quality
 * @property {number} timeoutMs of the making of a relay
 * @property {string | URL} [wasmUrl]
 */

/** @type {Readonly<Record<string, string>>} */
const NAMES = { udp: 'UDP', tcp: 'TCP', tls: 'TLS', ws: 'WebSocket', wss: 'WebSocket (TLS)' };

/** @param {Transport} transport */
export const nameOf = (transport) => NAMES[transport];

const LOST = Object.freeze({
  code: 'ERR_STUN_TIMEOUT',
  message: 'The relay worked before, but now no data came through it.',
  phase: 'peer',
});

/**
 * Numbered packets over data channels that neither order nor repeat them. Both ends are this page, so that each packet goes
 * up to the server and down again: its way is a round trip.
 *
 * @param {Target} target
 * @param {Transport} transport
 * @param {QualityOptions} options
 * @param {StepContext} context
 * @returns {Promise<QualityMeasurement>}
 */
function overChannels({ row, server }, transport, { quality, timeoutMs }, { signal, sample }) {
  const id = measurementId('quality', row.url, transport);
  const what = { id, kind: /** @type {const} */ ('quality'), transport, via: 'relay' };
  return measured(what, signal, async () => {
    /** @type {RelayPath[]} */
    const paths = [];
    try {
      const { path, outcome } = await openRelayPath(
        /** @type {RTCIceServer} */ (server),
        { timeoutMs, signal },
        (one) => paths.push(one),
      );
      if (outcome !== 'open') return { status: 'failed', error: LOST };
      const lane = new ChannelLane(path, transport !== 'udp');
      const measurement = new LaneMeasurement(lane, {
        quality,
        name: { id, transport },
        onSample: sample,
        signal,
      });
      if (!(await measurement.knock())) return { status: 'failed', error: LOST };
      await measurement.run();
      return measurement.numbers;
    } finally {
      for (const path of paths) path.close();
    }
  });
}

/**
 * The same over a WebSocket, by our own client.
 *
 * @param {Target} target
 * @param {'ws' | 'wss'} transport
 * @param {QualityOptions} options
 * @param {StepContext} context
 * @returns {Promise<QualityMeasurement>}
 */
async function overWebSocket({ row }, transport, options, { signal, sample }) {
  const { quality, timeoutMs, wasmUrl } = options;
  const { measureQuality } = await loadClient({ wasmUrl, signal });
  const { uri, username, credential } = /** @type {NonNullable<typeof row.server>} */ (row.server);
  const server = { urls: uri.url ?? row.url, username, credential };
  return measureQuality({ server, transport, quality, timeoutMs, signal, onSample: sample });
}

/**
 * @param {readonly Target[]} targets of one transport
 * @param {Transport} transport
 * @param {QualityOptions} options
 * @param {StepContext} context
 * @returns {Promise<QualityMeasurement>} of the first relay that was found to work
 * @throws `signal.reason`
 */
export async function measureTransport(targets, transport, options, context) {
  const proven = new Set(
    context.measured.flatMap((one) =>
      one.kind === 'reachability' && one.status === 'ok' && one.dataPath === 'proven'
        ? [one.id]
        : [],
    ),
  );
  const target = targets.find(({ id }) => proven.has(id));
  if (target === undefined) {
    return {
      id: measurementId('quality', transport),
      kind: 'quality',
      whose: 'client',
      status: 'skipped',
      because: `no data has passed a relay over ${nameOf(transport)}`,
      transport,
      via: 'relay',
    };
  }
  return transport === 'ws' || transport === 'wss'
    ? overWebSocket(target, transport, options, context)
    : overChannels(target, transport, options, context);
}
