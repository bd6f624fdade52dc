// From packets that were sent, arrived, were answered and came back, to whether a way is open. Pure.

/**
 * What became of one probe: `out`: its packets reach the reflector; `in`: what that sends back from there arrives here.
 * null: not known, and `because` says why.
 *
 * @typedef {object} ProbeResult
 * @property {boolean | null} out
 * @property {boolean | null} in
 * @property {string} [because]
 * @property {SipTrip} [sip] of packets that look like SIP, and have arrived
 */

/**
 * A SIP message there and back. `answered` is what the reflector has sent back, `received` what came of it; null: none.
 *
 * @typedef {{ sent: string, arrived: string, answered: string | null, received: string | null }} SipTrip
 */

/** Of one probe: packets. @typedef {{ sent: number, arrived: number, answered: number, received: number }} Counts */

/** So seldom silence may be chance. */
const MOST_CHANCE = 0.01;

/** How much is lost where packets do pass. */
export class Tally {
  #out = { tried: 0, passed: 0 };
  #in = { tried: 0, passed: 0 };

  /** @param {Counts} counts */
  add({ sent, arrived, answered, received }) {
    // Where none passes, it is not by chance; so that tells nothing of chance.
    if (arrived > 0) {
      this.#out.tried += sent;
      this.#out.passed += arrived;
    }
    if (received > 0) {
      this.#in.tried += answered;
      this.#in.passed += received;
    }
  }

  /** Whether so many may well have been lost by chance. @param {number} tries */
  mayLose(tries) {
    return { out: isChance(this.#out, tries), in: isChance(this.#in, tries) };
  }
}

/** @param {{ tried: number, passed: number }} seen @param {number} tries */
const isChance = ({ tried, passed }, tries) =>
  tried > 0 && (1 - passed / tried) ** tries > MOST_CHANCE;

export const BECAUSE = Object.freeze({
  lossOut: 'so many packets are lost on other ports, too, that silence tells nothing',
  lossIn: 'so many answers are lost on other ports, too, that silence tells nothing',
  notAnswered: 'packets arrived, and limits of the reflector kept it from answering',
  notArrived: 'nothing arrived, so nothing was sent back',
});

/**
 * @param {Counts} counts
 * @param {Tally} tally of all probes
 * @returns {ProbeResult}
 */
export function judge({ sent, arrived, answered, received }, tally) {
  if (received > 0) return { out: true, in: true };
  if (arrived === 0) {
    const isOpen = tally.mayLose(sent).out;
    return isOpen
      ? { out: null, in: null, because: BECAUSE.lossOut }
      : { out: false, in: null, because: BECAUSE.notArrived };
  }
  if (answered === 0) return { out: true, in: null, because: BECAUSE.notAnswered };
  return tally.mayLose(answered).in
    ? { out: true, in: null, because: BECAUSE.lossIn }
    : { out: true, in: false };
}
