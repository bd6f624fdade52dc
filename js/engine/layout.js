// What JavaScript knows about the engine's mailbox: the mirror of bindings/mailbox.h.
// tests/js/engine/layout.test.js holds the two together.

/** Arguments of the core's place(). */
export const PLACES = /** @type {const} */ ({
  inbox: 0,
  outbox: 1,
  inboxBytes: 2,
  status: 3,
  address: 4,
  entropy: 5,
});

/** Words of a Status; its double comes first. */
export const STATUS = /** @type {const} */ ({ nextTimeout: 0, hasMore: 2, entropyBytes: 3 });
/** kEntropyBytes of bindings/engine.h, and kBytes of its AddressPort. */
export const ENTROPY_BYTES = 1024;
export const ADDRESS_BYTES = 40;

/** What open() makes. */
export const KIND = /** @type {const} */ ({ stun: 0, turn: 1, binder: 2 });

/** Words of the requests: what follows them has their order, too. */
export const OPEN_WORDS = 20;
export const BINDING_WORDS = 5;
export const ALLOCATE_WORDS = 8;
export const PEER_WORDS = 2;
export const CREDENTIALS_WORDS = 5;

export const COMMAND = /** @type {const} */ ({
  startBinding: 0,
  sendIndication: 1,
  cancel: 2,
  allocate: 3,
  permit: 4,
  releasePermission: 5,
  bindChannel: 6,
  releaseChannel: 7,
  connect: 8,
  refresh: 9,
  move: 10,
  setCredentials: 11,
  closeAllocation: 12,
});

/** enum Mechanism of src/client/authenticator.h. */
export const MECHANISM = /** @type {const} */ ({
  none: 0,
  'short-term': 1,
  'long-term': 2,
  'third-party': 3,
});

/** enum EvenPort of src/client/turn/allocation.h. */
export const EVEN_PORT = /** @type {const} */ ({ any: 0, even: 1, reserve: 2 });
/** IP protocols of src/turn/lifetimes.h. */
export const RELAY_TRANSPORT = /** @type {const} */ ({ tcp: 6, udp: 17 });

/** response_port of a BindingCommand that asks for none. */
export const NO_RESPONSE_PORT = 0x10000;

/** Words of an InputRecord; its kinds. */
export const INPUT_WORDS = 5;
export const INPUT = /** @type {const} */ ({
  datagram: 0,
  datagramFrom: 1,
  stream: 2,
  softError: 3,
  hardError: 4,
  closed: 5,
  send: 6,
  sendUnfragmented: 7,
  sendChannel: 8,
});

/** The kinds of outputs, and what each record begins with. */
export const OUTPUT = /** @type {const} */ ({
  transmit: 0,
  data: 1,
  leftover: 2,
  mappedAddress: 3,
  errorResponse: 4,
  failed: 5,
  turnEvent: 6,
});
export const HEAD = /** @type {const} */ ({ kind: 0, handle: 1, payloadBytes: 2 });
export const HEAD_WORDS = 3;

/** Words of a DataRecord, and the places in it. */
export const DATA_WORDS = 13;
export const DATA = /** @type {const} */ ({
  input: 3,
  offset: 4,
  length: 5,
  channel: 6,
  port: 7,
  addressBytes: 8,
  address: 9,
});
export const NO_INPUT = 0xffffffff;

/** Words of a BindingRecord, and the places in it. */
export const BINDING_RECORD_WORDS = 31;
export const BINDING = /** @type {const} */ ({
  transaction: 3,
  requestsSent: 4,
  roundTripMicroseconds: 5,
  isAuthenticated: 6,
  mayRedirect: 7,
  errc: 8,
  errorCode: 9,
  attribute: 10,
  addresses: 11,
  textBytes: 19,
  unknownCount: 22,
  unknown: 23,
});

/** Words of a TurnEventRecord, and the places in it. */
export const TURN_RECORD_WORDS = 46;
export const TURN = /** @type {const} */ ({
  event: 3,
  errc: 4,
  errorCode: 5,
  token: 6,
  number: 7,
  detail: 8,
  requestsSent: 9,
  roundTripMicroseconds: 10,
  isAuthenticated: 11,
  hasAllocation: 12,
  lifetimeSeconds: 13,
  hasTicket: 14,
  refusedFamily: 15,
  refusedCode: 16,
  hasReservation: 17,
  reservation: 18,
  addresses: 20,
  textBytes: 32,
  unknownCount: 37,
  unknown: 38,
});
export const NO_ROUND_TRIP = 0xffffffff;

/** Counters in the order of client::StunClientStats. */
export const STATS = /** @type {const} */ ([
  'malformed',
  'unexpected',
  'wrongSource',
  'unknownTransaction',
  'late',
  'badFingerprint',
  'badIntegrity',
  'ignored',
]);

/** enum TurnEventKind of src/client/turn/turn_event.h, in its order. */
export const TURN_EVENTS = /** @type {const} */ ([
  'allocated',
  'allocate-failed',
  'permitted',
  'permission-failed',
  'permission-lost',
  'channel-bound',
  'channel-failed',
  'channel-lost',
  'connected',
  'connect-failed',
  'connection-attempt',
  'icmp',
  'refreshed',
  'refresh-failed',
  'moved',
  'move-failed',
  'credentials-refused',
  'lost',
  'closed',
]);

/** Counters of a TURN client: client::TurnClientStats in its order, and what send() and sendChannel() dropped. */
export const TURN_STATS = /** @type {const} */ ([
  'malformed',
  'unexpected',
  'wrongSource',
  'unknownTransaction',
  'late',
  'badFingerprint',
  'badIntegrity',
  'ignored',
  'unknownChannel',
  'unpermitted',
  'droppedEvents',
  'sendFailed',
]);
