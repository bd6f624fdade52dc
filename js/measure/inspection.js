// Whether the network looks into packets: the same ones but for what they look like.
import { LOOKS } from '../reflector/packets/marks.js';
import { measurementId } from '../report/measurements/ids.js';
import { measured } from './measured.js';

/** @typedef {import('../report/measurements/types.js').InspectionMeasurement} InspectionMeasurement */
/** @typedef {InspectionMeasurement['patterns'][number]} Pattern */
/** @typedef {import('./reflector/judge.js').ProbeResult} ProbeResult */
/** @typedef {import('./reflector/open-reflector.js').ReflectorSession} ReflectorSession */

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

/** @param {{ patterns: Pattern[] }} found */
const hasPassed = ({ patterns }) => patterns.some(({ result }) => result === 'passed');

/** @param {ReflectorSession} session @param {'udp' | 'tcp'} transport @param {number} port */
async function tryPort(session, transport, port) {
  const results = await session.probe({ transport, port, payloads: LOOKS });
  const patterns = LOOKS.map((look) => patternOf(look, /** @type {ProbeResult} */ (results[look])));
  return { port, patterns };
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
    if (ports.length === 0) {
      return { status: 'skipped', because: 'The reflector has no ports for SIP.' };
    }
    const [first, ...others] = ports;
    const found = [await tryPort(session, transport, first)];
    // Where nothing at all passes, another one may tell more.
    if (!hasPassed(found[0])) {
      found.push(...(await Promise.all(others.map((port) => tryPort(session, transport, port)))));
    }
    const told = found.find(hasPassed);
    if (told !== undefined) return told;
    const because = 'Nothing passed on the ports that were tried, whatever it looked like.';
    return { ...found[0], status: 'unknown', because };
  });
}
