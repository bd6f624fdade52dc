// What a path is like, from times and numbers of packets. Pure: no clock, no socket, bounded memory.

export { Arrivals, graceTimeMs } from './arrivals.js';
export { Bursts, GMIN } from './bursts.js';
export { Distribution } from './distribution.js';
export { Jitter } from './jitter.js';
export { LoadedLatency } from './loaded-latency.js';
export {
  approximateDelayImpairment,
  CODECS,
  delayImpairment,
  estimateMos,
  lossImpairment,
  mosOfRating,
  mouthToEarMs,
  ruleOfThumb,
} from './mos.js';
export { QualityMeter } from './quality-meter.js';
export { RoundTrips } from './round-trips.js';
export { Stalls } from './stalls.js';
export { Throughput } from './throughput.js';
