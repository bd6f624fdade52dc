// The steps that need a reflector: ports, payloads, and SIP. They share one session.
import { measureInspection } from '../../measure/inspection.js';
import { errorOf } from '../../measure/measured.js';
import { measurePorts } from '../../measure/port-map.js';
import { openReflector } from '../../measure/reflector/open-reflector.js';
import { measureSipAlg } from '../../measure/sip-alg.js';
import { measurementId } from '../../report/measurements/ids.js';

/** @typedef {import('../../measure/reflector/open-reflector.js').ReflectorSession} ReflectorSession */
/** @typedef {import('../../report/index.js').Measurement} Measurement */
/** @typedef {import('../plan.js').CheckedPlan} CheckedPlan */
/** @typedef {import('../run-steps.js').Step} Step */
/** @typedef {import('../run-steps.js').StepContext} StepContext */

const EXPECTED_MS = 3000;

/** What is measured where no session comes about: nothing. @type {Readonly<Record<string, object>>} */
const NOTHING = Object.freeze({
  ports: {
    id: measurementId('port-map', 'udp'),
    kind: 'port-map',
    transport: 'udp',
    ports: [],
  },
  payloads: {
    id: measurementId('inspection', 'udp'),
    kind: 'inspection',
    transport: 'udp',
    patterns: [],
  },
  sip: {
    id: measurementId('sip-alg', 'udp'),
    kind: 'sip-alg',
    transport: 'udp',
    result: 'unknown',
  },
});

/** One session for several users, opened by the first and closed after the last. */
class SharedSession {
  #open;
  #left;
  /** @type {Promise<ReflectorSession> | undefined} */ #session;

  /** @param {(signal: AbortSignal) => Promise<ReflectorSession>} open @param {number} users */
  constructor(open, users) {
    this.#open = open;
    this.#left = users;
  }

  /** @param {AbortSignal} signal of the group of steps */
  get(signal) {
    this.#session ??= this.#open(signal);
    return this.#session;
  }

  async done() {
    this.#left -= 1;
    if (this.#left > 0) return;
    const session = await this.#session?.catch(() => undefined);
    await session?.close();
  }
}

/**
 * @param {CheckedPlan} plan that has a reflector
 * @param {import('./steps.js').StepOptions} options
 * @param {AbortSignal} signal
 */
export function openReflectorOf({ reflector = '', proxy, families }, options, signal) {
  const family = families.length === 1 ? families[0] : undefined;
  return openReflector(reflector, { ...options, signal, family, proxy });
}

/**
 * @param {CheckedPlan} plan
 * @param {import('./steps.js').StepOptions} options
 * @returns {Step[]} none where there is no reflector
 */
export function reflectorSteps(plan, options) {
  if (plan.reflector === undefined) return [];
  /** @type {readonly [id: string, title: string, measure: (session: ReflectorSession) => Promise<Measurement>[]][]} */
  const steps = [
    ['ports', 'UDP ports', (session) => [measurePorts(session)]],
    ['payloads', 'Packet inspection', (session) => ofBoth(session, measureInspection)],
    ['sip', 'SIP', (session) => ofBoth(session, measureSipAlg)],
  ];
  const shared = new SharedSession(
    (signal) => openReflectorOf(plan, options, signal),
    steps.length,
  );
  return steps.map(([id, title, measure]) => ({
    id,
    title,
    expectedMs: EXPECTED_MS,
    run: async ({ signal, report }) => {
      try {
        const session = await sessionOr(shared, signal, (error) => {
          const { message } = error;
          const failed = { whose: 'client', status: 'unknown', because: message, error };
          report(
            /** @type {Measurement} */ (/** @type {unknown} */ ({ ...NOTHING[id], ...failed })),
          );
        });
        if (session === undefined) return;
        await Promise.all(measure(session).map(async (one) => report(await one)));
      } finally {
        await shared.done();
      }
    },
  }));
}

/**
 * Over UDP, and over TCP where the reflector has ports for that.
 *
 * @param {ReflectorSession} session
 * @param {(session: ReflectorSession, options: { transport: 'udp' | 'tcp' }) => Promise<Measurement>} measure
 * @returns {Promise<Measurement>[]}
 */
function ofBoth(session, measure) {
  const transports = /** @type {const} */ (['udp', 'tcp']);
  return transports
    .filter((transport) => transport === 'udp' || session.ports.sip.length > 0)
    .map((transport) => measure(session, { transport }));
}

/**
 * @param {SharedSession} shared
 * @param {AbortSignal} signal
 * @param {(error: import('../../report/measurements/types.js').MeasurementError) => void} onFailure
 */
async function sessionOr(shared, signal, onFailure) {
  try {
    return await shared.get(signal);
  } catch (error) {
    signal.throwIfAborted();
    onFailure(errorOf(error));
    return undefined;
  }
}
