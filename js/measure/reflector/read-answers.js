// Whether what answers makes sense: it may be no reflector, and what it says decides where packets go.

import { familyOf } from '../../address.js';
import { PosternError } from '../../errors.js';
import { MAX_FLOWS } from '../../reflector/packets/marks.js';

/** @typedef {import('../../reflector/talk.js').Arrival} Arrival */
/** @typedef {import('../../reflector/talk.js').FlowCounts} FlowCounts */
/** @typedef {import('../../reflector/talk.js').StartAnswer} StartAnswer */

const MAX_PORTS = 1024;
const MOST_IDLE_MS = 3_600_000;

/** @param {unknown} value @returns {value is number} */
const isCount = (value) => Number.isSafeInteger(value) && Number(value) >= 0;

/** @param {unknown} value @returns {value is number[]} */
const isPorts = (value) =>
  Array.isArray(value) &&
  value.length <= MAX_PORTS &&
  value.every((port) => isCount(port) && port > 0 && port <= 0xffff);

const noReflector = () =>
  new PosternError('ERR_REFLECTOR_REFUSED', 'What answered there is no reflector.', {
    reason: 'no-reflector',
  });

/**
 * @param {any} answer
 * @returns {StartAnswer}
 * @throws {PosternError} ERR_REFLECTOR_REFUSED, as the others do
 */
export function readStart(answer) {
  const isStart =
    typeof answer?.session === 'string' &&
    /^[\da-f]{16}$/.test(answer.handle) &&
    /^[\da-f]{64}$/.test(answer.key) &&
    familyOf(String(answer.address)) !== undefined &&
    isPorts(answer.udp) &&
    answer.udp.length > 0 &&
    isPorts(answer.sip) &&
    answer.idleMs >= 1 &&
    answer.idleMs <= MOST_IDLE_MS;
  if (!isStart) throw noReflector();
  return answer;
}

/** @param {any} answer @returns {Arrival[]} */
export function readArrivals(answer) {
  const { arrived } = answer ?? {};
  if (!Array.isArray(arrived) || !arrived.every((one) => isCount(one?.number))) throw noReflector();
  return arrived;
}

/** @param {any} answer @returns {{ flow: number, kbps?: number }} */
export function readFlow(answer) {
  if (!isCount(answer?.flow) || answer.flow >= MAX_FLOWS) throw noReflector();
  return answer;
}

/** @param {any} answer @returns {FlowCounts} */
export function readCounts(answer) {
  const { packets, bytes, duplicates, reordered, bins } = answer ?? {};
  let last = -1;
  const isCounts =
    [packets, bytes, duplicates, reordered].every(isCount) &&
    Array.isArray(bins) &&
    bins.every((bin) => {
      const isBin = Array.isArray(bin) && bin.length === 3 && bin.every(isCount) && bin[0] > last;
      if (isBin) last = bin[0];
      return isBin;
    });
  if (!isCounts) throw noReflector();
  return answer;
}
