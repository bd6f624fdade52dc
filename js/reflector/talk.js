// What a client may ask for: docs/reflector.md has the whole talk.

/**
 * A packet of the client's that has arrived.
 *
 * @typedef {object} Arrival
 * @property {number} number
 * @property {'udp' | 'tcp'} transport
 * @property {number} port
 * @property {import('./packets/marks.js').Look} look
 * @property {boolean} answered false: a limit forbade it
 */

/**
 * @typedef {object} StartAnswer
 * @property {string} session
 * @property {string} handle hexadecimal
 * @property {string} key hexadecimal
 * @property {string} address that probes go to
 * @property {number[]} udp ports
 * @property {number[]} sip ports, over UDP and TCP
 * @property {number} idleMs the client has to ask for something once in so long
 * @property {{ kbps: number, ms: number, bytes: number }} flow the most that is sent
 */

/** Both texts of a SIP message that arrived. @typedef {{ arrived: string, answered: string | null }} SipTexts */

/**
 * What arrived of a flow, or was sent.
 *
 * @typedef {object} FlowCounts
 * @property {number} packets without duplicates
 * @property {number} bytes of these, with the reflector's own marks
 * @property {number} duplicates
 * @property {number} reordered that came after one with a higher number
 * @property {[atMs: number, packets: number, bytes: number][]} bins of 100 ms since the first one; those without any are
 *   left out
 * @property {boolean} isOver of a flow to the client: all was sent that will be
 */

/** @typedef {{ family?: 'IPv4' | 'IPv6' }} Start */

/**
 * @typedef {object} Send
 * @property {string} token which proves where to
 * @property {number} kbps in 1,000 bits a second, of the payload of UDP
 * @property {number} bytes of each packet
 * @property {number} ms
 */

/** @param {Record<string, unknown>} body @returns {Start | undefined} */
export function checkStart({ family }) {
  if (family === undefined) return {};
  return family === 'IPv4' || family === 'IPv6' ? { family } : undefined;
}

/** @param {unknown} value @param {number} least @param {number} most @returns {value is number} */
export const isWithin = (value, least, most) =>
  typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most;

const LEAST_FLOW_BYTES = 64;
/** What UDP takes over any path of 1,280 bytes (RFC 8200 section 5), through a relay too. */
const MOST_FLOW_BYTES = 1200;
const MOST = 0x7fffffff;

/** @param {Record<string, unknown>} body @returns {Send | undefined} */
export function checkSend({ token, kbps, bytes, ms }) {
  const isGood =
    typeof token === 'string' &&
    isWithin(kbps, 1, MOST) &&
    isWithin(bytes, LEAST_FLOW_BYTES, MOST_FLOW_BYTES) &&
    isWithin(ms, 1, MOST);
  return isGood ? { token, kbps, bytes, ms } : undefined;
}
