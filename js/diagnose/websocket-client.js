// What of the client a page needs for relays over WebSocket: a module of its own, so that bundlers load it apart.

export { checkIceServers } from '../check/check-ice-servers.js';
export { init } from '../engine/shared-engine.js';
export { measureQuality } from '../measure/quality/measure-quality.js';
export { measurementsOfRows } from '../report/measurements/from-check-rows.js';
