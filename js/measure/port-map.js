// Which UDP ports pass, each way.
import { measurementId } from '../report/measurements/ids.js';
import { measured } from './measured.js';

/** @typedef {import('../report/measurements/types.js').PortMapMeasurement} PortMapMeasurement */
/** @typedef {import('../report/measurements/types.js').PortState} PortState */
/** @typedef {import('./reflector/open-reflector.js').ReflectorSession} ReflectorSession */

/**
 * In turn: what drops packets of one look is no reason to call a port blocked.
 *
 * @type {readonly import('../reflector/packets/marks.js').Look[]}
 */
const LOOKS = ['stun', 'random', 'rtp'];

/** @param {boolean | null} passes @returns {PortState} */
const stateOf = (passes) => (passes === null ? 'unknown' : passes ? 'open' : 'blocked');

/**
 * Tries all UDP ports of a reflector. 'blocked' outwards: nothing arrived there of twelve packets, of three looks.
 *
 * @param {ReflectorSession} session whose signal ends it
 * @returns {Promise<PortMapMeasurement>}
 * @throws the signal's reason
 */
export function measurePorts(session) {
  const { address, udp, sip } = session.ports;
  const what = {
    id: measurementId('port-map', 'udp'),
    kind: /** @type {const} */ ('port-map'),
    transport: /** @type {const} */ ('udp'),
    address,
    ports: [],
  };
  return measured(what, session.signal, async () => {
    const all = [...udp, ...sip].sort((a, b) => a - b);
    const results = await session.probePorts(all.map((port) => ({ port, looks: LOOKS })));
    const ports = results.map(({ out, in: inwards, because }, i) => ({
      port: all[i],
      outwards: stateOf(out),
      inwards: stateOf(inwards),
      ...(because === undefined ? {} : { because }),
    }));
    if (ports.some(({ outwards }) => outwards !== 'unknown')) return { ports };
    return { ports, status: 'unknown', because: ports[0].because };
  });
}
