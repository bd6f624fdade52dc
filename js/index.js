// postern: STUN and TURN for Node and the browser.

export { checkIceServers } from './check/check-ice-servers.js';
export { init } from './engine/shared-engine.js';
export { PosternError } from './errors.js';
export { getMappedAddress, openStunClient } from './get-mapped-address.js';
export { StunClient } from './stun-client.js';
export { memoryTransportPair } from './transports/memory.js';
export { allocate } from './turn/allocate.js';
export { Relay } from './turn/relay.js';
export { turnSocket } from './turn/turn-socket.js';
export { formatUri, parseUri } from './uri.js';
