// How a call would sound, estimated from delay, jitter and loss: a range, since formulas differ.
import { argumentError } from '../errors.js';

/**
 * Equipment impairment and robustness to loss (ITU-T G.113 appendix I, as others cite it): narrowband codecs only, as the
 * E-model has no agreed numbers for Opus.
 */
export const CODECS = Object.freeze({
  /** G.711 with concealment of losses. */
  'g711-plc': { ie: 0, bpl: 25.1 },
  /** G.711 without. */
  g711: { ie: 0, bpl: 4.3 },
  g729a: { ie: 11, bpl: 19 },
});

/** R with all defaults (ITU-T G.107 clause 7.7, 06/2015). */
const R0 = 93.2;
/** G.107 clause 7.4: mT of the default sensitivity class, whose sT is 1. */
const DELAY_MT_MS = 100;
/** Cole and Rosenbluth: where the delay begins to disturb a talk. */
const KNEE_MS = 177.3;
/** Ours: what coding and decoding take, as the rule of WebRTC dashboards has it. */
const CODEC_MS = 10;

/**
 * The delay between mouth and ear that a jitter buffer makes of what was measured.
 *
 * @param {number} roundTripMs
 * @param {number} jitterMs of RFC 3550
 * @returns {number} roundTrip / 2 + 2 x jitter + 10
 */
export const mouthToEarMs = (roundTripMs, jitterMs) => roundTripMs / 2 + 2 * jitterMs + CODEC_MS;

/**
 * Impairment by delay, in full (ITU-T G.107 clause 7.4 with sT = 1, mT = 100 ms, no echo).
 *
 *     X  = log2(Ta / 100)
 *     Id = 25 x ((1 + X^6)^(1/6) - 3 x (1 + (X/3)^6)^(1/6) + 2), and 0 up to 100 ms
 *
 * @param {number} oneWayMs
 */
export function delayImpairment(oneWayMs) {
  if (oneWayMs <= DELAY_MT_MS) return 0;
  const x = Math.log2(oneWayMs / DELAY_MT_MS);
  return 25 * ((1 + x ** 6) ** (1 / 6) - 3 * (1 + (x / 3) ** 6) ** (1 / 6) + 2);
}

/**
 * The usual approximation of it (Cole and Rosenbluth): Id = 0.024 d + 0.11 x max(0, d - 177.3).
 *
 * @param {number} oneWayMs
 */
export const approximateDelayImpairment = (oneWayMs) =>
  0.024 * oneWayMs + 0.11 * Math.max(0, oneWayMs - KNEE_MS);

/**
 * Impairment by codec and loss (ITU-T G.107 clause 7.5): Ie + (95 - Ie) x Ppl / (Ppl / BurstR + Bpl).
 *
 * @param {number} lossRatio 0 to 1; Ppl is in percent
 * @param {keyof typeof CODECS} [codec]
 * @param {number} [burstRatio] 1: losses at random
 */
export function lossImpairment(lossRatio, codec = 'g711-plc', burstRatio = 1) {
  const { ie, bpl } = CODECS[codec];
  const percent = 100 * lossRatio;
  return ie + ((95 - ie) * percent) / (percent / burstRatio + bpl);
}

/**
 * The rule of thumb of WebRTC dashboards, which no standard has.
 *
 *     R = 93.2 - L / 40 below 160 ms, else 93.2 - (L - 120) / 10; then 2.5 less for each percent of loss
 *
 * @param {number} latencyMs L = delay + 2 x jitter + 10, which mouthToEarMs() gives
 * @param {number} lossRatio 0 to 1
 */
export function ruleOfThumb(latencyMs, lossRatio) {
  const byDelay = latencyMs < 160 ? latencyMs / 40 : (latencyMs - 120) / 10;
  return R0 - byDelay - 250 * lossRatio;
}

/**
 * Mean opinion score of a rating (ITU-T G.107 annex B): 1 + 0.035 R + 7e-6 x R (R - 60)(100 - R), 1 below and 4.5 above.
 *
 * @param {number} r
 * @returns {number} 1 to 4.5. The polynomial is below 1 up to R = 6.5, which stands for 1
 */
export function mosOfRating(r) {
  if (r <= 0) return 1;
  if (r >= 100) return 4.5;
  return Math.max(1, 1 + 0.035 * r + 7e-6 * r * (r - 60) * (100 - r));
}

/**
 * @typedef {object} MosInput
 * @property {number} roundTripMs half of it is taken for the way there
 * @property {number} jitterMs of RFC 3550
 * @property {number} lossRatio 0 to 1, of one direction; that of both is an upper bound
 * @property {number} [burstRatio] BurstR, default 1; the rule of thumb knows none
 * @property {keyof typeof CODECS} [codec] default 'g711-plc'; the rule of thumb knows none
 */

/**
 * @typedef {object} MosEstimate
 * @property {number} low the lowest of the formulas
 * @property {number} high
 * @property {{ name: string, r: number, mos: number }[]} formulas R as it comes out, 0 to 93.2
 */

/**
 * An estimate for narrowband voice, as a range over three formulas:
 *
 *     e-model            R = 93.2 - Id - Ie,eff with Id in full (ITU-T G.107)
 *     cole-rosenbluth    the same with the approximation of Id
 *     rule-of-thumb      that of WebRTC dashboards
 *
 * @param {MosInput} input
 * @returns {MosEstimate}
 * @throws {TypeError} ERR_INVALID_ARGUMENT
 */
export function estimateMos({ roundTripMs, jitterMs, lossRatio, burstRatio = 1, codec }) {
  for (const [name, value] of Object.entries({ roundTripMs, jitterMs, lossRatio })) {
    if (!(value >= 0)) throw argumentError(`input.${name}`, 'a number that is not negative');
  }
  if (lossRatio > 1) throw argumentError('input.lossRatio', 'a part of 1');
  if (!(burstRatio > 0)) throw argumentError('input.burstRatio', 'a positive number');
  if (codec !== undefined && !Object.hasOwn(CODECS, codec)) {
    throw argumentError('input.codec', Object.keys(CODECS).join(', '));
  }
  const delay = mouthToEarMs(roundTripMs, jitterMs);
  const loss = lossImpairment(lossRatio, codec, burstRatio);
  const ratings = {
    'e-model': R0 - delayImpairment(delay) - loss,
    'cole-rosenbluth': R0 - approximateDelayImpairment(delay) - loss,
    'rule-of-thumb': ruleOfThumb(delay, lossRatio),
  };
  const formulas = Object.entries(ratings).map(([name, rating]) => {
    const r = Math.max(0, rating);
    return { name, r, mos: mosOfRating(r) };
  });
  const scores = formulas.map(({ mos }) => mos);
  return { low: Math.min(...scores), high: Math.max(...scores), formulas };
}
