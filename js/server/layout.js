// What JavaScript knows about the server's mailbox: the mirror of bindings/server_mailbox.h, beside what it shares with
// that of the clients (js/engine/layout.js). tests/js/server/layout.test.js holds the two together.

/** Words of a ServerStatus: the first three are as those of a Status. */
export const SERVER_STATUS = /** @type {const} */ ({ nextTimeout: 0, hasMore: 2, accepted: 3 });

/** Words of an OpenServerRequest, in their order. */
export const OPEN_SERVER = /** @type {const} */ ([
  'secretBytes',
  'realmBytes',
  'softwareBytes',
  'serverNameBytes',
  'alternateDomainBytes',
  'alternates',
  'needsAuthentication',
  'asksForKeys',
  'defaultLifetimeSeconds',
  'maxLifetimeSeconds',
  'relaysIpv4',
  'relaysIpv6',
  'relaysUdp',
  'relaysTcp',
  'hidesUsernames',
  'allowsMobility',
  'allowsResponsePort',
  'maxAllocations',
  'maxAllocationsPerUser',
  'maxAllocationsPerSource',
  'maxPermissions',
  'maxChannels',
  'maxConnections',
  'nonceLifetimeSeconds',
  'unauthenticatedPerSecond',
  'unauthenticatedBurst',
]);

export const SERVER_COMMAND = /** @type {const} */ ({
  setUser: 0,
  removeUser: 1,
  setSecrets: 2,
  setPolicy: 3,
  setTokenKeys: 4,
  setDraining: 5,
  setTimeOfDay: 6,
  addLink: 7,
  removeLink: 8,
  relayOpened: 9,
  relayFailed: 10,
  peerConnected: 11,
  peerRefused: 12,
  peerClosed: 13,
  peerAccepted: 14,
  answerKey: 15,
  endAll: 16,
});

export const SERVER_INPUT = /** @type {const} */ ({ message: 0, stream: 1, peerData: 2 });

export const SERVER_OUTPUT = /** @type {const} */ ({
  transmit: 0,
  toPeer: 1,
  leftover: 2,
  closeLink: 3,
  event: 4,
});

/** Words of a TransmitRecord, and the places in it. */
export const TRANSMIT_WORDS = 9;
export const TRANSMIT = /** @type {const} */ ({ port: 3, addressBytes: 4, address: 5 });

/** Words of a ToPeerRecord, and the places in it. */
export const TO_PEER_WORDS = 13;
export const TO_PEER = /** @type {const} */ ({
  input: 3,
  offset: 4,
  length: 5,
  dontFragment: 6,
  port: 7,
  addressBytes: 8,
  address: 9,
});

/** Words of a ServerEventRecord, and the places in it. */
export const SERVER_EVENT_WORDS = 21;
export const SERVER_EVENT = /** @type {const} */ ({
  event: 3,
  reserved: 4,
  link: 5,
  connection: 6,
  question: 7,
  family: 8,
  protocol: 9,
  portWish: 10,
  lifetimeSeconds: 11,
  addresses: 12,
  textBytes: 20,
});

/** enum ServerEventKind of src/server/server_event.h, in its order. */
export const SERVER_EVENTS = /** @type {const} */ ([
  'open-relay',
  'close-relay',
  'connect-peer',
  'close-peer',
  'join-peer',
  'ask-key',
  'allocated',
  'refreshed',
  'moved',
  'ended',
]);

/** enum PortWish of src/server/server_event.h. */
export const PORT_WISH = /** @type {const} */ ({ any: 0, even: 1, evenAndNext: 2 });

/** The counters in their order. */
export const SERVER_STATS = /** @type {const} */ ([
  'allocations',
  'allocationsMade',
  'allocationsExpired',
  'relayedToPeers',
  'relayedToPeersBytes',
  'relayedToClients',
  'relayedToClientsBytes',
  'malformed',
  'unexpected',
  'rateLimited',
  'withoutAllocation',
  'withoutPermission',
  'unknownChannel',
  'badIndication',
  'strayPeerData',
  'forbiddenPeers',
  'refused',
  'questionsAsked',
  'questionsDropped',
  'questionsLapsed',
  'authenticated',
  'challenged',
  'badForm',
  'unknownUser',
  'expiredUser',
  'wrongPassword',
  'staleNonce',
  'brokenStreams',
]);
