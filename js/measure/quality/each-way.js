// Throughput up and down apart, between a relay and a reflector, which counts what arrives there and sends what is to arrive
// here.
import { PosternError } from '../../errors.js';

/** @typedef {import('../../quality/throughput.js').ThroughputSummary} ThroughputSummary */
/** @typedef {import('../../turn/relay.js').Relay} Relay */
/** @typedef {import('../reflector/flow.js').FlowRate} FlowRate */
/** @typedef {import('../reflector/flow.js').FlowResult} FlowResult */
/** @typedef {import('../reflector/open-reflector.js').ReflectorSession} ReflectorSession */

/** Of what is tried at first, to learn how much it may be. */
const TRIAL_SECONDS = 0.6;
const MOST_TRIALS = 3;
const MOST_BYTES = 1200;
const LEAST_BYTES = 160;
/** As in load.js: rates below are made of few packets, not of small ones. */
const PACKETS_PER_SECOND = 100;
const BITS = 8;
/** As in load-rate.js: where less than this share of it arrives, it was more than the path takes. */
const ENOUGH = 0.9;
const OVERLOAD = 1.1;

/**
 * @typedef {object} EachWayOptions
 * @property {number} maxKbps
 * @property {number} seconds each way, of what counts
 * @property {number | null} loopKbps what goes up and down at once: each way takes as much at least
 * @property {number} keptShare part that arrives without load, up and down
 * @property {AbortSignal} signal
 */

/**
 * The same as in the loop: twice as much again and again, until it is too much; then a tenth more than the path takes.
 *
 * @param {(rate: FlowRate) => Promise<FlowResult>} send
 * @param {EachWayOptions} options
 * @returns {Promise<ThroughputSummary>}
 */
async function tryOneWay(send, { maxKbps, seconds, loopKbps, keptShare }) {
  /** @param {number} kbps @param {number} duration */
  const run = (kbps, duration) => {
    const bytes = Math.round((kbps * 1000) / BITS / PACKETS_PER_SECOND);
    const length = Math.min(MOST_BYTES, Math.max(LEAST_BYTES, bytes));
    return send({ kbps, seconds: duration, bytes: length });
  };
  let kbps = loopKbps ?? maxKbps;
  for (let trial = 0; trial < MOST_TRIALS && kbps < ENOUGH * maxKbps; trial += 1) {
    kbps = Math.min(maxKbps, 2 * kbps);
    const taken = (await run(kbps, TRIAL_SECONDS)).throughput.kbps ?? 0;
    // Over a stream all of it comes, some time.
    if (taken >= ENOUGH * keptShare * kbps) continue;
    kbps = Math.min(kbps, (OVERLOAD * Math.max(taken, loopKbps ?? 0)) / keptShare);
    break;
  }
  return (await run(kbps, seconds)).throughput;
}

/**
 * @param {Relay} relay its onmessage is in use from now on
 * @param {ReflectorSession} session
 * @param {EachWayOptions} options
 * @returns {Promise<{ throughputUp?: ThroughputSummary, throughputDown?: ThroughputSummary }>} without those that the
 *   server, or the reflector, does not allow
 * @throws `signal.reason`
 */
export async function measureEachWay(relay, session, options) {
  const { signal } = options;
  const { peer } = session;
  const flow = session.flow({
    send: (bytes) => relay.send(bytes, peer),
    ready: () => relay.ready,
    signal,
  });
  relay.onmessage = (data) => void flow.receive(data);
  /** @type {{ throughputUp?: ThroughputSummary, throughputDown?: ThroughputSummary }} */
  const found = {};
  try {
    // That it has permission too is part of it (RFC 8656 section 12).
    await relay.bindChannel(peer, { signal });
    found.throughputUp = await tryOneWay((rate) => flow.up(rate), options);
    found.throughputDown = await tryOneWay((rate) => flow.down(rate), options);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof PosternError)) throw error;
  }
  return found;
}
