// postern: STUN and TURN for Node and the browser.

export { checkIceServers } from './check/check-ice-servers.js';
export { init } from './engine/shared-engine.js';
export { PosternError } from './errors.js';
export { getMappedAddress, openStunClient } from './get-mapped-address.js';
export { discoverNat } from './nat/index.js';
export { StunClient } from './stun-client.js';
export { memoryTransportPair } from './transports/memory.js';
export { allocate } from './turn/allocate.js';
export { Relay } from './turn/relay.js';
export { turnSocket } from './turn/turn-socket.js';
export { formatUri, parseUri } from './uri.js';

// The types of what goes in and comes out.
/** @typedef {import('./check/check-ice-servers.js').CheckOptions} CheckOptions */
/** @typedef {import('./check/check-ice-servers.js').CheckRow} CheckRow */
/** @typedef {import('./codec/values.js').TransportAddress} TransportAddress */
/** @typedef {import('./errors.js').AttemptReport} AttemptReport */
/** @typedef {import('./errors.js').Phase} Phase */
/** @typedef {import('./generated/errors.js').ErrorCode} ErrorCode */
/** @typedef {import('./ice-server.js').IceServer} IceServer */
/** @typedef {import('./ice-server.js').ServerInput} ServerInput */
/** @typedef {import('./nat/options.js').NatOptions} NatOptions */
/** @typedef {import('./nat/read-records.js').NatTest} NatTest */
/** @typedef {import('./nat/result.js').NatResult} NatResult */
/** @typedef {import('./stun-client.js').BindingResult} BindingResult */
/** @typedef {import('./stun-options.js').StunCredentials} StunCredentials */
/** @typedef {import('./stun-options.js').StunOptions} StunOptions */
/** @typedef {import('./transports/transport.js').OpenTransport} OpenTransport */
/** @typedef {import('./transports/transport.js').Transport} Transport */
/** @typedef {import('./transports/transport.js').TransportTarget} TransportTarget */
/** @typedef {import('./turn/allocate-options.js').AllocateOptions} AllocateOptions */
/** @typedef {import('./turn/peer.js').PeerAddress} PeerAddress */
/** @typedef {import('./turn/peer.js').PeerHost} PeerHost */
/** @typedef {import('./turn/relay-channel.js').RelayChannel} RelayChannel */
/** @typedef {import('./turn/relay-connection.js').RelayConnection} RelayConnection */
/** @typedef {import('./turn/relay-event.js').RelayEvent} RelayEvent */
/** @typedef {import('./turn/relay-origin.js').RelayPhases} RelayPhases */
/** @typedef {import('./turn/relay-streams.js').RelayMessage} RelayMessage */
/** @typedef {import('./turn/relay-streams.js').UdpMessage} UdpMessage */
/** @typedef {import('./turn/turn-credentials.js').Credentials} TurnCredentials */
/** @typedef {import('./turn/turn-credentials.js').CredentialSource} CredentialSource */
/** @typedef {import('./turn/turn-session.js').RelayEnd} RelayEnd */
/** @typedef {import('./turn/turn-socket.js').TurnSocketOptions} TurnSocketOptions */
/** @typedef {import('./uri.js').ServerUri} ServerUri */
