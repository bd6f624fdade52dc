// postern/testing: a simulated internet with NATs, for tests of programs that speak UDP, STUN or TURN.

export { PosternError } from '../errors.js';
export { createNetwork } from './network.js';
export { addStunServer } from './stun-server.js';
export { addTurnServer } from './turn-server.js';

/** @typedef {import('./host.js').Host} Host */
/** @typedef {import('./host.js').UdpOptions} UdpOptions */
/** @typedef {import('./nat.js').MappingInfo} MappingInfo */
/** @typedef {import('./nat.js').Nat} Nat */
/** @typedef {import('./nat-words.js').Blocks} Blocks */
/** @typedef {import('./nat-words.js').BlockRule} BlockRule */
/** @typedef {import('./nat-words.js').FirewallOptions} FirewallOptions */
/** @typedef {import('./nat-words.js').NatOptions} NatOptions */
/** @typedef {import('./nat-words.js').ScreenedPacket} ScreenedPacket */
/** @typedef {import('./network.js').Network} Network */
/** @typedef {import('./options.js').Conditions} Conditions */
/** @typedef {import('./options.js').HostOptions} HostOptions */
/** @typedef {import('./options.js').NetworkOptions} NetworkOptions */
/** @typedef {import('./packet-log.js').NetworkStats} NetworkStats */
/** @typedef {import('./packet-log.js').Packet} Packet */
/** @typedef {import('./stun-server.js').StunServer} StunServer */
/** @typedef {import('./stun-server.js').StunServerOptions} StunServerOptions */
/** @typedef {import('./turn-server.js').TurnServerOptions} TurnServerOptions */
/** @typedef {import('./udp-socket.js').UdpSocket} UdpSocket */
/** @typedef {import('./virtual-time.js').RunOptions} RunOptions */
