// What JavaScript knows about the engine's mailbox: the mirror of bindings/engine.h.
// tests/js/engine/layout.test.js holds the two together.

/** Arguments of the core's place(). */
export const PLACES = /** @type {const} */ ({ inbox: 0, outbox: 1, inboxBytes: 2 });

/** Words of the requests that are calls of their own. */
export const OPEN_WORDS = 13;
export const START_WORDS = 6;

/** enum Mechanism of src/client/authenticator.h. */
export const MECHANISM = /** @type {const} */ ({ none: 0, 'short-term': 1, 'long-term': 2 });

/** response_port of a StartRequest that asks for none. */
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
});

/** Words of an OutputRecord; its kinds and the places in it. */
export const OUTPUT_WORDS = 31;
export const OUTPUT = /** @type {const} */ ({
  transmit: 0,
  mappedAddress: 1,
  errorResponse: 2,
  failed: 3,
});
export const OUT = /** @type {const} */ ({
  kind: 0,
  handle: 1,
  payloadBytes: 2,
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
export const ADDRESSES = 4;
export const TEXTS = 3;
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
