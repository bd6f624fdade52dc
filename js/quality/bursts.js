// Whether losses come alone or together.
import { argumentError } from '../errors.js';

/** RFC 3611 section 4.7.2. */
export const GMIN = 16;

/**
 * @typedef {object} BurstSummary
 * @property {number} bursts
 * @property {number} gaps
 * @property {number} burstDensity part of the packets in bursts that was lost; 0 where there are none
 * @property {number} gapDensity the same of gaps
 * @property {number} burstPackets mean length of a burst; 0 where there is none
 * @property {number} gapPackets
 * @property {number} [burstMs] the same lengths as times, where the distance of packets is known
 * @property {number} [gapMs]
 * @property {number | null} burstRatio null where nothing was lost, or everything
 */

/** @param {number} part @param {number} whole */
const ratio = (part, whole) => (whole === 0 ? 0 : part / whole);

/**
 * Bursts and gaps (RFC 3611 section 4.7.2, Gmin = 16): a burst is the longest sequence that begins and ends with a lost
 * packet and has nowhere in it 16 or more in a row that were received. A gap is what is before, between and after
 * bursts; a loss with 16 received packets on each side is in a gap. Before the first packet and after the last one, 16
 * received ones are supposed to be.
 *
 *     burst density = lost in bursts / packets in bursts
 *     gap density   = lost in gaps / packets in gaps
 *     burst ratio   = mean number of losses in a row / (1 / (1 - lost / packets))
 *
 * The last one is BurstR of the E-model (ITU-T G.107): the losses in a row that there are, over those that there would be
 * if packets were lost at random; 1 is random, more is bursty.
 */
export class Bursts {
  #intervalMs;
  #packets = 0;
  #lost = 0;
  #lossRuns = 0;
  #wasLost = false;
  /** Received since the last loss. */
  #received = Number.POSITIVE_INFINITY;
  /** From its first loss to its last: the sequence that is a burst as soon as there are two. */
  #open = { start: 0, packets: 0, lost: 0 };
  #closed = { bursts: 0, packets: 0, lost: 0, start: 0 };

  /** @param {{ intervalMs?: number }} [options] the time between two packets @throws {TypeError} ERR_INVALID_ARGUMENT */
  constructor({ intervalMs } = {}) {
    if (intervalMs !== undefined && !(intervalMs > 0 && Number.isFinite(intervalMs)))
      throw argumentError('options.intervalMs', 'a positive number of milliseconds');
    this.#intervalMs = intervalMs;
  }

  /** The next packet, in the order of sending. @param {boolean} isLost or came too late to be of use */
  add(isLost) {
    if (isLost) this.#addLost();
    else this.#received += 1;
    this.#packets += 1;
    this.#wasLost = isLost;
  }

  #addLost() {
    this.#lost += 1;
    if (!this.#wasLost) this.#lossRuns += 1;
    if (this.#received >= GMIN) {
      this.#closed = this.#bursts();
      this.#open = { start: this.#packets, packets: 1, lost: 1 };
    } else {
      this.#open.packets += this.#received + 1;
      this.#open.lost += 1;
    }
    this.#received = 0;
  }

  /** All bursts, with the open sequence if it is one; `start` is that of the first. */
  #bursts() {
    const { bursts, packets, lost, start } = this.#closed;
    if (this.#open.lost < 2) return this.#closed;
    return {
      bursts: bursts + 1,
      packets: packets + this.#open.packets,
      lost: lost + this.#open.lost,
      start: bursts === 0 ? this.#open.start : start,
    };
  }

  /** @returns {BurstSummary} */
  summary() {
    const { bursts, packets, lost, start } = this.#bursts();
    const endsInBurst = this.#open.lost > 1 && this.#received === 0;
    // Between two bursts there always is a gap: of 16 packets at least.
    let gaps = this.#packets > 0 ? 1 : 0;
    if (bursts > 0) gaps = bursts - 1 + (start > 0 ? 1 : 0) + (endsInBurst ? 0 : 1);
    const burstPackets = ratio(packets, bursts);
    const gapPackets = ratio(this.#packets - packets, gaps);
    const interval = this.#intervalMs;
    const received = this.#packets - this.#lost;
    return {
      bursts,
      gaps,
      burstDensity: ratio(lost, packets),
      gapDensity: ratio(this.#lost - lost, this.#packets - packets),
      burstPackets,
      gapPackets,
      ...(interval === undefined
        ? {}
        : { burstMs: burstPackets * interval, gapMs: gapPackets * interval }),
      burstRatio:
        this.#lost === 0 || received === 0
          ? null
          : (this.#lost / this.#lossRuns) * (received / this.#packets),
    };
  }
}
