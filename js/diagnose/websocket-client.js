// What of the client a page needs for relays over WebSocket: one module, so that bundlers load it apart.

export { checkIceServers } from '../check/check-ice-servers.js';
export { init } from '../engine/shared-engine.js';
export { measurementsOfRows } from '../report/measurements/from-check-rows.js';
export { allocate } from '../turn/allocate.js';
