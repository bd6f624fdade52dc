// Whether the network looks into packets: the same ones but for what they look like.
import { LOOKS } from '../reflector/packets/marks.js';
import { measurementId } from '../report/measurements/ids.js';
import { measured } from './measured.js';

/** @typedef {import('../report/measurements/types.js').InspectionMeasurement} InspectionMeasurement */
/** @typedef {InspectionMeasurement['patterns'][number]} Pattern */
/** @typedef {import('./reflector/judge.js').ProbeResult} ProbeResult */
/** @typedef {import('./reflector/open-reflector.js').ReflectorSession} ReflectorSession */

/** Where nothing at all passes a port, another one may tell more. */
const MOST_PORTS = 3;

/** @param {Pattern['looksLike']} looksLike @param {ProbeResult} result @returns {Pattern} */
function patternOf(looksLike, { out, in: inwards, because }) {
  if (out && inwards) return { looksLike, result: 'passed' };
  if (out === false) return { looksLike, result: 'blocked' };
  if (inwards === false) {
    const why = 'it arrived, and what was sent back did not';
    return { looksLike, result: 'blocked', because: why };
  }
  return { looksLike, result: 'unknown', because: because ?? 'it was not answered' };
}

/**
 * Tries one port with packets that look like STUN, RTP, SIP, and nothing known; the next one where none of them passes.
 *
 * @param {ReflectorSession} session whose signal ends it
 * @param {object} [options]
 * @param {'udp' | 'tcp'} [options.transport] 'udp' when left out; over TCP at ports for SIP
 * @returns {Promise<InspectionMeasurement>} 'skipped' where the reflector has no such port
 * @throws the signal's reason
 */
export function measureInspection(session, { transport = 'udp' } = {}) {
  const what = {
    id: measurementId('inspection', transport),
    kind: /** @type {const} */ ('inspection'),
    transport,
    patterns: [],
  };
  return measured(what, session.signal, async () => {
    const { udp, sip } = session.ports;
    const ports = (transport === 'udp' ? udp : sip).slice(0, MOST_PORTS);
    /** @type {Partial<InspectionMeasurement>} */
    let found = { status: 'skipped', because: 'The reflector has no ports for SIP.' };
    for (const port of ports) {
      const results = await session.probe({ transport, port, payloads: LOOKS });
      const patterns = LOOKS.map((look) =>
        patternOf(look, /** @type {ProbeResult} */ (results[look])),
      );
      if (patterns.some(({ result }) => result === 'passed')) return { port, patterns };
      const because = 'Nothing passed on the ports that were tried, whatever it looked like.';
      found = { port, patterns, status: 'unknown', because };
    }
    return found;
  });
}
