// Whether SIP messages arrive as they were sent, there and back.
import { measurementId } from '../report/measurements/ids.js';
import { measured } from './measured.js';
import { sipChanges } from './sip-changes.js';

/** @typedef {import('../report/measurements/types.js').SipAlgMeasurement} SipAlgMeasurement */
/** @typedef {import('./reflector/judge.js').ProbeResult} ProbeResult */
/** @typedef {import('./reflector/judge.js').SipTrip} SipTrip */
/** @typedef {import('./reflector/open-reflector.js').ReflectorSession} ReflectorSession */

const MOST_PORTS = 3;

/** @param {SipTrip | undefined} trip @returns {string[]} */
function changesOf(trip) {
  if (trip === undefined) return [];
  const { sent, arrived, answered, received } = trip;
  const back = answered === null || received === null ? [] : sipChanges(answered, received);
  return [...sipChanges(sent, arrived), ...back.map((change) => `In the answer, ${change}`)];
}

/** @param {ProbeResult} sip @param {ProbeResult} random at the same port */
function whyBlocked(sip, random) {
  if (sip.out) return 'SIP messages arrived, and their answers did not come back.';
  return random.out
    ? 'SIP messages did not arrive, and other packets to the same port did.'
    : 'Nothing arrived at the ports for SIP, whatever it looked like.';
}

/**
 * Sends a SIP call with this machine's own address in it, as telephones do, and has what arrived compared with what was
 * sent, line by line, and so the answer.
 *
 * @param {ReflectorSession} session whose signal ends it
 * @param {object} [options]
 * @param {'udp' | 'tcp'} [options.transport] 'udp' when left out
 * @returns {Promise<SipAlgMeasurement>} 'skipped' where the reflector has no port for SIP
 * @throws the signal's reason
 */
export function measureSipAlg(session, { transport = 'udp' } = {}) {
  const what = {
    id: measurementId('sip-alg', transport),
    kind: /** @type {const} */ ('sip-alg'),
    transport,
    result: /** @type {const} */ ('unknown'),
  };
  return measured(what, session.signal, async () => {
    const ports = session.ports.sip.slice(0, MOST_PORTS);
    if (ports.length === 0) {
      return { status: 'skipped', because: 'The reflector has no ports for SIP.' };
    }
    const results = await Promise.all(
      ports.map((port) => session.probe({ transport, port, payloads: ['sip', 'random'] })),
    );
    return resultOf(/** @type {{ sip: ProbeResult, random: ProbeResult }[]} */ (results));
  });
}

/**
 * @param {readonly { sip: ProbeResult, random: ProbeResult }[]} results of each port
 * @returns {Partial<SipAlgMeasurement>}
 */
function resultOf(results) {
  const changes = [...new Set(results.flatMap(({ sip }) => changesOf(sip.sip)))];
  if (changes.length > 0) return { result: 'altered', changes };
  if (results.some(({ sip }) => sip.out && sip.in)) return { result: 'none' };
  const blocked = results.find(({ sip }) => sip.out === false || sip.in === false);
  if (blocked !== undefined) {
    return { result: 'blocked', because: whyBlocked(blocked.sip, blocked.random) };
  }
  return { status: 'unknown', because: results[0].sip.because };
}
